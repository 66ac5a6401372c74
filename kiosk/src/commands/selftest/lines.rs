//! The lines of the self-test: one a device, in the technician's order.

use std::{error::Error, fmt};

use boards::{DeviceCheck, DeviceName, Input, Verdict, advice};
use gate::PulseResult;
use serde::Serialize;

use crate::output::explain;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// As far as can be known without a person.
    Works,
    /// It works; somebody should look at it.
    Look,
    /// This kiosk does not have it, and needs none.
    Absent,
    /// It is not there.
    NotSeen,
    /// It is there, and does not work.
    Failed,
}

impl State {
    /// Whether the kiosk can be left like this.
    pub(super) fn is_good(self) -> bool {
        match self {
            Self::Works | Self::Look | Self::Absent => true,
            Self::NotSeen | Self::Failed => false,
        }
    }

    /// A shape, because nothing is told by colour alone.
    fn mark(self) -> &'static str {
        match self {
            Self::Works => "○",
            Self::Look => "△",
            Self::Absent => "－",
            Self::NotSeen | Self::Failed => "×",
        }
    }
}

/// One part of the kiosk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    /// For programs: `camera`, `relay`.
    pub(super) part: String,
    pub(super) state: State,
    pub(super) name_ja: String,
    pub(super) name_en: String,
    /// Where it is, as in the board file.
    pub(super) place: String,
    /// How it is, or what to do.
    pub(super) ja: String,
    pub(super) en: String,
    /// The driver's own words, for the log.
    pub(super) detail: Option<String>,
}

impl Line {
    pub(super) fn new(
        part: &str,
        state: State,
        (name_ja, name_en): (&str, &str),
        (ja, en): (&str, &str),
    ) -> Self {
        Self {
            part: part.into(),
            state,
            name_ja: name_ja.into(),
            name_en: name_en.into(),
            place: String::new(),
            ja: ja.into(),
            en: en.into(),
            detail: None,
        }
    }

    pub(super) fn at(self, place: impl ToString) -> Self {
        Self { place: place.to_string(), ..self }
    }

