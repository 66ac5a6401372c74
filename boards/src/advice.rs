//! What to do when a device does not work, for the person on the ladder: `(日本語, English)`.
//!
//! One or two sentences for each error of a driver: what is the matter, and what to do next. The error's own text has the
//! exact keys and reasons, and is for the log.

use std::path::Path;

use crate::{
    CameraError, Input, InputsError, PanelError, ReaderError, StrikeError, lines::LinesError,
    selftest::DeviceName,
};

/// The same text in Japanese and in English.
pub type Text = (String, String);

fn text(ja: impl Into<String>, en: impl Into<String>) -> Text {
    (ja.into(), en.into())
}

/// With the thing that it is about: a path, mostly.
fn about(thing: impl ToString, ja: &str, en: &str) -> Text {
    let thing = thing.to_string();
    (format!("{ja}（{thing}）"), format!("{en} ({thing})"))
}

fn at(path: &Path, ja: &str, en: &str) -> Text {
    about(path.display(), ja, en)
}

/// What a device is called.
#[must_use]
pub fn name(device: DeviceName) -> Text {
    match device {
        DeviceName::Camera => text("カメラ", "Camera"),
        DeviceName::Strike => text("リレー（ドアを開ける装置）", "Relay (opens the door)"),
        DeviceName::Input(Input::DoorPosition) => text("ドアの開閉センサー", "Door contact"),
        DeviceName::Input(Input::RequestToExit) => text("出口ボタン", "Exit button"),
        DeviceName::Input(Input::FireContact) => text("火災信号", "Fire alarm contact"),
        DeviceName::Input(Input::Tamper) => text("本体ケースのスイッチ", "Housing switch"),
        DeviceName::Reader(place) => {
            (format!("カード・QRの読み取り装置 {}", place + 1), format!("Card or QR reader {}", place + 1))
        }
        DeviceName::Clock => text("時計", "Clock"),
        DeviceName::Panel => text("小型の表示器", "Small panel"),
        DeviceName::SoundPlayer => text("スピーカー", "Speaker"),
    }
}

/// How things stand at a contact.
#[must_use]
pub fn level(input: Input, active: bool) -> Text {
    match (input, active) {
        (Input::DoorPosition, true) => text("ドアが開いています", "The door is open"),
        (Input::DoorPosition, false) => text("ドアは閉まっています", "The door is closed"),
        (Input::RequestToExit, true) => text("押されています", "It is pressed"),
        (Input::RequestToExit, false) => text("押されていません", "It is not pressed"),
        (Input::FireContact, true) => text(
            "火災信号が出ています。火災でなければ、配線を確認してください",
            "It says fire. If there is none, check the wiring",
        ),
        (Input::FireContact, false) => text("火災信号は出ていません", "It says that all is well"),
        (Input::Tamper, true) => text("ケースが開いています", "The housing is open"),
        (Input::Tamper, false) => text("ケースは閉まっています", "The housing is closed"),
    }
}

/// For a camera.
#[must_use]
pub fn camera(error: &CameraError) -> Text {
    match error {
        CameraError::NotThere { camera, .. } => about(
            camera,
            "カメラが見つかりません。USBケーブルを差し直してください",
            "Camera not found. Re-plug the USB cable",
        ),
        CameraError::Open { camera, .. } => about(
            camera,
            "カメラを使えません。受付プログラムが動いていれば止めて、もう一度お試しください",
            "The camera cannot be used. If the reception program is running, stop it and try again",
        ),
        CameraError::Silent { camera, .. } => about(
            camera,
            "カメラから映像が届きません。USBケーブルを確認してください",
            "No picture comes from the camera. Check the USB cable",
        ),
        CameraError::Lost { camera, .. } => about(
            camera,
            "カメラとの接続が切れました。USBケーブルを差し直してください",
            "The camera was lost. Re-plug the USB cable",
        ),
        CameraError::Hanging { camera } => about(
            camera,
            "カメラの前の動作が終わっていません。USBケーブルを一度抜いて、差し直してください",
            "The camera is still busy with its last use. Unplug the USB cable and plug it in again",
        ),
        CameraError::BadFrame { format, .. } => about(
            format,
            "カメラの映像を読み取れません。別のUSBケーブルをお使いください",
            "The camera's pictures cannot be read. Please use another USB cable",
        ),
        CameraError::BadImage { path, .. } => at(
            path,
            "画像ファイルを読み取れません。取り替えるか、フォルダーから外してください",
            "A picture file cannot be read. Replace it or take it out of the folder",
        ),
        CameraError::NoImages { path, .. } => at(
            path,
            "画像ファイルがありません。フォルダーに入れるか、設定ファイルの path を直してください",
            "There is no picture file. Put some into the folder, or correct `path` in the board file",
        ),
    }
}

