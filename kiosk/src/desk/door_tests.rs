//! The desk at a door at work: the simulated board, the real networks, a real vault.
#![allow(clippy::unwrap_used)]

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use boards::{Board, SimCamera, SimScript};
use gate::{FeeClass, FeeClassId, Outcome, Policy, PulseResult, Way, Who, Words};
use models::{Threads, Vision};
use store::{By, ConsentText};
use zeroize::Zeroizing;

use super::*;
use crate::{
    assets, clock,
    commands::vault,
    door::{Door, Parts, VisitReport},
    ui::{Moment, Panel, Preview, UiError},
};

/// Frames come as at a slow camera.
const FRAME_EVERY: Duration = Duration::from_millis(100);
/// A machine that builds something else beside this test is slow; nothing here takes a tenth of it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Remembers the staff page.
#[derive(Default)]
struct Seen(Mutex<View>);

impl Panel for Seen {
    fn show(&self, _: Moment) {}
    fn preview(&self, _: Preview) {}
    fn desk(&self, view: View) {
        *self.0.lock().unwrap() = view;
    }
    fn screenshot(&self, _: &std::path::Path) -> Result<(), UiError> {
        Ok(())
    }
}

struct Site {
    door: Door,
    desk: SyncSender<DeskEvent>,
    seen: Arc<Seen>,
    script: SimScript,
    visits: Receiver<VisitReport>,
    photos: PathBuf,
    _folder: tempfile::TempDir,
}

fn policy() -> Policy {
    let mut policy = Policy::default();
    let text = |text: &str| -> Arc<str> { text.into() };
    policy.facility.fees = vec![FeeClass {
        id: FeeClassId(text("adult")),
        yen: 500,
        words: Words { japanese: text("おとな"), easy: text("おとな"), english: text("Adult") },
        who: Who::default(),
    }];
    policy
}

impl Site {
    /// A door with one supervisor, a consent text and nobody enrolled.
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        vault::init_sample(&data).unwrap();
        let mut store = vault::open(&data).unwrap();
        let now = clock::now(clock::system().as_ref());
        store.add_staff(now, "鈴木", store::Role::Supervisor, "2580", By::Console).unwrap();
        let text = ConsentText {
            version: "2026-11".into(),
            japanese: "文面".into(),
            easy: "ぶんめん".into(),
            english: "Text".into(),
        };
        store.add_consent_text(now, &text, By::Console).unwrap();
        let board = folder.path().join("sim.toml");
        std::fs::write(&board, include_str!("../../../boards/boards/sim.toml")).unwrap();
        let networks = assets::models(None).unwrap();
        let vision = Vision::load(&networks, &Threads::start(1).unwrap()).unwrap().with_follower();
        let (camera, script) = SimCamera::scripted(clock::system(), FRAME_EVERY);
        let (reports, visits) = sync_channel(32);
        let seen = Arc::new(Seen::default());
        let panel: Arc<dyn Panel> = Arc::<Seen>::clone(&seen);
        let door = Door::start(Parts {
            agent_in: None,
            board: Board::load(&board).unwrap(),
            store,
            vision,
            policy: policy(),
            panel,
            clock: clock::system(),
            camera: Some(Box::new(camera)),
            observer: Box::new(move |report| _ = reports.try_send(report.clone())),
            alert: Box::new(|_| ()),
        })
        .unwrap();
        let (desk, photos) = (door.desk(), assets::photographs(None).unwrap());
        Self { door, desk, seen, script, visits, photos, _folder: folder }
    }

    fn touch(&self, touch: Touch) {
        self.desk.send(DeskEvent::Touch(touch)).unwrap();
    }

    fn enrol(&self, touch: EnrolTouch) {
        self.touch(Touch::Enrol(touch));
    }

    #[track_caller]
    fn wait_for(&self, what: &str, reached: impl Fn(&View) -> bool) {
        let started = Instant::now();
        while started.elapsed() < LONGEST_WAIT {
            if reached(&self.seen.0.lock().unwrap()) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{what}: still at {:?}", self.seen.0.lock().unwrap());
    }

    #[track_caller]
    fn page(&self, name: &str) {
        self.wait_for(name, |view| view.page.name() == name && !view.busy);
    }

    fn sign_in(&self) {
        self.touch(Touch::Open);
        self.wait_for("names", |view| matches!(&view.page, PageView::SignIn { chosen: Some(0), .. }));
        "2580".bytes().for_each(|digit| self.touch(Touch::Pad(PadTouch::Digit(digit - b'0'))));
        self.touch(Touch::Pad(PadTouch::Enter));
        self.page("menu");
    }

    fn show(&self, photo: &str, frames: u32) {
        self.script.show(&self.photos.join(photo), frames).unwrap();
    }

    fn nobody(&self) {
        self.script.nobody(Duration::from_secs(3)).unwrap();
        while self.script.pending() > 0 {
            thread::sleep(FRAME_EVERY);
        }
    }

    /// Enrols whoever is on the photograph, from the camera.
    fn enrol_from_camera(&self, name: &str, photo: &str) {
        self.touch(Touch::Menu(Destination::Enrol));
        self.enrol(EnrolTouch::One);
        self.page("consent");
        self.enrol(EnrolTouch::ReachedEnd);
        self.enrol(EnrolTouch::Agree);
        self.enrol(EnrolTouch::Edit(Field::Name));
        self.touch(Touch::Text(TextTouch::Typed(Zeroizing::new(name.into()))));
        self.touch(Touch::Text(TextTouch::Done));
        self.enrol(EnrolTouch::ToCamera);
        self.page("capture");
        self.show(photo, 60);
        self.page("captured");
        self.enrol(EnrolTouch::Keep);
        self.enrol(EnrolTouch::Save);
        self.wait_for("saved", |view| view.note == Some(Note::Enrolled(1)));
    }

    /// The next visit that ends as `wanted`.
    fn visit(&self, wanted: impl Fn(Outcome) -> bool) -> Option<VisitReport> {
        let started = Instant::now();
        while started.elapsed() < LONGEST_WAIT {
            if let Ok(report) = self.visits.recv_timeout(FRAME_EVERY)
                && wanted(report.outcome)
            {
                return Some(report);
            }
        }
        None
    }
}