    pub(super) fn because(self, error: &(dyn Error + 'static)) -> Self {
        Self { detail: Some(explain(error)), ..self }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} {}", self.state.mark(), self.name_ja, self.name_en)?;
        if !self.place.is_empty() {
            write!(out, "（{}）", self.place)?;
        }
        write!(out, "\n    {}\n    {}", self.ja, self.en)?;
        match (&self.detail, self.state.is_good()) {
            (Some(detail), false) => write!(out, "\n    [{}]", detail.replace('\n', " ")),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

const ABSENT: (&str, &str) = ("この機器にはありません", "This board has none");

/// The six lines, then the board's other devices.
pub(super) fn six(checks: &[DeviceCheck]) -> Vec<Line> {
    let first = |wanted: fn(DeviceName) -> bool, part: &str, name: (&str, &str)| {
        let check = checks.iter().find(|check| wanted(check.device));
        check.map_or_else(|| Line::new(part, State::Absent, name, ABSENT), line)
    };
    let mut lines = vec![
        first(|it| it == DeviceName::Camera, "camera", ("カメラ", "Camera")),
        first(
            |it| matches!(it, DeviceName::Reader(0)),
            "reader-1",
            ("カード・QRの読み取り装置", "Card or QR reader"),
        ),
        first(
            |it| it == DeviceName::Strike,
            "relay",
            ("リレー（ドアを開ける装置）", "Relay (opens the door)"),
        ),
        first(
            |it| it == DeviceName::Input(Input::DoorPosition),
            "door-contact",
            ("ドアの開閉センサー", "Door contact"),
        ),
        first(|it| it == DeviceName::Clock, "clock", ("時計", "Clock")),
        Line::new(
            "network",
            State::Absent,
            ("ネットワーク", "Network"),
            ("使いません。つながっていなくても受付できます", "Not used: reception works without one"),
        ),
    ];
    let told: Vec<String> = lines.iter().map(|line| line.part.clone()).collect();
    lines.extend(checks.iter().filter(|check| !told.contains(&part(check.device))).map(line));
    lines
}

fn line(check: &DeviceCheck) -> Line {
    let (name_ja, name_en) = advice::name(check.device);
    let (state, (ja, en), detail) = match &check.verdict {
        Verdict::Works => (State::Works, working(check), None),
        Verdict::NotSeen(problem) => {
            (State::NotSeen, (problem.ja.clone(), problem.en.clone()), Some(problem.detail.clone()))
        }
        Verdict::Failed(problem) => {
            (State::Failed, (problem.ja.clone(), problem.en.clone()), Some(problem.detail.clone()))
        }
    };
    Line { part: part(check.device), state, name_ja, name_en, place: check.path.clone(), ja, en, detail }
}

/// How a device that works is, as far as can be told; what only a person can see is asked for.
fn working(check: &DeviceCheck) -> (String, String) {
    let both = |ja: &str, en: &str| (ja.to_owned(), en.to_owned());
    match (check.device, check.level) {
        (DeviceName::Input(input), Some(active)) => advice::level(input, active),
        (DeviceName::Input(_), None) => both("使えます", "It works"),
        (DeviceName::Camera, _) => both(
            "映像が届いています。入口が写っているか、画面で確かめてください",
            "Pictures arrive. See on the screen that they show the entrance",
        ),
        (DeviceName::Strike, _) => both(
            "返事があります。ドアは動かしていません（動かすには --pulse）",
            "It answers. The door was not released (--pulse does)",
        ),
        (DeviceName::Reader(_), _) => both(
            "使えます。カードやQRコードをかざして確かめてください",
            "It works. Try it with a card or code",
        ),
        (DeviceName::Clock, _) => both("動いています", "It runs"),
        (DeviceName::Panel, _) => both(
            "画面を出しました。小型の表示器を見て確かめてください",
            "It shows a picture. Please look at the small panel",
        ),
        (DeviceName::SoundPlayer, _) => {
            both("音を出しました。聞こえたか確かめてください", "A sound was played. Did you hear it?")
        }
    }
}

fn part(device: DeviceName) -> String {
    match device {
        DeviceName::Camera => "camera".into(),
        DeviceName::Strike => "relay".into(),
        DeviceName::Input(Input::DoorPosition) => "door-contact".into(),
        DeviceName::Input(Input::RequestToExit) => "exit-button".into(),
        DeviceName::Input(Input::FireContact) => "fire-contact".into(),
        DeviceName::Input(Input::Tamper) => "housing".into(),
        DeviceName::Reader(place) => format!("reader-{}", place + 1),
        DeviceName::Clock => "clock".into(),
        DeviceName::Panel => "panel".into(),
        DeviceName::SoundPlayer => "speaker".into(),
    }
}

/// What became of the pulse that was asked for.
pub(super) fn pulse(result: Result<PulseResult, Box<dyn Error>>) -> Line {
    let name = ("ドアを開ける試し", "Trial of the door");
    let said = |state, ja: &str, en: &str| Line::new("pulse", state, name, (ja, en));
    match result {
        Ok(PulseResult::Pulsed(length)) => said(
            State::Works,
            &format!("{} ミリ秒、開けました。ドアが開くか確かめてください。記録に残りました", length.as_millis()),
            &format!("Released for {} ms. See that the door opens. It is on record", length.as_millis()),
        ),
        Ok(PulseResult::StrikeFailed | PulseResult::Unknown) => said(
            State::Failed,
            "リレーから返事がありません。電源と配線を確認してください",
            "The relay does not answer. Check its power and wiring",
        ),
        Ok(PulseResult::Expired | PulseResult::WrongDoor) => said(
            State::Failed,
            "時間がかかりすぎたので、開けませんでした。もう一度お試しください",
            "It took too long, so the door was not released. Please try again",
        ),
        Err(error) => said(
            State::Failed,
            "開けませんでした。受付プログラムが動いていれば止めてください。データの場所（--data）も確認してください",
            "The door was not released. Stop the reception program if it runs, and check the data directory (--data)",
        )
        .because(error.as_ref()),
    }
}
