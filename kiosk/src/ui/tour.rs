//! Every screen in every language, as pictures to be looked at.

use std::path::{Path, PathBuf};

use gate::{
    CredentialRefusal, Date, Factor, FactorSet, Fault, FeeLine, Greeting, PersonId, QualityIssue,
    ReaderScreen, Refusal, Screen, ShelterScreen, Side, Welcome, Words,
};

use super::headless::{Headless, PanelSize};
use super::moment::{Cover, Meaning, Moment};
use super::panel::{Preview, UiError, save};
use super::words::{Language, Notice, Setup};

const ISSUES: [QualityIssue; 6] = [
    QualityIssue::TooFar,
    QualityIssue::OutOfFrame,
    QualityIssue::NotFrontal,
    QualityIssue::TooDark,
    QualityIssue::TooBright,
    QualityIssue::Blurred,
];

/// Every moment there is. Greetings for one person and for three; with fees, a name and a pass; in a vehicle.
pub(crate) fn every_moment() -> Vec<Moment> {
    let mut moments = vec![Screen::Idle.into()];
    moments.extend(ISSUES.map(Screen::Hint).map(Moment::from));
    moments.extend([Cover::Mask, Cover::Cap].map(Moment::from));
    let mut screens = vec![
        Screen::HoldStill,
        Screen::ShowFace,
        Screen::TurnHead(Side::Left),
        Screen::TurnHead(Side::Right),
        Screen::TurnBack,
        welcome(1),
        welcome(3),
        Screen::NotRecognised,
        Screen::Ambiguous,
        Screen::SecondFactor,
        Screen::SeeStaff,
        Screen::Farewell,
        Screen::AnotherWay,
        Screen::ClaimNotConfirmed,
    ];
    screens.extend(refusals().map(Screen::NotAdmitted));
    screens.extend(ISSUES.map(Screen::NoClearImage));
    screens.push(Screen::Pause);
    screens.extend([Fault::Camera, Fault::Strike, Fault::Storage].map(Screen::OutOfService));
    screens.push(Screen::Evacuate);
    screens.extend(
        [
            ReaderScreen::CardFront,
            ReaderScreen::Pin,
            ReaderScreen::OneTryLeft,
            ReaderScreen::CardWithoutPin,
            ReaderScreen::OtherCard,
            ReaderScreen::Reading,
        ]
        .map(Screen::Reader),
    );
    screens.extend(credential_refusals().map(ReaderScreen::Refused).map(Screen::Reader));
    screens.extend(next_factors().map(Screen::NextFactor));
    screens.extend([ShelterScreen::Reception, ShelterScreen::Household].map(Screen::Shelter));
    moments.extend(screens.into_iter().map(Moment::from));
    moments.extend(greetings());
    moments.extend([2, 9].map(family));
    moments
}

/// A plain welcome.
pub(super) fn welcome(party: u32) -> Screen {
    Screen::Welcome(Welcome { party, ..Welcome::default() })
}

/// Every way to be told what leads on.
pub(super) fn next_factors() -> [FactorSet; 6] {
    use Factor::{CardPin, CardShown, Claim, Face, FreshCode};
    [
        FactorSet::of(&[Face, CardPin]),
        FactorSet::of(&[Face, FreshCode]),
        FactorSet::of(&[CardPin]),
        FactorSet::of(&[FreshCode]),
        FactorSet::of(&[CardShown, CardPin]),
        FactorSet::of(&[Claim, FreshCode]),
    ]
}

/// What is said of refused codes and cards, each once: what is not trusted is said in one way, whatever the reason.
fn credential_refusals() -> [CredentialRefusal; 11] {
    [
        CredentialRefusal::Replayed,
        CredentialRefusal::Expired,
        CredentialRefusal::NotYetValid,
        CredentialRefusal::OtherSite,
        CredentialRefusal::Unreadable,
        CredentialRefusal::ClockInDoubt,
        CredentialRefusal::NeedsShelterOrFace,
        CredentialRefusal::PinWrong { left: 2 },
        CredentialRefusal::PinBlocked,
        CredentialRefusal::Removed,
        CredentialRefusal::CardExpired,
    ]
}

/// Every reason not to let somebody in.
pub(super) fn refusals() -> [Refusal; 11] {
    [
        Refusal::NotRegistered,
        Refusal::NotYetValid(day(2026, 4, 1)),
        Refusal::Expired(day(2026, 3, 31)),
        Refusal::Closed,
        Refusal::OutsideOwnHours,
        Refusal::NoEntitlement,
        Refusal::PassNotValid { ended: Some(day(2026, 9, 30)) },
        Refusal::PassNotValid { ended: None },
        Refusal::CouponsUsed,
        Refusal::AlreadyInside,
        Refusal::ClockInDoubt,
    ]
}