fn granted(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Granted { .. })
}

#[test]
fn staff_enrol_from_the_camera_enter_by_hand_and_meanwhile_the_door_knows_nobody() {
    let site = Site::open();
    site.sign_in();
    site.enrol_from_camera("見本 花子", "person-b-1.jpg");
    site.nobody();

    // Somebody who is enrolled by now stands there while staff are signed in.
    site.show("person-b-2.jpg", 40);
    while site.script.pending() > 0 {
        thread::sleep(FRAME_EVERY);
    }
    let early: Vec<_> = site.visits.try_iter().filter(|report| granted(report.outcome)).collect();
    assert!(early.is_empty(), "a visitor opened the door through an open staff area");
    site.nobody();

    site.touch(Touch::Menu(Destination::Manual));
    site.page("manual");
    for it in [ManualTouch::More(0), ManualTouch::More(0), ManualTouch::Enter, ManualTouch::Enter] {
        site.touch(Touch::Manual(it));
    }
    site.wait_for("entered", |view| view.note == Some(Note::Entered(2)));
    let let_in = site.visit(|outcome| matches!(outcome, Outcome::LetIn { .. })).expect("an entry by hand");
    assert!(matches!(let_in.pulse, Some(PulseResult::Pulsed(_))), "{:?}", let_in.pulse);
    site.touch(Touch::Back);
    site.touch(Touch::Menu(Destination::Counts));
    site.wait_for("counts", |view| matches!(&view.page, PageView::Counts(counts) if counts.total == 2));

    site.touch(Touch::SignOut);
    site.page("closed");
    site.show("person-b-2.jpg", 100);
    assert!(site.visit(granted).is_some(), "whoever was enrolled at the desk is known at the door");

    let Site { door, .. } = site;
    let store = door.stop().unwrap();
    let now = clock::now(clock::system().as_ref());
    let today = gate::Local::at(now.wall.unwrap().unix_ms, gate::facility::JAPAN_OFFSET_MINUTES).unwrap();
    let counts = store.counts(today.date).unwrap();
    assert_eq!((counts.by_way[&Way::Staff], counts.by_way[&Way::Face]), (2, 1));
    assert!(store.verify(None).unwrap().is_sound());
}

