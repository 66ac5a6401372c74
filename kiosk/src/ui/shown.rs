//! From what the gate means to what the screens take.

use gate::{
    CredentialRefusal, Date, Factor, FactorSet, Fault, FeeLine, Greeting, QualityIssue, ReaderScreen, Screen,
    ShelterScreen, Side, Welcome,
};
use slint::{Image, Rgb8Pixel, SharedPixelBuffer};

use super::generated::{
    self, Fee, Issue, Member, Next, Part, Presence, Refusal, Scene, Showing, Spoken, Step,
};
use super::moment::{Cover, Meaning, Moment};
use super::panel::Preview;
use super::{dates, models};

/// More fee classes than this are not shown, so that the lines keep a size that can be read: staff see them all. A household
/// that pays in more than six classes is not known of.
const FEES_SHOWN: usize = 6;

/// Every moment has its scene; what a scene does not use keeps its first value.
pub(super) fn showing(moment: &Moment) -> Showing {
    match &moment.meaning {
        Meaning::Gate(screen) => of_screen(screen, &moment.names),
        Meaning::Covered(cover) => {
            let issue = match cover {
                Cover::Mask => Issue::Mask,
                Cover::Cap => Issue::Cap,
            };
            Showing { issue, ..plain(Scene::Hint) }
        }
    }
}

fn plain(scene: Scene) -> Showing {
    Showing {
        scene,
        issue: Issue::TooFar,
        part: Part::Camera,
        side: generated::Side::Left,
        refusal: Refusal::NotRegistered,
        step: Step::CardFront,
        next: Next::Credential,
        tries: 0,
        party: 0,
        aboard: false,
        day: Spoken::default(),
        name: "".into(),
        fees: models::of([]),
        members: models::of([]),
    }
}

fn of_screen(screen: &Screen, names: &[String]) -> Showing {
    match screen {
        Screen::Idle => plain(Scene::Idle),
        Screen::Hint(why) => Showing { issue: issue(*why), ..plain(Scene::Hint) },
        Screen::HoldStill => plain(Scene::HoldStill),
        Screen::ShowFace => plain(Scene::ShowFace),
        Screen::NextFactor(factors) => next_factor(*factors),
        Screen::TurnHead(to) => Showing { side: side(*to), ..plain(Scene::TurnHead) },
        Screen::TurnBack => plain(Scene::TurnBack),
        Screen::Welcome(welcome) => greeting(welcome, names),
        Screen::NotRecognised => plain(Scene::NotRecognised),
        Screen::Ambiguous => plain(Scene::Ambiguous),
        Screen::SecondFactor => plain(Scene::SecondFactor),
        Screen::SeeStaff => plain(Scene::SeeStaff),
        Screen::Farewell => plain(Scene::Farewell),
        Screen::AnotherWay => plain(Scene::AnotherWay),
        Screen::ClaimNotConfirmed => plain(Scene::ClaimNotConfirmed),
        Screen::NotAdmitted(why) => not_admitted(*why),
        Screen::NoClearImage(why) => Showing { issue: issue(*why), ..plain(Scene::NoClearImage) },
        Screen::Pause => plain(Scene::Pause),
        Screen::OutOfService(fault) => Showing { part: part(*fault), ..plain(Scene::OutOfService) },
        Screen::Evacuate => plain(Scene::Evacuate),
        Screen::Reader(at) => Showing { step: step(*at), tries: tries(*at), ..plain(Scene::Reader) },
        Screen::Shelter(ShelterScreen::Reception) => plain(Scene::ShelterReception),
        Screen::Shelter(ShelterScreen::Household) => household(names),
    }
}

/// A name is shown only where the gate says whose may be.
fn greeting(welcome: &Welcome, names: &[String]) -> Showing {
    let Welcome { party, fees, pass_until, greet, greeting } = welcome;
    let count = |people: u32| i32::try_from(people).unwrap_or(i32::MAX);
    let fee = |line: &FeeLine| Fee {
        words: Spoken {
            japanese: line.words.japanese.as_ref().into(),
            easy: line.words.easy.as_ref().into(),
            english: line.words.english.as_ref().into(),
        },
        people: count(line.people),
    };
    let name = greet.and(names.first()).map(String::as_str).unwrap_or_default();
    Showing {
        party: count(*party),
        aboard: match greeting {
            Greeting::Enter => false,
            Greeting::Board => true,
        },
        day: pass_until.map(dates::day).unwrap_or_default(),
        name: name.into(),
        fees: models::of(fees.iter().take(FEES_SHOWN).map(fee)),
        ..plain(Scene::Welcome)
    }
}

fn not_admitted(why: gate::Refusal) -> Showing {
    let far = |day: Date| dates::day_of_year(day);
    let (refusal, day) = match why {
        gate::Refusal::NotRegistered => (Refusal::NotRegistered, None),
        gate::Refusal::NotYetValid(from) => (Refusal::NotYetValid, Some(far(from))),
        gate::Refusal::Expired(on) => (Refusal::Expired, Some(far(on))),
        gate::Refusal::Closed => (Refusal::Closed, None),
        gate::Refusal::OutsideOwnHours => (Refusal::OwnHours, None),
        gate::Refusal::NoEntitlement => (Refusal::NoEntitlement, None),
        gate::Refusal::PassNotValid { ended: Some(on) } => (Refusal::PassEnded, Some(far(on))),
        gate::Refusal::PassNotValid { ended: None } => (Refusal::PassLater, None),
        gate::Refusal::CouponsUsed => (Refusal::CouponsUsed, None),
        gate::Refusal::AlreadyInside => (Refusal::AlreadyInside, None),
        gate::Refusal::ClockInDoubt => (Refusal::ClockInDoubt, None),
    };
    Showing { refusal, day: day.unwrap_or_default(), ..plain(Scene::NotAdmitted) }
}

