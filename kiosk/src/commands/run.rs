//! `kiosk run`: the program at the door.

use std::{
    error::Error,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, OnceLock, mpsc::SyncSender},
    thread,
    time::Duration,
};

use boards::Board;
use gate::{Event, Fault, Greeting, Policy, ReaderScreen, Screen, SensorTier};
use models::{Threads, Vision};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use store::{Store, StoreError, Words};

use super::{Outcome, vault};
use crate::{
    arguments::{Common, Run},
    assets, clock,
    desk::{self, DeskEvent},
    display::Display,
    door::{self, CardOrder, Door, Inbox, Parts},
    facility_file::{self, FacilityFile},
    notify, output, socket, sound,
    ui::{Bilingual, Notice, Panel, Setup, Touch},
};

/// How long "out of service" stays before the program ends, so that the service manager can try again.
const OUT_OF_SERVICE_SHOWN: Duration = Duration::from_secs(10);

pub(crate) fn run(common: &Common, run: &Run) -> Outcome {
    let board = Board::load(&run.board)?;
    let mut store = vault::open(&common.data);
    let notice = notice(store.as_mut().ok())?;
    let (store, policy) = with_rules(store);
    if !run.headless && run.on_staff_call.is_none() {
        tracing::warn!("nobody hears 係員を呼ぶ: set --on-staff-call");
    }
    let wires = Arc::new(OnceLock::new());
    let staff = Staff { program: run.on_staff_call.clone() };
    let setup = Setup {
        notice,
        readers: door::reads_credentials(&board, store.as_ref().ok()),
        vehicle: policy.facility.greeting == Greeting::Board,
    };
    let display = Display::open(run.headless, true, setup, touched(&wires, staff.clone()))?;
    let quit = display.quitter();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        signals.forever().next();
        quit();
    })?;
    let panel = sound::sounding(display.panel(), board.sound.as_ref().map(|sound| sound.player.clone()));
    match store.and_then(|store| open_door(common, board, store, policy, &panel, staff)) {
        Ok(door) => {
            _ = wires.set(Wires { inbox: door.inbox(), desk: door.desk(), cards: door.cards() });
            display.run()?;
            notify::stopping();
            door.stop();
            Ok(())
        }
        Err(error) => out_of_service(display, run.headless, error),
    }
}

/// The vault with the facility's rules. Without rules that are understood the vault is not opened for the door either.
fn with_rules(store: Result<Store, StoreError>) -> (Result<Store, Box<dyn Error>>, Policy) {
    let opened = store.map_err(Box::from).and_then(|mut store| {
        let rules = facility_file::of_vault(&store)?;
        store.set_offset_minutes(rules.facility().offset_minutes);
        Ok((store, rules))
    });
    // What the board adds, the door adds when it starts.
    let policy = |rules: &FacilityFile| rules.policy_at(None, SensorTier::default());
    match opened {
        Ok((store, rules)) => (Ok(store), policy(&rules)),
        Err(error) => (Err(error), Policy::default()),
    }
}

/// Where a touch goes, once the door is open. Nothing waits: who touches the screen draws it.
struct Wires {
    inbox: SyncSender<Inbox>,
    desk: SyncSender<DeskEvent>,
    cards: SyncSender<CardOrder>,
}

impl Wires {
    fn tell_gate(&self, event: Event) {
        _ = self.inbox.try_send(Inbox::Event(event));
    }

    fn tell_desk(&self, touch: desk::Touch) {
        _ = self.desk.try_send(DeskEvent::Touch(touch));
    }

    /// What was typed goes to the card that lies there, and the gate hears of it from its thread.
    fn tell_card(&self, order: CardOrder) {
        _ = self.cards.try_send(order);
    }
}

/// What a touch does. A call of the staff is recorded once the door is open, and the facility's program is started in any
/// case, because staff are needed most when the kiosk is out of service.
fn touched(wires: &Arc<OnceLock<Wires>>, staff: Staff) -> impl Fn(Touch) + Clone + 'static {
    let wires = Arc::clone(wires);
    move |touch| {
        if touch == Touch::CallStaff {
            tracing::warn!("staff called");
            staff.tell("called");
        }
        if let Some(wires) = wires.get() {
            wires.touched(touch);
        }
    }
}