/// The face of a card with this photograph on it, as the card's thread would give it: in grey.
fn card_with(photo: &std::path::Path) -> card::Face {
    let grey = image::open(photo).unwrap().into_luma8();
    let (width, height) = grey.dimensions();
    card::Face {
        photo: card::GreyPicture { width, height, pixels: Zeroizing::new(grey.into_raw()) },
        birth: card::Birth::on(gate::Date::new(1980, 2, 17).unwrap()),
        sex: card::Sex::Unknown,
        expiry: gate::Date::new(2035, 2, 17).unwrap(),
        issuer: card::Issuer::Unknown,
    }
}

impl Site {
    /// Somebody is before the camera, and staff read this card.
    fn check_card(&self, card: &str, before_the_camera: &str, page: &str) {
        self.enrol(EnrolTouch::CheckCard);
        self.page("card-code");
        "55021720352285".bytes().for_each(|digit| self.touch(Touch::Pad(PadTouch::Digit(digit - b'0'))));
        self.touch(Touch::Pad(PadTouch::Enter));
        self.page("card-lay");
        self.enrol(EnrolTouch::ReadCard);
        let started = Instant::now();
        while !matches!(self.door.card_order(), Some(crate::door::CardOrder::Front(_))) {
            assert!(started.elapsed() < LONGEST_WAIT, "the card's thread is told");
            thread::sleep(Duration::from_millis(20));
        }
        self.desk.send(DeskEvent::Front(Box::new(Ok(card_with(&self.photos.join(card)))))).unwrap();
        self.page("card-look");
        self.show(before_the_camera, 60);
        self.page(page);
    }

    fn at_the_form(&self) {
        self.touch(Touch::Menu(Destination::Enrol));
        self.enrol(EnrolTouch::One);
        self.page("consent");
        self.enrol(EnrolTouch::ReachedEnd);
        self.enrol(EnrolTouch::Agree);
        self.enrol(EnrolTouch::Edit(Field::Name));
        self.touch(Touch::Text(TextTouch::Typed(Zeroizing::new("見本 花子".into()))));
        self.touch(Touch::Text(TextTouch::Done));
        self.page("form");
    }
}

#[test]
fn whoever_is_on_the_card_is_told_from_somebody_else_by_the_real_networks() {
    let site = Site::open();
    site.sign_in();
    site.at_the_form();
    site.check_card("person-b-2.jpg", "stranger-1.jpg", "card-ended");
    site.wait_for("not alike", |view| {
        matches!(view.page, PageView::CardEnded { news: CardNews::NotAlike, again: true, .. })
    });
    site.touch(Touch::Back);
    site.page("form");
    site.nobody();
    site.check_card("person-b-2.jpg", "person-b-1.jpg", "card-matched");
    site.enrol(EnrolTouch::CardKeep);
    site.enrol(EnrolTouch::ToCamera);
    site.page("captured");
    site.enrol(EnrolTouch::Keep);
    site.enrol(EnrolTouch::Save);
    site.wait_for("saved", |view| view.note == Some(Note::Enrolled(1)));

    let Site { door, .. } = site;
    let store = door.stop().unwrap();
    let people = store.people().unwrap();
    let [person] = &people[..] else { panic!("one person") };
    let registered = &person.registered;
    assert_eq!(registered.assurance, gate::Assurance::PhotoMatched);
    assert_eq!(registered.attributes.born, gate::Date::new(1980, 2, 17));
    let [access] = &store.accesses_of(person.id).unwrap()[..] else { panic!("the method is on record") };
    assert!(access.why.contains("issuer and revocation not checked"), "{}", access.why);
    assert_eq!(registered.attributes.residency, None, "what the card does not tell is not guessed");
}