/// Welcomes with all that can stand on them.
fn greetings() -> [Moment; 6] {
    let resident = |people| {
        fee(
            "市内在住　無料",
            "市《し》に　すんでいる　人《ひと》　0円《えん》",
            "City resident, free",
            people,
        )
    };
    let other = |people| {
        fee(
            "市外在住　500円",
            "市《し》の　そとの　人《ひと》　500円《えん》",
            "Non-resident, 500 yen",
            people,
        )
    };
    let child =
        |people| fee("小学生　200円", "しょうがくせい　200円《えん》", "Schoolchild, 200 yen", people);
    let pass_until = Some(day(2026, 12, 31));
    let greet = Some(PersonId([7; 16]));
    let of = |welcome: Welcome| Moment::from(Screen::Welcome(welcome));
    let plain = Welcome::default;
    [
        of(Welcome { party: 3, fees: vec![resident(3)], ..plain() }),
        of(Welcome { party: 4, fees: vec![resident(1), other(2), child(1)], ..plain() }),
        of(Welcome { party: 2, fees: vec![resident(1), other(1)], pass_until, greet, ..plain() })
            .naming(vec!["見本 太郎".into()]),
        of(Welcome { party: 1, pass_until, ..plain() }),
        of(Welcome { party: 1, pass_until, greeting: Greeting::Board, ..plain() }),
        of(Welcome { party: 2, greeting: Greeting::Board, ..plain() }),
    ]
}

fn fee(japanese: &str, easy: &str, english: &str, people: u32) -> FeeLine {
    FeeLine { words: Words { japanese: japanese.into(), easy: easy.into(), english: english.into() }, people }
}

/// A household of so many at a shelter's reception.
pub(super) fn family(members: usize) -> Moment {
    let names = ["太郎", "花子", "一郎", "双葉", "三郎", "四季", "五月", "六花", "七海"];
    Moment::from(Screen::Shelter(ShelterScreen::Household))
        .naming(names[..members].iter().map(|name| format!("見本 {name}")).collect())
}

fn day(year: u16, month: u8, day: u8) -> Date {
    Date::new(year, month, day).expect("a day of the calendar")
}

/// Draws every screen in every language into the folder `out`, and returns the files in the order they were made.
///
/// `ja-idle.png` is the kiosk panel; `-1280x800` and `-1024x600` are the wide ones, `-readers` has a QR and card reader,
/// `-preview` a camera picture, and `-staff-called` is the moment after 係員を呼ぶ. `staff/` holds the staff area.
///
/// # Errors
/// The folder cannot be made or a file in it cannot be written.
pub(crate) fn tour(out: &Path) -> Result<Vec<PathBuf>, UiError> {
    std::fs::create_dir_all(out).map_err(|source| UiError::Folder { path: out.to_path_buf(), source })?;
    let mut drawn = Vec::new();
    for language in Language::ALL {
        let plain = Setup { notice: Notice::example(), readers: false, vehicle: false };
        let mut walk = Walk { screens: Headless::new(&plain, |_| ())?, language, out, drawn: &mut drawn };
        walk.upright("")?;
        walk.wide()?;
        walk.with_preview()?;
        walk.staff_called()?;
        walk.screens = Headless::new(&Setup { readers: true, ..plain }, |_| ())?;
        walk.upright("-readers")?;
    }
    super::staff_tour::draw(out, &mut drawn)?;
    Ok(drawn)
}

/// One language of the tour.
struct Walk<'a> {
    screens: Headless,
    language: Language,
    out: &'a Path,
    drawn: &'a mut Vec<PathBuf>,
}

impl Walk<'_> {
    fn upright(&mut self, suffix: &str) -> Result<(), UiError> {
        every_moment().iter().try_for_each(|moment| self.draw(moment, suffix, None, PanelSize::UPRIGHT))
    }

    fn wide(&mut self) -> Result<(), UiError> {
        for size in [PanelSize::WIDE, PanelSize::COUNTER] {
            let suffix = format!("-{}x{}", size.width, size.height);
            every_moment().iter().try_for_each(|moment| self.draw(moment, &suffix, None, size))?;
        }
        Ok(())
    }

    fn with_preview(&mut self) -> Result<(), UiError> {
        let preview = evening_light();
        let hint = Screen::Hint(QualityIssue::TooFar);
        for screen in [Screen::Idle, hint, Screen::HoldStill, Screen::TurnHead(Side::Right)] {
            self.draw(&screen.into(), "-preview", Some(&preview), PanelSize::UPRIGHT)?;
        }
        Ok(())
    }

    fn staff_called(&mut self) -> Result<(), UiError> {
        for size in [PanelSize::UPRIGHT, PanelSize::COUNTER] {
            self.screens.draw(size);
            self.screens.touch(size.width as f32 / 2.0, size.height as f32 - 80.0);
            let suffix = format!("-staff-called-{}x{}", size.width, size.height);
            self.draw(&Screen::NotRecognised.into(), &suffix, None, size)?;
        }
        Ok(())
    }

    fn draw(
        &mut self,
        moment: &Moment,
        suffix: &str,
        preview: Option<&Preview>,
        size: PanelSize,
    ) -> Result<(), UiError> {
        let picture = self.screens.render(moment, self.language, preview, size)?;
        let file = self.out.join(format!("{}-{}{suffix}.png", self.language.code(), name(moment)));
        save(&picture, &file)?;
        self.drawn.push(file);
        Ok(())
    }
}