impl Wires {
    fn touched(&self, touch: Touch) {
        match touch {
            Touch::CallStaff => self.tell_gate(Event::StaffCalled),
            Touch::CannotTurn => self.tell_gate(Event::CannotTurn),
            Touch::Pin(typed) => {
                if let Some(pin) = typed.pin() {
                    self.tell_card(CardOrder::Pin(pin));
                }
            }
            Touch::PinWanted => self.tell_gate(Event::Reader(ReaderScreen::Pin)),
            Touch::CancelCard => {
                self.tell_card(CardOrder::Forget);
                self.tell_gate(Event::Cancelled);
            }
            Touch::StaffArea => self.tell_desk(desk::Touch::Open),
            Touch::Desk(touch) => self.tell_desk(touch),
            Touch::Language(_) | Touch::Member { .. } | Touch::HouseholdDone => {}
        }
    }
}

/// How the staff are told: the facility's program, with the reason in `GENKAN_REASON`.
#[derive(Clone)]
struct Staff {
    program: Option<PathBuf>,
}

impl Staff {
    /// Runs the program to its end, on a thread of its own.
    fn tell(&self, reason: &'static str) {
        let Some(program) = self.program.clone() else { return };
        thread::spawn(move || {
            let ended = Command::new(&program).env("GENKAN_REASON", reason).stdin(Stdio::null()).status();
            match ended {
                Ok(status) if status.success() => {}
                Ok(status) => tracing::error!(program = %program.display(), %status, "staff not told"),
                Err(error) => tracing::error!(program = %program.display(), %error, "staff not told"),
            }
        });
    }
}

fn open_door(
    common: &Common,
    board: Board,
    store: Store,
    policy: Policy,
    panel: &Arc<dyn Panel>,
    staff: Staff,
) -> Result<Door, Box<dyn Error>> {
    let models = assets::models(common.models.as_deref())?;
    let threads = Threads::start(board.inference_threads)?;
    let mut vision =
        Vision::load(&models, &threads)?.with_detector_side(board.detector_side_px).with_follower();
    if board.embedder_int8 {
        vision = vision.with_embedder_in_bytes(&models, &threads)?;
        if !vision.embedder_is_in_bytes() {
            tracing::warn!(
                board = board.name,
                "embedder_int8 without effect: this processor does not multiply bytes"
            );
        }
    }
    let door = Door::start(Parts {
        board,
        store,
        vision,
        policy,
        panel: Arc::clone(panel),
        clock: clock::system(),
        camera: None,
        observer: Box::new(|_| {}),
        alert: Box::new(move |alert| staff.tell(alert.name())),
        agent_in: Some(common.data.clone()),
    })?;
    socket::listen(&common.data, door.inbox())?;
    notify::ready(door.references());
    Ok(door)
}

/// The door cannot be opened for people: say so on the screen for a while, then end with the reason. A kiosk that only
/// found another one at work leaves that one's screen alone.
fn out_of_service(display: Display, headless: bool, error: Box<dyn Error>) -> Outcome {
    let another_is_at_work = matches!(error.downcast_ref(), Some(StoreError::InUse(_)));
    if !headless && !another_is_at_work {
        tracing::error!(error = output::explain(error.as_ref()), "out of service");
        display.panel().show(Screen::OutOfService(Fault::Storage).into());
        let quit = display.quitter();
        thread::spawn(move || {
            thread::sleep(OUT_OF_SERVICE_SHOWN);
            quit();
        });
        display.run()?;
    }
    Err(error)
}

/// The notice that this facility set at `kiosk init`.
fn notice(store: Option<&mut Store>) -> Result<Notice, StoreError> {
    let Some(store) = store else {
        return Ok(Notice::example());
    };
    let words = store.settings()?.notice;
    let both = |words: Words| Bilingual { japanese: words.japanese, easy: None, english: words.english };
    Ok(Notice { operator: both(words.operator), purpose: both(words.purpose), contact: both(words.contact) })
}