/// For the relay.
#[must_use]
pub fn strike(error: &StrikeError) -> Text {
    match error {
        StrikeError::NotThere { device, .. } => about(
            device,
            "リレー（ドアを開ける装置）が見つかりません。USBケーブルを差し直してください",
            "Relay not found. Re-plug the USB cable",
        ),
        StrikeError::Lines(error) => lines(error),
        StrikeError::InUse { device } => about(
            device,
            "リレーをほかのプログラムが使っています。受付プログラムを止めて、もう一度お試しください",
            "Another program uses the relay. Stop the reception program and try again",
        ),
        StrikeError::Port { device, .. } => about(
            device,
            "リレーを使えません。USBケーブルと、利用者の権限（dialout グループ）を確認してください",
            "The relay cannot be used. Check the USB cable, and that the user is in the group dialout",
        ),
        StrikeError::Stuck { device, .. } => about(
            device,
            "リレーから返事がありません。電源と配線を確認してください",
            "The relay does not answer. Check its power and wiring",
        ),
        StrikeError::Silent { device, .. } => about(
            device,
            "リレーから返事がありません。電源、配線（AとB）、設定ファイルの address と baud_rate を確認してください",
            "The relay does not answer. Check its power, the wires A and B, and `address` and `baud_rate` in the board file",
        ),
        StrikeError::Answer { device, .. } => about(
            device,
            "リレーの返事を読み取れません。配線（AとB）、設定ファイルの baud_rate と address を確認してください",
            "The relay's answer cannot be read. Check the wires A and B, and `baud_rate` and `address` in the board file",
        ),
        StrikeError::Refused { device, .. } => about(
            device,
            "リレーがこの操作を受け付けません。設定ファイルの coil を確認してください",
            "The relay does not take this command. Check `coil` in the board file",
        ),
        StrikeError::Contrary { device, .. } => about(
            device,
            "リレーが指示どおりに動いていません。リレーの電源を入れ直してください。続くときは、リレーを交換してください",
            "The relay does not stand as it was told. Switch it off and on. If it happens again, replace it",
        ),
        StrikeError::Guard { device, .. } => about(
            device,
            "リレーを見守るプログラムが動きません。本体を再起動してください",
            "The program that watches over the relay does not run. Restart the device",
        ),
        StrikeError::Late { device, .. } => about(
            device,
            "リレーの準備に時間がかかりました。もう一度お試しください",
            "The relay was not ready in time. Please try again",
        ),
        StrikeError::Driver { device, .. } => about(
            device,
            "リレーの操作が終わりません。本体を再起動してください",
            "The relay's driver does not answer. Restart the device",
        ),
        StrikeError::Record { path, .. } => at(
            path,
            "解錠の記録を書き込めません。空き容量と、設定ファイルの pulses を確認してください",
            "Pulses cannot be written down. Check the free space, and `pulses` in the board file",
        ),
    }
}

/// For the door's contacts.
#[must_use]
pub fn inputs(error: &InputsError) -> Text {
    match error {
        InputsError::Lines(error) => lines(error),
        InputsError::Command { path, .. } => at(
            path,
            "接点の操作ファイルに、読み取れない行があります。その行を直してください",
            "A line of the file that plays the door's contacts cannot be read. Correct that line",
        ),
        InputsError::File { path, .. } => at(
            path,
            "接点の操作ファイルを読み取れません。設定ファイルの [inputs] path を直してください",
            "The file that plays the door's contacts cannot be read. Correct `path` under [inputs]",
        ),
    }
}

/// For a line of a GPIO chip.
#[must_use]
pub fn lines(error: &LinesError) -> Text {
    match error {
        LinesError::NotThere { chip, found } => about(
            chip,
            &format!(
                "端子（GPIO）が見つかりません。設定ファイルの chip を直してください。見つかったもの：{found}"
            ),
            &format!("GPIO chip not found. Correct `chip` in the board file. Found instead: {found}"),
        ),
        LinesError::NoLine { chip, offset, count } => about(
            chip,
            &format!(
                "端子（GPIO）の{offset}番はありません。設定ファイルの line を0から{}までに直してください",
                count.saturating_sub(1)
            ),
            &format!(
                "There is no line {offset}. Correct `line` in the board file: 0 to {}",
                count.saturating_sub(1)
            ),
        ),
        LinesError::InUse { chip, offset, by } => about(
            chip,
            &format!(
                "端子（GPIO）の{offset}番は、ほかで使われています（{by}）。受付プログラムを止めるか、別の番号に配線してください"
            ),
            &format!("Line {offset} is in use by {by}. Stop the reception program, or wire another line"),
        ),
        LinesError::Refused { chip, .. } => about(
            chip,
            "端子（GPIO）を使えません。利用者の権限（gpio グループ）を確認してください",
            "The GPIO chip cannot be used. Check that the user is in the group gpio",
        ),
    }
}