/// The name of a value as it stands in a file's name.
fn kebab(kind: &str, value: &impl std::fmt::Debug) -> String {
    let mut name = kind.to_owned();
    for letter in format!("{value:?}").chars().filter(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// How the file of a moment is called.
fn name(moment: &Moment) -> String {
    let screen = match &moment.meaning {
        Meaning::Gate(screen) => screen,
        Meaning::Covered(Cover::Mask) => return "hint-mask".into(),
        Meaning::Covered(Cover::Cap) => return "hint-cap".into(),
    };
    let plain = match screen {
        Screen::Idle => "idle",
        Screen::Hint(issue) => return format!("hint-{}", issue_name(*issue)),
        Screen::HoldStill => "hold-still",
        Screen::ShowFace => "show-face",
        Screen::TurnHead(Side::Left) => "turn-head-left",
        Screen::TurnHead(Side::Right) => "turn-head-right",
        Screen::TurnBack => "turn-back",
        Screen::Welcome(welcome) => return welcome_name(welcome),
        Screen::Farewell => "farewell",
        Screen::AnotherWay => "another-way",
        Screen::ClaimNotConfirmed => "claim-not-confirmed",
        Screen::NotAdmitted(refusal) => return format!("not-admitted-{}", refusal_name(*refusal)),
        Screen::Evacuate => "evacuate",
        Screen::Reader(ReaderScreen::CardFront) => "reader-card-front",
        Screen::Reader(ReaderScreen::Pin) => "reader-pin",
        Screen::Reader(ReaderScreen::OneTryLeft) => "reader-one-try-left",
        Screen::Reader(ReaderScreen::CardWithoutPin) => "reader-card-without-pin",
        Screen::Reader(ReaderScreen::OtherCard) => "reader-other-card",
        Screen::Reader(ReaderScreen::Reading) => "reader-reading",
        Screen::Reader(ReaderScreen::Refused(refusal)) => return kebab("refused", refusal),
        Screen::NextFactor(next) => return kebab("next", next),
        Screen::Shelter(ShelterScreen::Reception) => "shelter-reception",
        Screen::Shelter(ShelterScreen::Household) => {
            return format!("shelter-household-{}", moment.names.len());
        }
        Screen::NotRecognised => "not-recognised",
        Screen::Ambiguous => "ambiguous",
        Screen::SecondFactor => "second-factor",
        Screen::SeeStaff => "see-staff",
        Screen::NoClearImage(issue) => return format!("no-clear-image-{}", issue_name(*issue)),
        Screen::Pause => "pause",
        Screen::OutOfService(Fault::Camera) => "out-of-service-camera",
        Screen::OutOfService(Fault::Strike) => "out-of-service-strike",
        Screen::OutOfService(Fault::Storage) => "out-of-service-storage",
    };
    plain.into()
}

fn welcome_name(welcome: &Welcome) -> String {
    let Welcome { party, fees, pass_until, greet, greeting } = welcome;
    let mut name = String::from(match greeting {
        Greeting::Enter => "welcome",
        Greeting::Board => "aboard",
    });
    if *party != 1 {
        name += &format!("-{party}");
    }
    if !fees.is_empty() {
        name += &format!("-fees-{}", fees.len());
    }
    if pass_until.is_some() {
        name += "-pass";
    }
    if greet.is_some() {
        name += "-name";
    }
    name
}

fn refusal_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotRegistered => "not-registered",
        Refusal::NotYetValid(_) => "not-yet-valid",
        Refusal::Expired(_) => "expired",
        Refusal::Closed => "closed",
        Refusal::OutsideOwnHours => "own-hours",
        Refusal::NoEntitlement => "no-entitlement",
        Refusal::PassNotValid { ended: Some(_) } => "pass-ended",
        Refusal::PassNotValid { ended: None } => "pass-later",
        Refusal::CouponsUsed => "coupons-used",
        Refusal::AlreadyInside => "already-inside",
        Refusal::ClockInDoubt => "clock-in-doubt",
    }
}

fn issue_name(issue: QualityIssue) -> &'static str {
    match issue {
        QualityIssue::TooFar => "too-far",
        QualityIssue::OutOfFrame => "out-of-frame",
        QualityIssue::NotFrontal => "not-frontal",
        QualityIssue::TooDark => "too-dark",
        QualityIssue::TooBright => "too-bright",
        QualityIssue::Blurred => "blurred",
    }
}

/// A picture in place of a camera's: light from one side, nobody in it.
pub(super) fn evening_light() -> Preview {
    const WIDTH: u32 = 320;
    const HEIGHT: u32 = 240;
    let rgb = (0..WIDTH * HEIGHT)
        .flat_map(|at| {
            let (x, y) = (at % WIDTH, at / WIDTH);
            // Both stay below 200 for this size.
            let light = (60 + x * 130 / WIDTH) as u8;
            let shade = (y * 50 / HEIGHT) as u8;
            [light, light - shade / 2, light - shade]
        })
        .collect();
    Preview::new(WIDTH, HEIGHT, rgb).expect("three bytes for each pixel")
}
