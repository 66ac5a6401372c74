//! A whole door with chip cards: the real pcscd, emulated cards on its virtual reader, the real networks, a real vault, the
//! simulated camera and strike. What people type comes the way of the screen's touches.
//!
//! The test starts itself again in namespaces of its own, as root: pcscd has one place under /run, and the virtual reader's
//! driver listens on every interface.
#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::sync_channel,
    time::Instant,
};

use boards::{Board, SimCamera, SimScript};
use card::{Pin, tap};
use emulator::{Emulator, InProcess, Plan, Reply, certificates};
use gate::{
    CredentialKind, Event, Factor, FactorRule, FactorRules, FactorSet, Outcome, PersonId, Policy,
    PulseResult, ReaderScreen, Screen,
};
use models::{Image, Threads, Vision};
use store::{By, Enrolment, NewRegistration, Owner};

use super::*;
// The namespaces, pcscd and the hand that lays cards down are those of the emulator's own tests.
#[path = "../../../../tests/emulator/tests/virtual_reader/mod.rs"]
mod virtual_reader;

use virtual_reader::{INSIDE, Laid, READER, Service, emptied};

use crate::{
    assets, clock,
    commands::vault,
    desk::View,
    door::{Door, Parts, VisitReport},
    ui::{Moment, Panel, Preview, UiError},
};

const FRAME_EVERY: Duration = Duration::from_millis(100);
/// Longer than anything in here takes on a machine that builds something else.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const NAME: &str = "見本 花子";

