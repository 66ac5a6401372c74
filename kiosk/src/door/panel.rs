//! The small panel beside the door: the screens once more, as a symbol and a few words.
//!
//! It stands where others read along, so it says less than the screen: no name, no date, nothing of a PIN, and to whoever is
//! not let in only who helps. Its texts are Japanese alone; the symbol speaks to everybody else.
//!
//! A thread of its own draws, since a bus may be slow or hang. It takes the newest picture and drops those before, so that
//! nothing that shows a screen ever waits. A panel that fails is said once and tried again; the door works without it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use boards::{PanelPicture, Symbol};
use gate::{
    CredentialRefusal, Factor, FactorSet, Greeting, QualityIssue, ReaderScreen, Refusal, Screen,
    ShelterScreen, Side, Welcome,
};

use super::Slot;
use crate::{
    desk::View,
    ui::{Moment, Panel, Preview, UiError},
};

/// How long to wait for a picture before looking whether the door is stopping, and before a panel that failed is tried again.
const PATIENCE: Duration = Duration::from_millis(500);

/// The screens, and beside them the small panel.
pub(super) struct Beside {
    pub(super) screens: Arc<dyn Panel>,
    pub(super) pictures: Arc<Slot<PanelPicture>>,
    /// Whether readers of cards and codes are fitted: nobody is sent to one that is not there.
    pub(super) readers: bool,
}

impl Panel for Beside {
    fn show(&self, moment: Moment) {
        if let Some(screen) = moment.screen() {
            self.pictures.put(picture(screen, self.readers));
        }
        self.screens.show(moment);
    }

    fn preview(&self, preview: Preview) {
        self.screens.preview(preview);
    }

    fn desk(&self, view: View) {
        self.screens.desk(view);
    }

    fn screenshot(&self, file: &Path) -> Result<(), UiError> {
        self.screens.screenshot(file)
    }
}

