//! Emulated cards before the thread's own flow: what the gate is told, what the card was asked.
#![allow(clippy::unwrap_used)]

use std::{
    sync::{
        atomic::{AtomicU32, Ordering},
        mpsc::sync_channel,
    },
    thread::JoinHandle,
};

use boards::BootClock;
use card::{FrontCode, Pin, TestCards, Transport};
use emulator::{Emulator, InProcess, Plan, certificates};
use store::SystemEntropy;
use zeroize::Zeroizing;

use super::*;

/// Longer than anything here takes on a machine that builds something else.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Counts the PINs and codes that are sent, as a card sees them.
#[derive(Clone)]
struct Counting {
    card: InProcess,
    presented: Arc<AtomicU32>,
}

impl Transport for Counting {
    fn answer_to_reset(&self) -> &[u8] {
        self.card.answer_to_reset()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        // VERIFY without data asks for the tries.
        if command[1] == 0x20 && command.len() > 5 {
            self.presented.fetch_add(1, Ordering::Relaxed);
        }
        self.card.transmit(command)
    }
}

/// A card on the reader of a thread, as the gate sees it.
struct Showing {
    card: Counting,
    orders: SyncSender<CardOrder>,
    told: Receiver<Inbox>,
    desk: Receiver<DeskEvent>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

fn authorities() -> Authorities {
    let authority = certificates::pair(&Plan::default(), "auth").authority;
    Authorities::new([authority.der.as_slice()], TestCards::Refused).unwrap()
}

impl Showing {
    fn scenario(name: &str) -> Self {
        Self::new(Plan::scenario(name).unwrap(), authorities())
    }

    fn new(plan: Plan, authorities: Authorities) -> Self {
        Self::of(Emulator::new(plan), authorities)
    }

    fn of(card: Emulator, authorities: Authorities) -> Self {
        let card = Counting { card: InProcess::new(card), presented: Arc::default() };
        let (inbox, told) = sync_channel(32);
        let (desk, desk_told) = sync_channel(32);
        let (orders, waiting) = sync_channel(WAITING_ORDERS);
        let stopping = Arc::new(AtomicBool::new(false));
        let (stop, mut transport) = (Arc::clone(&stopping), card.clone());
        let thread = thread::spawn(move || {
            let (orders, mut entropy): (Orders, _) = (Arc::new(Mutex::new(waiting)), SystemEntropy);
            Flow {
                authorities: &authorities,
                orders: &orders,
                clock: &BootClock,
                inbox: &inbox,
                desk: &desk,
                stopping: &stop,
                entropy: &mut entropy,
            }
            .showing(&mut transport);
        });
        Self { card, orders, told, desk: desk_told, stopping, thread: Some(thread) }
    }

    /// What the gate is told next, by name.
    fn next(&self) -> String {
        match self.told.recv_timeout(LONGEST_WAIT) {
            Ok(Inbox::Chip(chip)) => said(&chip),
            Ok(Inbox::Presented(presented)) => {
                format!("{:?} {}", presented.kind, presented.identifier.bytes().len())
            }
            Ok(_) => "something else".into(),
            Err(_) => "nothing more".into(),
        }
    }

    fn pin(&self, digits: &str) -> &Self {
        self.orders.send(CardOrder::Pin(Pin::parse(digits).unwrap())).unwrap();
        self
    }

    #[track_caller]
    fn expect(&self, told: &[&str]) -> &Self {
        for expected in told {
            assert_eq!(self.next(), *expected);
        }
        self
    }

    /// The showing ends by itself, and nothing more is told of the card, though it lies there.
    #[track_caller]
    fn ends(mut self) {
        self.thread.take().unwrap().join().unwrap();
        assert!(self.told.try_recv().is_err(), "nothing more");
    }

    fn presented(&self) -> u32 {
        self.card.presented.load(Ordering::Relaxed)
    }

