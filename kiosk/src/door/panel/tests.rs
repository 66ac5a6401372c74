#![allow(clippy::unwrap_used)]
//! Facts about the small panel.

use std::{
    sync::{
        Mutex,
        mpsc::{Sender, channel},
    },
    thread,
};

use boards::{
    PanelError,
    panel::{PanelSize, draw::fits},
};

use super::*;
use crate::ui::every_moment;

const SOON: Duration = Duration::from_secs(30);

fn shown(screen: &Screen) -> PanelPicture {
    picture(screen, true)
}

#[test]
fn every_screen_has_a_symbol_and_words_that_fit_both_panels() {
    let moments = every_moment();
    let screens: Vec<&Screen> = moments.iter().filter_map(Moment::screen).collect();
    assert!(screens.len() > 40);
    for (screen, readers) in screens.into_iter().flat_map(|screen| [(screen, true), (screen, false)]) {
        let PanelPicture { text, .. } = picture(screen, readers);
        assert!(!text.is_empty());
        for size in [PanelSize::OLED, PanelSize::TFT] {
            assert!(fits(&text, size), "{screen:?} at {size:?}: {text}");
        }
    }
}

#[test]
fn only_whoever_may_pass_is_shown_the_ring_and_only_a_fire_the_way_out() {
    for moment in every_moment() {
        let Some(screen) = moment.screen() else { continue };
        let symbol = shown(screen).symbol;
        let may_pass = matches!(screen, Screen::Welcome(_) | Screen::Farewell);
        assert_eq!(symbol == Symbol::Granted, may_pass, "{screen:?}");
        assert_eq!(symbol == Symbol::Evacuate, matches!(screen, Screen::Evacuate), "{screen:?}");
        assert_eq!(symbol == Symbol::OutOfService, matches!(screen, Screen::OutOfService(_)), "{screen:?}");
    }
}

#[test]
fn nobody_is_sent_to_a_reader_that_is_not_there() {
    for moment in every_moment() {
        let Some(screen) = moment.screen() else { continue };
        if !matches!(screen, Screen::Reader(_)) {
            let text = picture(screen, false).text;
            assert!(!text.contains("コード") && !text.contains("カード"), "{screen:?}: {text}");
        }
    }
}

#[test]
fn why_somebody_is_not_let_in_is_not_told_to_whoever_reads_along() {
    let refused = [
        Refusal::NotRegistered,
        Refusal::OutsideOwnHours,
        Refusal::NoEntitlement,
        Refusal::CouponsUsed,
        Refusal::AlreadyInside,
    ];
    for why in refused {
        assert_eq!(shown(&Screen::NotAdmitted(why)), shown(&Screen::NotAdmitted(Refusal::NotRegistered)));
    }
    let wrong = |left| shown(&Screen::Reader(ReaderScreen::Refused(CredentialRefusal::PinWrong { left })));
    assert_eq!(wrong(1), wrong(2));
    assert!(!wrong(1).text.contains("暗証"));
}

/// A panel whose bus works when told, and that says each time what it was asked.
struct Failing {
    works: Arc<AtomicBool>,
    seen: Sender<(PanelPicture, bool)>,
}

impl boards::Panel for Failing {
    fn show(&mut self, picture: &PanelPicture) -> Result<(), PanelError> {
        let works = self.works.load(Ordering::SeqCst);
        self.seen.send((picture.clone(), works)).unwrap();
        if works { Ok(()) } else { Err(PanelError::NotThere { device: "/dev/i2c-1".into() }) }
    }
}

#[test]
fn a_panel_that_failed_shows_the_newest_screen_once_it_works() {
    let (pictures, stopping) = (Arc::new(Slot::new()), Arc::new(AtomicBool::new(false)));
    let works = Arc::new(AtomicBool::new(false));
    let (seen, asked) = channel();
    let thread = PanelThread {
        panel: Box::new(Failing { works: Arc::clone(&works), seen }),
        pictures: Arc::clone(&pictures),
        stopping: Arc::clone(&stopping),
    };
    let thread = thread::spawn(move || thread.run());
    let newest = (shown(&Screen::Evacuate), true);
    pictures.put(shown(&Screen::Idle));
    assert_eq!(asked.recv_timeout(SOON).unwrap(), (shown(&Screen::Idle), false));
    pictures.put(newest.0.clone());
    works.store(true, Ordering::SeqCst);
    // Nobody shows it again: the thread keeps what it could not show.
    while asked.recv_timeout(SOON).unwrap() != newest {}
    stopping.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    assert!(asked.try_recv().is_err(), "what is shown is shown once");
}

/// Screens that remember what they were told.
#[derive(Default)]
struct Screens(Mutex<Vec<Moment>>);

impl Panel for Screens {
    fn show(&self, moment: Moment) {
        self.0.lock().unwrap().push(moment);
    }

    fn preview(&self, _: Preview) {}

    fn desk(&self, _: View) {}

    fn screenshot(&self, _: &Path) -> Result<(), UiError> {
        Ok(())
    }
}

#[test]
fn a_panel_that_hangs_keeps_no_screen_from_being_shown() {
    let (screens, pictures) = (Arc::new(Screens::default()), Arc::new(Slot::new()));
    // Nobody takes the pictures.
    let beside =
        Beside { screens: Arc::clone(&screens) as _, pictures: Arc::clone(&pictures), readers: true };
    for screen in [Screen::Idle, Screen::HoldStill, Screen::Evacuate] {
        beside.show(screen.into());
    }
    assert_eq!(screens.0.lock().unwrap().len(), 3);
    assert_eq!(pictures.take(Duration::ZERO), Some(shown(&Screen::Evacuate)), "only the newest is kept");
}