/// Nobody is here until somebody says so.
fn household(names: &[String]) -> Showing {
    let open = |name: &String| Member { name: name.into(), presence: Presence::Open };
    Showing { members: models::of(names.iter().map(open)), ..plain(Scene::ShelterHousehold) }
}

fn issue(why: QualityIssue) -> Issue {
    match why {
        QualityIssue::TooFar => Issue::TooFar,
        QualityIssue::OutOfFrame => Issue::OutOfFrame,
        QualityIssue::NotFrontal => Issue::NotFrontal,
        QualityIssue::TooDark => Issue::TooDark,
        QualityIssue::TooBright => Issue::TooBright,
        QualityIssue::Blurred => Issue::Blurred,
    }
}

fn part(fault: Fault) -> Part {
    match fault {
        Fault::Camera => Part::Camera,
        Fault::Strike => Part::Strike,
        Fault::Storage => Part::Storage,
    }
}

fn side(to: Side) -> generated::Side {
    match to {
        Side::Left => generated::Side::Left,
        Side::Right => generated::Side::Right,
    }
}

fn step(at: ReaderScreen) -> Step {
    match at {
        ReaderScreen::CardFront => Step::CardFront,
        ReaderScreen::Pin => Step::Pin,
        ReaderScreen::OneTryLeft => Step::OneTryLeft,
        ReaderScreen::CardWithoutPin => Step::CardWithoutPin,
        ReaderScreen::OtherCard => Step::OtherCard,
        ReaderScreen::Reading => Step::Reading,
        ReaderScreen::Refused(refusal) => refused(refusal),
    }
}

/// Why a code or card is not trusted is nobody's business at the screen: those go to the staff with the same words.
fn refused(refusal: CredentialRefusal) -> Step {
    match refusal {
        CredentialRefusal::Replayed => Step::CodeUsed,
        CredentialRefusal::Expired => Step::CodeEnded,
        CredentialRefusal::NotYetValid => Step::CodeLater,
        CredentialRefusal::OtherSite
        | CredentialRefusal::UnknownIssuer
        | CredentialRefusal::Forged
        | CredentialRefusal::Withdrawn
        | CredentialRefusal::ForeignAuthority => Step::NotHere,
        CredentialRefusal::Unreadable => Step::Unreadable,
        CredentialRefusal::ClockInDoubt => Step::CodeClock,
        CredentialRefusal::NeedsShelterOrFace => Step::ShelterOnly,
        CredentialRefusal::PinWrong { .. } => Step::PinWrong,
        CredentialRefusal::PinBlocked => Step::PinBlocked,
        CredentialRefusal::OneTryLeft => Step::OneTryLeft,
        CredentialRefusal::CardWithoutPin => Step::CardWithoutPin,
        CredentialRefusal::Removed | CredentialRefusal::TimedOut => Step::Again,
        CredentialRefusal::CardExpired => Step::CardEnded,
        CredentialRefusal::DrivingLicence
        | CredentialRefusal::ResidenceCard
        | CredentialRefusal::OtherCard => Step::OtherCard,
    }
}

/// How many tries a card has left, where that is said.
fn tries(at: ReaderScreen) -> i32 {
    match at {
        ReaderScreen::Refused(CredentialRefusal::PinWrong { left }) => left.into(),
        ReaderScreen::CardFront
        | ReaderScreen::Pin
        | ReaderScreen::OneTryLeft
        | ReaderScreen::CardWithoutPin
        | ReaderScreen::OtherCard
        | ReaderScreen::Reading
        | ReaderScreen::Refused(_) => 0,
    }
}

/// One sentence for what leads on. A card and a code are named together where either, or any, would do.
fn next_factor(next: FactorSet) -> Showing {
    let has = |factor| next.contains(factor);
    let (code, card, pin) = (has(Factor::FreshCode), has(Factor::CardShown), has(Factor::CardPin));
    let credential = has(Factor::Claim) || code || card;
    let next = match (has(Factor::Face), credential, pin) {
        (true, false, false) => return plain(Scene::ShowFace),
        (true, false, true) => Next::FaceOrPin,
        (true, true, _) => Next::FaceOrCredential,
        (false, false, _) => Next::Pin,
        (false, true, _) if code && !card && !pin && !has(Factor::Claim) => Next::Code,
        (false, true, _) if card && !code && !has(Factor::Claim) => Next::Card,
        (false, true, _) => Next::Credential,
    };
    Showing { next, ..plain(Scene::NextFactor) }
}

/// The picture as a mirror shows it, so that a step to the right moves the face to the right. A wider one is thinned out,
/// so that the time that it takes stays bounded. Always in a new buffer: Slint takes a picture that shares the old one's
/// buffer for unchanged.
pub(super) fn mirrored(preview: &Preview) -> Image {
    let step = preview.width().div_ceil(Preview::LONGEST_SIDE);
    let (width, height) = (preview.width() / step, (preview.height() / step).max(1));
    let mut buffer = SharedPixelBuffer::<Rgb8Pixel>::new(width, height);
    for (y, row) in (0..).zip(buffer.make_mut_slice().chunks_exact_mut(width as usize)) {
        for (x, pixel) in (0..).zip(row.iter_mut().rev()) {
            let [r, g, b] = preview.pixel(x * step, y * step);
            *pixel = Rgb8Pixel { r, g, b };
        }
    }
    Image::from_rgb8(buffer)
}