    fn front(&self, code: &str) -> Result<Face, CardError> {
        self.orders.send(CardOrder::Front(FrontCode::parse(code).unwrap())).unwrap();
        match self.desk.recv_timeout(LONGEST_WAIT).unwrap() {
            DeskEvent::Front(face) => *face,
            DeskEvent::Touch(_)
            | DeskEvent::Card(_)
            | DeskEvent::Seen(_)
            | DeskEvent::Reference(..)
            | DeskEvent::Reply(..)
            | DeskEvent::Evacuate
            | DeskEvent::Tick => panic!("the desk was told something else"),
        }
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

fn said(chip: &Chip) -> String {
    match chip {
        Chip::Reading => "reading".into(),
        Chip::Tapped(_, pin) => format!("tapped {pin:?}"),
        Chip::PinFirst => "pin first".into(),
        Chip::Proven(_) => "proven".into(),
        Chip::Refused(why) => format!("refused {why:?}"),
        Chip::Gone => "gone".into(),
    }
}

const TAPPED: &str = "tapped Ok(())";

#[test]
fn each_kind_of_card_is_told_to_the_gate_as_what_it_is() {
    for (scenario, told) in [
        ("felica", &["FacilityCard 8"][..]),
        ("mifare", &["FacilityCard 4"]),
        ("licence", &["refused DrivingLicence"]),
        ("residence", &["refused ResidenceCard"]),
        ("good", &["reading", TAPPED]),
        ("wrong-atr", &["reading", TAPPED]),
        ("pinless", &["reading", "tapped Err(CardWithoutPin)"]),
        ("foreign-ca", &["reading", "refused ForeignAuthority"]),
        ("expired", &["reading", "refused CardExpired"]),
        ("removed", &["reading", "refused Removed"]),
        ("slow", &["refused TimedOut"]),
    ] {
        let showing = Showing::scenario(scenario);
        let first: Vec<String> = told.iter().map(|_| showing.next()).collect();
        assert_eq!(first, told, "{scenario}");
        assert_eq!((showing.presented(), showing.card.card.card().forbidden_reads()), (0, 0), "{scenario}");
    }
}

#[test]
fn without_a_trusted_authority_a_mynumber_card_is_politely_declined() {
    let nobody = Authorities::new([], TestCards::Refused).unwrap();
    Showing::new(Plan::default(), nobody).expect(&["refused OtherCard"]);
}

#[test]
fn the_pin_goes_to_the_card_that_said_whose_it_is_and_it_signs() {
    let showing = Showing::scenario("good");
    showing.expect(&["reading", TAPPED]).pin("1234").expect(&["reading", "proven"]);
    assert_eq!(showing.presented(), 1);
    showing.ends();
}

#[test]
fn after_a_wrong_pin_the_card_that_stays_is_asked_again_until_one_try_is_left_which_is_not_spent() {
    let showing = Showing::scenario("good");
    showing.expect(&["reading", TAPPED]).pin("9999").expect(&["reading", "refused PinWrong { left: 2 }"]);
    showing.expect(&["reading", TAPPED]).pin("9998").expect(&["reading", "refused PinWrong { left: 1 }"]);
    showing
        .expect(&["reading", "tapped Err(OneTryLeft)"])
        .pin("1234")
        .expect(&["reading", "refused OneTryLeft"]);
    assert_eq!(showing.presented(), 2, "the last try is its owner's");
    showing.ends();
}

#[test]
fn a_card_that_is_taken_away_while_the_pin_is_typed_is_said_and_the_pin_reaches_no_other() {
    let showing = Showing::scenario("good");
    showing.expect(&["reading", TAPPED]);
    showing.card.card.card().take_away();
    showing.expect(&["gone"]);
    let orders = showing.orders.clone();
    showing.ends();
    assert!(orders.send(CardOrder::Pin(Pin::parse("1234").unwrap())).is_err());
}

#[test]
fn a_card_that_is_swapped_after_its_pin_proves_nothing() {
    let showing = Showing::scenario("replaced");
    showing.expect(&["reading", TAPPED]).pin("1234").expect(&["reading", "refused Removed"]);
    showing.ends();
}

#[test]
fn a_pin_that_was_typed_before_the_card_was_there_is_not_told_to_it() {
    let (inbox, told) = sync_channel(8);
    let (desk, desk_told) = sync_channel(8);
    let (orders, waiting) = sync_channel(WAITING_ORDERS);
    orders.send(CardOrder::Pin(Pin::parse("1234").unwrap())).unwrap();
    orders.send(CardOrder::Front(FrontCode::parse("02010120351234").unwrap())).unwrap();
    put_aside(&waiting, &inbox, &desk);
    assert!(matches!(told.try_recv(), Ok(Inbox::Chip(Chip::Refused(CredentialRefusal::Removed)))));
    let Ok(DeskEvent::Front(face)) = desk_told.try_recv() else { panic!("the desk is answered") };
    assert_eq!(face.err(), Some(CardError::Transport(TransportError::Removed)));
}

#[test]
fn whoever_does_not_go_on_is_forgotten_and_the_card_that_stays_is_nobodys() {
    let showing = Showing::scenario("good");
    showing.expect(&["reading", TAPPED]);
    showing.orders.send(CardOrder::Forget).unwrap();
    showing.ends();
}

#[test]
fn the_face_of_the_card_goes_to_the_desk_after_a_wrong_code_too() {
    let showing = Showing::scenario("good");
    showing.expect(&["reading", TAPPED]);
    let wrong = showing.front("02010120359999").err().map(|error| error.name());
    assert_eq!(wrong, Some("front-code-wrong"));
    assert!(showing.front("02010120351234").is_ok());
}

#[test]
fn nothing_of_a_card_reaches_the_log() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .without_time()
        .with_writer(move || sink.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || {
        for (scenario, pin) in
            [("good", "1234"), ("good", "4711"), ("foreign-ca", "1234"), ("felica", "1234")]
        {
            let plan = Plan::scenario(scenario).unwrap();
            let mut card = InProcess::new(Emulator::new(plan));
            let (inbox, told) = sync_channel(32);
            let (desk, _desk) = sync_channel(32);
            let (orders, waiting) = sync_channel(WAITING_ORDERS);
            let answers = thread::spawn(move || {
                while let Ok(told) = told.recv() {
                    if matches!(told, Inbox::Chip(Chip::Tapped(..))) {
                        _ = orders.try_send(CardOrder::Pin(Pin::parse(pin).unwrap()));
                        _ = orders.try_send(CardOrder::Forget);
                    } else if matches!(told, Inbox::Chip(Chip::Refused(_))) {
                        _ = orders.try_send(CardOrder::Forget);
                    }
                }
            });
            Flow {
                authorities: &authorities(),
                orders: &Arc::new(Mutex::new(waiting)),
                clock: &BootClock,
                inbox: &inbox,
                desk: &desk,
                stopping: &AtomicBool::new(false),
                entropy: &mut SystemEntropy,
            }
            .showing(&mut card);
            drop(inbox);
            answers.join().unwrap();
        }
    });
    let text = log.text();
    assert!(
        text.contains("mynumber") && text.contains("pin-wrong"),
        "the log is the one that is searched: {text}"
    );
    for secret in ["1234", "4711", "試験", "太郎", "JPKI-SELFMADE", "霞が関", "19900101", "Certificate"]
    {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

/// A log in memory.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