/// For a reader of cards and codes.
#[must_use]
pub fn reader(error: &ReaderError) -> Text {
    match error {
        ReaderError::Command { path, .. } => at(
            path,
            "カードの操作ファイルに、読み取れない行があります。その行を直してください",
            "A line of the file that plays cards cannot be read. Correct that line",
        ),
        ReaderError::File { path, .. } => at(
            path,
            "カードの操作ファイルを読み取れません。設定ファイルの [[readers]] path を直してください",
            "The file that plays cards cannot be read. Correct `path` under [[readers]]",
        ),
        ReaderError::Service { .. } => text(
            "カードリーダーのサービス（pcscd）が動いていません。本体を再起動してください",
            "The service for card readers (pcscd) does not run. Restart the device",
        ),
        ReaderError::NotThere { name, .. } => about(
            name,
            "カードリーダーが見つかりません。ケーブルと、設定ファイルの [[readers]] name を確認してください",
            "The card reader is not there. Check its cable, and `name` under [[readers]]",
        ),
        ReaderError::Several { name, .. } => about(
            name,
            "同じ名前のカードリーダーが複数あります。設定ファイルの [[readers]] name に名前をすべて書いてください",
            "More than one card reader has this name. Write the whole `name` under [[readers]]",
        ),
        ReaderError::Authorities { folder, .. } => at(
            folder,
            "マイナンバーカードの認証局の証明書を使えません。設定ファイルの [[readers]] authorities を確認してください",
            "The authorities for MyNumber cards cannot be used. Check `authorities` under [[readers]]",
        ),
        ReaderError::Stuck { name } => about(
            name,
            "カードリーダーが応答しません。ケーブルを抜いて、差し直してください",
            "The card reader does not answer. Pull its cable out and plug it in again",
        ),
        ReaderError::Taken { name } => about(
            name,
            "ほかのプログラムがカードを使っています。そのプログラムを止めてください",
            "Another program uses the card. Stop that program",
        ),
        ReaderError::Mute { name } => about(
            name,
            "カードを読み取れません。カードを一度離し、1枚だけをもう一度置いてください",
            "The card cannot be read. Take it away, and lay it down again, alone",
        ),
    }
}

/// For the small panel.
#[must_use]
pub fn panel(error: &PanelError) -> Text {
    match error {
        PanelError::NotThere { device } => about(
            device,
            "小型の表示器が見つかりません。配線と、設定ファイルの [panel] device を確認してください",
            "The small panel is not there. Check its wires, and `device` under [panel]",
        ),
        PanelError::Bus { device, .. } => about(
            device,
            "小型の表示器を使えません。配線と、利用者の権限（i2c・spi グループ）を確認してください",
            "The small panel cannot be used. Check its wires, and that the user is in the group i2c or spi",
        ),
        PanelError::Lines(error) => lines(error),
        PanelError::File { path, .. } => at(
            path,
            "表示器の画像を書き込めません。空き容量と、設定ファイルの [panel] path を確認してください",
            "The panel's picture cannot be written. Check the free space, and `path` under [panel]",
        ),
    }
}

/// For a calendar that lies before this program was made.
#[must_use]
pub fn wrong_date() -> Text {
    text(
        "日付と時刻が合っていません。ネットワークにつなぐか、時刻を合わせてください。電源を入れるたびに起きるときは、時計の電池を交換してください",
        "The date is wrong. Connect the network, or set the time. If it happens at each start, replace the clock's battery",
    )
}

/// For a clock that does not go.
#[must_use]
pub fn clock_stands_still() -> Text {
    text("時計が進んでいません。本体を再起動してください", "The clock does not go. Restart the device")
}

/// For a player of sounds that is not installed.
#[must_use]
pub fn no_player(program: &str) -> Text {
    about(
        program,
        "音を鳴らすプログラムが見つかりません。設定ファイルの [sound] player を直してください",
        "The program that plays sounds is not there. Correct `player` under [sound]",
    )
}

/// For a player that cannot play.
#[must_use]
pub fn no_sound(program: &str) -> Text {
    about(
        program,
        "音を鳴らせません。スピーカーの接続と、設定ファイルの [sound] player を確認してください",
        "No sound can be played. Check the speaker's cable, and `player` under [sound]",
    )
}

/// For a device whose check does not end.
#[must_use]
pub fn no_end(device: DeviceName) -> Text {
    let (ja, en) = name(device);
    text(
        format!("{ja}の確認が終わりません。電源を入れ直してください"),
        format!("{en}: the check does not end. Switch the device off and on"),
    )
}