#[test]
fn a_door_takes_cards_from_the_real_pcscd() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    let this = "door::cards::pcscd_tests::a_door_takes_cards_from_the_real_pcscd";
    let status = Command::new("timeout")
        .args(["--kill-after=5", "500", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"])
        .arg("--mount-proc")
        .arg(env::current_exe().unwrap())
        .args(["--exact", this, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{status}; it needs root, to make namespaces of its own");
}

fn inside() {
    virtual_reader::prepare();
    let log = tests::Log::default();
    let sink = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .without_time()
        .with_ansi(false)
        .with_writer(move || sink.clone())
        .init();

    let mut service = Service::start();
    let site = Site::open();
    site.rules(&[&[Factor::Claim, Factor::Face]]);
    site.a_tap_asks_for_the_owners_face();
    site.rules(&[&[Factor::CardPin]]);
    site.a_pin_opens_and_a_card_that_stays_opens_once();
    site.a_wrong_pin_costs_a_try_and_the_last_one_is_not_spent();
    site.a_card_that_is_pulled_out_is_said();
    site.a_card_that_is_swapped_after_its_pin_opens_nothing();
    site.whoever_does_not_go_on_is_forgotten();
    site.nobodys_card_opens_nothing();
    service = site.a_service_that_is_started_again_takes_cards_again(service);
    let store = site.door.stop().unwrap();
    assert!(store.verify(None).unwrap().is_sound());
    drop(service);
    let text = log.text();
    assert!(text.contains("mynumber") && text.contains("pin-wrong"), "the log is the one that is searched");
    for secret in ["1234", "9999", NAME, "試験", "太郎", "JPKI-SELFMADE", "19900101"] {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}

/// A card of this plan, on a reader that had noticed that it was empty.
fn laid(plan: Plan) -> Laid {
    emptied();
    Laid::new(plan, false)
}

fn scenario(name: &str) -> Laid {
    laid(Plan::scenario(name).unwrap())
}

/// What the card answers when it is asked for the tries of its PIN.
fn tries(laid: &Laid) -> Vec<u8> {
    let mut card = laid.card.lock().unwrap();
    let select =
        [&[0x00, 0xA4, 0x04, 0x0C, 0x0A], emulator::Application::Jpki.identifier().as_slice()].concat();
    let mut last = Vec::new();
    for command in [&select[..], &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, 0x18], &[0x00, 0x20, 0x00, 0x80]] {
        let Reply::Answer(answer, _) = card.respond(command) else { panic!("the card is gone") };
        last = answer;
    }
    last
}

/// Remembers every screen.
#[derive(Default)]
struct Seen(Mutex<Vec<Screen>>);

impl Panel for Seen {
    fn show(&self, moment: Moment) {
        self.0.lock().unwrap().extend(moment.screen().cloned());
    }
    fn preview(&self, _: Preview) {}
    fn desk(&self, _: View) {}
    fn screenshot(&self, _: &Path) -> Result<(), UiError> {
        Ok(())
    }
}

struct Site {
    door: Door,
    seen: Arc<Seen>,
    script: SimScript,
    visits: Receiver<VisitReport>,
    photos: PathBuf,
    owner: PersonId,
    _folder: tempfile::TempDir,
}

impl Site {
    /// A door whose only person owns the card of the usual plan.
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, board) = (folder.path().join("data"), folder.path().join("board.toml"));
        fs::create_dir(folder.path().join("authorities")).unwrap();
        let authority = certificates::pair(&Plan::default(), "auth").authority.der;
        fs::write(folder.path().join("authorities/test.cer"), authority).unwrap();
        let pcsc = format!("kind = \"pcsc\"\nname = \"{READER}\"\nauthorities = \"authorities\"\n");
        let sim = include_str!("../../../../boards/boards/sim.toml");
        fs::write(&board, sim.replace("[camera]", &format!("[[readers]]\n{pcsc}\n[camera]"))).unwrap();
        let networks = assets::models(None).unwrap();
        let mut vision = Vision::load(&networks, &Threads::start(1).unwrap()).unwrap().with_follower();
        let photos = assets::photographs(None).unwrap();
        vault::init_sample(&data).unwrap();
        let mut store = vault::open(&data).unwrap();
        let board = Board::load(&board).unwrap();
        let owner = enrol(&mut store, &mut vision, &photos, &board);
        let (camera, script) = SimCamera::scripted(clock::system(), FRAME_EVERY);
        let (reports, visits) = sync_channel(32);
        let seen = Arc::new(Seen::default());
        let door = Door::start(Parts {
            agent_in: None,
            board,
            store,
            vision,
            policy: Policy::default(),
            panel: Arc::<Seen>::clone(&seen),
            clock: clock::system(),
            camera: Some(Box::new(camera)),
            observer: Box::new(move |report| _ = reports.try_send(report.clone())),
            alert: Box::new(|_| ()),
        })
        .unwrap();
        Self { door, seen, script, visits, photos, owner, _folder: folder }
    }

    fn rules(&self, any_of: &[&[Factor]]) {
        let rule = |needs: &&[Factor]| FactorRule::always(FactorSet::of(needs));
        let policy = Policy {
            factors: FactorRules { any_of: any_of.iter().map(rule).collect() },
            sensor: gate::SensorTier::Simulated,
            refusals_before_pause: 100,
            ..Policy::default()
        };
        self.door.inbox().send(Inbox::Event(Event::Policy(Box::new(policy)))).unwrap();
    }

    /// The next screen of this kind, and nothing of what was shown before.
    #[track_caller]
    fn screen(&self, wanted: &Screen) {
        let started = Instant::now();
        let mut passed = Vec::new();
        while started.elapsed() < LONGEST_WAIT {
            let shown: Vec<Screen> = {
                let mut seen = self.seen.0.lock().unwrap();
                let end = seen.iter().position(|it| it == wanted).map_or(seen.len(), |at| at + 1);
                seen.drain(..end).collect()
            };
            if shown.last() == Some(wanted) {
                return;
            }
            passed.extend(shown);
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{wanted:?} was not shown; {passed:?}");
    }

    #[track_caller]
    fn reader(&self, step: ReaderScreen) {
        self.screen(&Screen::Reader(step));
    }

    #[track_caller]
    fn refused(&self, why: CredentialRefusal) {
        self.reader(ReaderScreen::Refused(why));
    }

    /// As the screen's pad tells it.
    fn pin(&self, digits: &str) {
        self.door.cards().send(CardOrder::Pin(Pin::parse(digits).unwrap())).unwrap();
    }

    #[track_caller]
    fn granted(&self) {
        let report = self.visits.recv_timeout(LONGEST_WAIT);
        let report = report.unwrap_or_else(|_| panic!("no visit; shown: {:?}", self.seen.0.lock().unwrap()));
        assert_eq!(report.outcome, Outcome::Granted { person: self.owner });
        assert!(matches!(report.pulse, Some(PulseResult::Pulsed(_))), "{:?}", report.pulse);
    }

    #[track_caller]
    fn no_grant(&self) {
        let visits: Vec<_> = self.visits.try_iter().map(|report| report.outcome).collect();
        assert!(!visits.iter().any(|it| matches!(it, Outcome::Granted { .. })), "{visits:?}");
    }

    fn over(&self, laid: Laid) {
        drop(laid);
        // Whoever stayed is gone for longer than the policy's absence, also where frames are judged late; then the outcome
        // goes off the screen.
        self.script.nobody(Duration::from_secs(3)).unwrap();
        while self.script.pending() > 0 {
            thread::sleep(FRAME_EVERY);
        }
        self.screen(&Screen::Idle);
    }

    fn a_tap_asks_for_the_owners_face(&self) {
        let laid = scenario("good");
        self.reader(ReaderScreen::Reading);
        self.screen(&Screen::ShowFace);
        self.script.show(&self.photos.join("person-b-2.jpg"), 60).unwrap();
        self.granted();
        self.over(laid);
    }

    fn a_pin_opens_and_a_card_that_stays_opens_once(&self) {
        let laid = scenario("good");
        self.reader(ReaderScreen::Pin);
        self.pin("1234");
        self.granted();
        thread::sleep(Duration::from_secs(7));
        self.no_grant();
        self.over(laid);
    }

    fn a_wrong_pin_costs_a_try_and_the_last_one_is_not_spent(&self) {
        let laid = scenario("good");
        for left in [2, 1] {
            self.reader(ReaderScreen::Pin);
            self.pin("9999");
            self.refused(CredentialRefusal::PinWrong { left });
        }
        self.refused(CredentialRefusal::OneTryLeft);
        self.pin("9999");
        self.refused(CredentialRefusal::OneTryLeft);
        self.no_grant();
        assert_eq!(tries(&laid), [0x63, 0xC1], "its owner still has one");
        self.over(laid);
    }

    fn a_card_that_is_pulled_out_is_said(&self) {
        let laid = scenario("removed");
        self.refused(CredentialRefusal::Removed);
        self.over(laid);
        let laid = scenario("good");
        self.reader(ReaderScreen::Pin);
        drop(laid);
        self.refused(CredentialRefusal::Removed);
        self.screen(&Screen::Idle);
        // A PIN that was on its way to a card that is gone reaches no other, and the screen says so.
        self.pin("1234");
        self.refused(CredentialRefusal::Removed);
        self.no_grant();
        self.screen(&Screen::Idle);
    }

    fn a_card_that_is_swapped_after_its_pin_opens_nothing(&self) {
        let laid = scenario("replaced");
        self.reader(ReaderScreen::Pin);
        self.pin("1234");
        self.refused(CredentialRefusal::Removed);
        self.no_grant();
        self.over(laid);
    }

    fn whoever_does_not_go_on_is_forgotten(&self) {
        let laid = scenario("good");
        self.reader(ReaderScreen::Pin);
        self.door.cards().send(CardOrder::Forget).unwrap();
        self.door.inbox().send(Inbox::Event(Event::Cancelled)).unwrap();
        self.screen(&Screen::Idle);
        self.no_grant();
        drop(laid);
    }

    fn nobodys_card_opens_nothing(&self) {
        let laid = laid(Plan { seed: 7, ..Plan::default() });
        self.screen(&Screen::ClaimNotConfirmed);
        self.over(laid);
        let laid = scenario("licence");
        self.refused(CredentialRefusal::DrivingLicence);
        self.over(laid);
        self.no_grant();
    }

    fn a_service_that_is_started_again_takes_cards_again(&self, service: Service) -> Service {
        drop(service);
        let service = Service::start();
        let laid = scenario("good");
        self.reader(ReaderScreen::Pin);
        self.pin("1234");
        self.granted();
        self.over(laid);
        service
    }
}

fn enrol(store: &mut store::Store, vision: &mut Vision, photos: &Path, board: &Board) -> PersonId {
    let now = clock::now(clock::system().as_ref());
    let photo = Image::open(&photos.join("person-b-1.jpg")).unwrap();
    let enrolment = Enrolment {
        name: NAME.into(),
        templates: vec![vision.enrol_photo(&photo).unwrap().template],
        reinstates: None,
        without_face: false,
        registered: NewRegistration::default(),
        consent: None,
        by: By::Console,
    };
    let person = store.enrol(now, enrolment).unwrap().0;
    let authorities = trusted_authorities(board.card_readers[0].authorities.as_deref()).unwrap();
    let mut card = InProcess::new(Emulator::new(Plan::default()));
    let claim = tap(&mut card, &authorities, now.wall).unwrap();
    let owner = Owner::Person(person);
    store
        .bind_credential(now, owner, CredentialKind::MyNumberCard, claim.holder.bytes(), By::Console)
        .unwrap();
    person
}