/// The thread that draws.
pub(super) struct PanelThread {
    pub(super) panel: Box<dyn boards::Panel>,
    pub(super) pictures: Arc<Slot<PanelPicture>>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl PanelThread {
    pub(super) fn run(mut self) {
        let mut told = false;
        let mut unshown = None;
        while !self.stopping.load(Ordering::Relaxed) {
            unshown = self.pictures.take(PATIENCE).or(unshown);
            let Some(picture) = &unshown else { continue };
            match self.panel.show(picture) {
                Ok(()) => {
                    unshown = None;
                    if std::mem::take(&mut told) {
                        tracing::info!("small panel shows again");
                    }
                }
                Err(error) if !std::mem::replace(&mut told, true) => {
                    tracing::error!(error = crate::output::explain(&error), "small panel failed");
                }
                Err(_) => {}
            }
        }
    }
}

/// What the panel shows beside a screen.
fn picture(screen: &Screen, readers: bool) -> PanelPicture {
    let (symbol, text) = said(screen, readers);
    let text = match counted(screen) {
        Some(party) => format!("{party}名様\n{text}"),
        None => text.into(),
    };
    PanelPicture { symbol, text }
}

/// How many people are let in, where the screen says it.
fn counted(screen: &Screen) -> Option<u32> {
    let Screen::Welcome(Welcome { party, greeting, .. }) = screen else {
        return None;
    };
    match greeting {
        Greeting::Enter => Some(*party),
        Greeting::Board => (*party > 1).then_some(*party),
    }
}

/// A symbol and its words.
type Said = (Symbol, &'static str);

const STAFF: Said = (Symbol::Staff, "係員がご案内します");

fn said(screen: &Screen, readers: bool) -> Said {
    match screen {
        Screen::Idle => (Symbol::Look, "顔をカメラに向けてください"),
        Screen::Hint(why) | Screen::NoClearImage(why) => (Symbol::Look, hint(*why)),
        Screen::HoldStill => (Symbol::Wait, "そのままお待ちください"),
        Screen::ShowFace => (Symbol::Look, "続けて、顔をカメラへ"),
        Screen::TurnHead(Side::Left) => (Symbol::Look, "顔をゆっくり左へ"),
        Screen::TurnHead(Side::Right) => (Symbol::Look, "顔をゆっくり右へ"),
        Screen::TurnBack => (Symbol::Look, "ゆっくりカメラのほうへ"),
        Screen::Welcome(Welcome { greeting, .. }) => match greeting {
            Greeting::Enter => (Symbol::Granted, "どうぞお入りください"),
            Greeting::Board => (Symbol::Granted, "ご乗車ください"),
        },
        Screen::Farewell => (Symbol::Granted, "お気をつけてお帰りください"),
        Screen::NotRecognised | Screen::AnotherWay if readers => {
            (Symbol::AnotherWay, "QRコードかカードでも受付できます")
        }
        Screen::Ambiguous | Screen::SecondFactor if readers => {
            (Symbol::AnotherWay, "QRコードかカードもかざしてください")
        }
        Screen::NextFactor(next) if readers => next_factor(*next),
        Screen::NotRecognised
        | Screen::AnotherWay
        | Screen::Ambiguous
        | Screen::SecondFactor
        | Screen::NextFactor(_) => STAFF,
        Screen::SeeStaff | Screen::ClaimNotConfirmed => (Symbol::Staff, "係員にお声がけください"),
        Screen::NotAdmitted(why) => not_admitted(*why),
        Screen::Pause => (Symbol::Wait, "少し時間をおいてお試しください"),
        Screen::OutOfService(_) => (Symbol::OutOfService, "係員にお声がけください"),
        Screen::Evacuate => (Symbol::Evacuate, "外へ避難してください"),
        Screen::Reader(at) => step(*at),
        Screen::Shelter(ShelterScreen::Reception) => (Symbol::Look, "避難所受付\n顔をカメラへ"),
        Screen::Shelter(ShelterScreen::Household) => (Symbol::Wait, "画面で選んでください"),
    }
}

fn hint(why: QualityIssue) -> &'static str {
    match why {
        QualityIssue::TooFar => "もう少し近づいてください",
        QualityIssue::OutOfFrame => "中央にお進みください",
        QualityIssue::NotFrontal => "カメラのほうを向いてください",
        QualityIssue::TooDark => "明るいほうを向いてください",
        QualityIssue::TooBright => "強い光を避けてください",
        QualityIssue::Blurred => "動かずにカメラを見てください",
    }
}

/// Why somebody is not let in is for the screen; that the door is closed now is everybody's.
fn not_admitted(why: Refusal) -> Said {
    match why {
        Refusal::Closed => (Symbol::Staff, "ただいまの時間は開いていません"),
        Refusal::ClockInDoubt => (Symbol::Staff, "係員が受付します"),
        Refusal::NotRegistered
        | Refusal::NotYetValid(_)
        | Refusal::Expired(_)
        | Refusal::OutsideOwnHours
        | Refusal::NoEntitlement
        | Refusal::PassNotValid { .. }
        | Refusal::CouponsUsed
        | Refusal::AlreadyInside => STAFF,
    }
}

/// The face where it leads on, as on the screen; else what is shown to a reader.
fn next_factor(next: FactorSet) -> Said {
    let has = |factor| next.contains(factor);
    let credential = has(Factor::Claim) || has(Factor::CardShown) || has(Factor::FreshCode);
    match (has(Factor::Face), credential) {
        (true, false) => (Symbol::Look, "続けて、顔をカメラへ"),
        (true, true) => (Symbol::AnotherWay, "顔か、QRコードかカードを"),
        (false, true) => (Symbol::AnotherWay, "QRコードかカードをかざしてください"),
        (false, false) => (Symbol::AnotherWay, "カードを置いて、画面へ"),
    }
}

/// What a card says of its owner, or of the PIN, is for the screen alone.
fn step(at: ReaderScreen) -> Said {
    const SCREEN: Said = (Symbol::AnotherWay, "画面をご覧ください");
    match at {
        ReaderScreen::CardFront => (Symbol::AnotherWay, "カードの表をカメラへ"),
        ReaderScreen::Reading => (Symbol::Wait, "カードをそのままでお待ちください"),
        ReaderScreen::Pin
        | ReaderScreen::OneTryLeft
        | ReaderScreen::CardWithoutPin
        | ReaderScreen::OtherCard => SCREEN,
        ReaderScreen::Refused(refusal) => match refusal {
            CredentialRefusal::Unreadable | CredentialRefusal::Removed | CredentialRefusal::TimedOut => {
                (Symbol::AnotherWay, "もう一度お試しください")
            }
            CredentialRefusal::Replayed
            | CredentialRefusal::Expired
            | CredentialRefusal::PinWrong { .. }
            | CredentialRefusal::PinBlocked
            | CredentialRefusal::OneTryLeft
            | CredentialRefusal::CardWithoutPin
            | CredentialRefusal::DrivingLicence
            | CredentialRefusal::ResidenceCard
            | CredentialRefusal::OtherCard => SCREEN,
            CredentialRefusal::NotYetValid
            | CredentialRefusal::OtherSite
            | CredentialRefusal::UnknownIssuer
            | CredentialRefusal::Forged
            | CredentialRefusal::Withdrawn
            | CredentialRefusal::ClockInDoubt
            | CredentialRefusal::NeedsShelterOrFace
            | CredentialRefusal::CardExpired
            | CredentialRefusal::ForeignAuthority => STAFF,
        },
    }
}

#[cfg(test)]
mod tests;
