//! `kiosk demo`: Genkan's main job on real photographs with real networks, at the simulated board.
//!
//! It makes a data directory of its own, enrols sample people, and shows photographs to the camera of the board `sim`: a
//! person from a *different* photograph, a stranger, a blurred face, a face that two enrolments share, a person whose
//! enrolment has been revoked in between, a mother with her card, the same card in other hands, and a photograph that is
//! asked to turn its head (`cast`). Whatever is printed was computed by the same threads that run at a real door; the
//! demonstration ends with an error if a visit does not come out as its line says.

mod cast;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use boards::{Board, Clock, Identifier, Presented, SimCamera, SimScript, board::ONLY_DOOR};
use gate::{CredentialKind, Event, Monotonic, PersonId, Policy, PulseResult, SensorTier};
use models::{Threads, Vision};
use serde::Serialize;
use store::Store;

use self::cast::{BLURRED, Before, PEOPLE, VISITS};

use super::{Outcome, pace::Pace};
use crate::{
    arguments::{self, Common},
    assets, clock,
    display::Display,
    door::{Door, Inbox, Latency, Parts, VisitReport},
    output::Format,
    service::{RecordText, Request, outcome_text},
    ui::{Notice, Panel, Setup},
};

/// The camera's pace.
const FRAME_EVERY: Duration = Duration::from_millis(100);
/// How many frames are asked for at a time while a visit is under way, and how many such scenes ahead: nobody leaves
/// before the outcome, and few frames are left over after it.
const FRAMES_AT_A_TIME: u32 = 3;
const SCENES_AHEAD: usize = 2;
/// How long a visit may take, by the clock that waits for the networks, before the demonstration gives up.
const LONGEST_VISIT: Duration = Duration::from_secs(30);
/// How long a window may take to appear.
const FIRST_SCREEN: Duration = Duration::from_secs(20);
/// The shipped board, written beside the demonstration's data.
const BOARD: &str = include_str!("../../../boards/boards/sim.toml");

/// One line of output.
#[derive(Serialize)]
struct Line<'a> {
    visit: u64,
    outcome: &'static str,
    person: Option<String>,
    /// The sample name; only here, where all people are samples.
    name: Option<&'a str>,
    score: Option<f32>,
    threshold: Option<f32>,
    pad: Option<f32>,
    latency_ms: Latency,
    pulse_ms: Option<u64>,
    audit: RecordText,
    photo: &'a str,
    screenshot: PathBuf,
}

pub(crate) fn demo(common: &Common, format: Format, demo: &arguments::Demo) -> Outcome {
    let stage = Stage::set(common, demo)?;
    let setup = Setup { notice: Notice::example(), readers: false, vehicle: false };
    let headless = demo.headless || std::env::var_os("DISPLAY").is_none();
    let display = Display::open(headless, false, setup, |_| {})?;
    let (panel, quit) = (display.panel(), display.quitter());
    let playing = thread::Builder::new().name("demo".into()).spawn(move || {
        let played = play(stage, &panel, format).map_err(|error| crate::output::explain(error.as_ref()));
        quit();
        played
    })?;
    display.run()?;
    playing.join().map_err(|_| "the demonstration ended unexpectedly")?.map_err(Into::into)
}

/// Everything that the demonstration needs, ready.
struct Stage {
    out: PathBuf,
    photos: PathBuf,
    store: Store,
    vision: Vision,
    board: Board,
    people: Vec<PersonId>,
}

impl Stage {
    fn set(common: &Common, demo: &arguments::Demo) -> Result<Self, Box<dyn Error>> {
        let photos = assets::photographs(demo.photos.as_deref())?;
        let mut vision =
            Vision::load(&assets::models(common.models.as_deref())?, &Threads::start(1)?)?.with_follower();
        let out = std::path::absolute(&demo.out)?;
        clear(&out)?;
        blur(&photos.join("person-a-2.jpg"), &out.join("scenes").join(BLURRED))?;
        let board = out.join("sim.toml");
        fs::write(&board, BOARD)?;
        let board = Board::load(&board)?;
        let (store, people) = cast::enrol(&out.join("data"), &photos, &mut vision)?;
        Ok(Self { out, photos, store, vision, board, people })
    }

    fn photo(&self, name: &str) -> PathBuf {
        if name == BLURRED { self.out.join("scenes").join(name) } else { self.photos.join(name) }
    }
}

/// Removes what an earlier demonstration left, and nothing else.
fn clear(out: &Path) -> Result<(), std::io::Error> {
    for folder in ["data", "scenes", "screens", "log"] {
        match fs::remove_dir_all(out.join(folder)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => fs::create_dir_all(out.join(folder))?,
        }
    }
    fs::remove_dir(out.join("data"))
}

/// A copy as a camera out of focus would see it.
fn blur(photo: &Path, out: &Path) -> Outcome {
    /// Standard deviation as a part of the picture's width: about 12 pixels of a face 200 pixels wide.
    const SIGMA: f32 = 0.022;
    let sharp = image::open(photo)?;
    let sigma = sharp.width() as f32 * SIGMA;
    Ok(sharp.fast_blur(sigma).to_rgb8().save(out)?)
}

/// Opens the door, plays the visits, closes it, and checks and exports the log.
fn play(stage: Stage, panel: &Arc<dyn Panel>, format: Format) -> Outcome {
    let photos: Vec<PathBuf> = VISITS.iter().map(|visit| stage.photo(visit.photo)).collect();
    let Stage { out, store, vision, board, people, photos: _ } = stage;
    let pace = Pace::new(clock::system(), FRAME_EVERY);
    let (camera, script) = SimCamera::scripted(pace.clock(), FRAME_EVERY);
    let (reports, arrivals) = sync_channel(VISITS.len() * 2);
    let policy = cast::policy()?;
    let door = Door::start(Parts {
        agent_in: None,
        board,
        store,
        vision,
        policy: policy.clone(),
        panel: pace.panel(Arc::clone(panel)),
        clock: pace.clock(),
        camera: Some(pace.camera(camera)),
        observer: Box::new(move |report| _ = reports.try_send(report.clone())),
        alert: Box::new(|_| ()),
    })?;
    let screens = out.join("screens");
    first_screenshot(panel, &screens.join("0-idle.png"))?;
    let mut surprises = Vec::new();
    for (visit, photo) in VISITS.iter().zip(&photos) {
        prepare(&door, &policy, &people, visit.before)?;
        let report = one_visit(pace.clock().as_ref(), &script, &arrivals, photo)?;
        let outcome = outcome_text(report.outcome);
        let screenshot = screens.join(format!("{}-{outcome}.png", report.visit));
        panel.screenshot(&screenshot)?;
        print(format, &report, &people, visit.photo, screenshot);
        if outcome != visit.outcome {
            surprises.push(format!("{}: expected {}, came out {outcome}", visit.photo, visit.outcome));
        }
        everybody_leaves(&script, &pace)?;
    }
    say_if_slow(pace.slowest());
    pace.let_go();
    let store = door.stop().ok_or("the gate thread ended unexpectedly")?;
    finish(store, &out)?;
    if surprises.is_empty() { Ok(()) } else { Err(surprises.join("; ").into()) }
}

/// A window that has just been opened needs a moment until it can be drawn.
fn first_screenshot(panel: &Arc<dyn Panel>, file: &Path) -> Outcome {
    let started = Instant::now();
    loop {
        match panel.screenshot(file) {
            Ok(()) => return Ok(()),
            Err(error) if started.elapsed() > FIRST_SCREEN => return Err(error.into()),
            Err(_) => thread::sleep(FRAME_EVERY),
        }
    }
}

/// What happens before a visit, through the same inbox as at a door.
fn prepare(door: &Door, policy: &Policy, people: &[PersonId], before: Before) -> Outcome {
    match before {
        Before::Nothing => {}
        Before::Revoked(place) => revoke(door, people[place])?,
        Before::Card => {
            let (kind, identifier) = (CredentialKind::FacilityCard, Identifier::new(cast::CARD.to_vec()));
            let presented = Presented { at: Monotonic::default(), kind, identifier };
            door.inbox().send(Inbox::Presented(presented))?;
        }
        Before::ColourCamera => {
            let policy = Policy { door: Some(ONLY_DOOR), sensor: SensorTier::Rgb, ..policy.clone() };
            door.inbox().send(Inbox::Event(Event::Policy(Box::new(policy))))?;
        }
    }
    Ok(())
}

fn revoke(door: &Door, person: PersonId) -> Outcome {
    let (reply, answer) = sync_channel(1);
    let request = Request::Revoke { person: person.to_string(), reason: "demonstration".into() };
    door.inbox().send(Inbox::Request(request, reply))?;
    answer.recv()??;
    Ok(())
}

/// Shows the photograph until the visit has its outcome.
fn one_visit(
    clock: &dyn Clock,
    script: &SimScript,
    arrivals: &Receiver<VisitReport>,
    photo: &Path,
) -> Result<VisitReport, Box<dyn Error>> {
    let started = clock.now();
    while clock.now().since(started) < LONGEST_VISIT {
        if script.pending() < SCENES_AHEAD {
            script.show(photo, FRAMES_AT_A_TIME)?;
        }
        if let Ok(report) = arrivals.recv_timeout(FRAME_EVERY) {
            return Ok(report);
        }
    }
    Err(format!("{}: no outcome within {} s", photo.display(), LONGEST_VISIT.as_secs()).into())
}

/// Nobody is there until the outcome has left the screen. The first frames of that are waited for like others, so that the
/// last with a face is judged in its own time.
fn everybody_leaves(script: &SimScript, pace: &Pace) -> Outcome {
    script.nobody(FRAME_EVERY * 3)?;
    wait_for(script);
    pace.let_go();
    script.nobody(Policy::default().outcome_shown + Duration::from_secs(2))?;
    wait_for(script);
    pace.hold();
    Ok(())
}

fn wait_for(script: &SimScript) {
    while script.pending() > 0 {
        thread::sleep(FRAME_EVERY);
    }
}

/// The times of such a run are not those of a door; whoever reads them should know.
fn say_if_slow(slowest: Duration) {
    if slowest > FRAME_EVERY * 2 {
        eprintln!(
            "this machine needed up to {:.1} s for a frame of the camera, which comes every {:.1} s; the demonstration waited \
             for it, a door would not",
            slowest.as_secs_f64(),
            FRAME_EVERY.as_secs_f64()
        );
    }
}

/// Where the clock waited for the networks, the whole took at least as long as they did.
fn honest(latency: Latency) -> Latency {
    let networks = latency.detect + latency.align + latency.pad + latency.embed;
    Latency { total: latency.total.max(networks), ..latency }
}

fn print(format: Format, report: &VisitReport, people: &[PersonId], photo: &str, screenshot: PathBuf) {
    let person = report.person.map(|person| person.to_string());
    let place = people.iter().position(|known| Some(*known) == report.person);
    let pulse_ms = match report.pulse {
        Some(PulseResult::Pulsed(pulse)) => u64::try_from(pulse.as_millis()).ok(),
        None
        | Some(
            PulseResult::Expired | PulseResult::WrongDoor | PulseResult::StrikeFailed | PulseResult::Unknown,
        ) => None,
    };
    let line = Line {
        visit: report.visit,
        outcome: outcome_text(report.outcome),
        name: place.map(|place| PEOPLE[place].0),
        person,
        score: report.score,
        threshold: report.threshold,
        pad: report.pad,
        latency_ms: honest(report.latency),
        pulse_ms,
        audit: report.record.into(),
        photo,
        screenshot,
    };
    format.print(&line, text);
}

fn text(line: &Line<'_>) -> String {
    let number = |value: Option<f32>| value.map_or("-".into(), |value| format!("{value:.3}"));
    format!(
        "visit {}: {:<12} {}  score {} (threshold {})  pad {}  {:.0} ms from capture to record  door {}  record {}:{}  [{}]",
        line.visit,
        line.outcome,
        line.name.unwrap_or("-"),
        number(line.score),
        number(line.threshold),
        number(line.pad),
        line.latency_ms.total,
        line.pulse_ms.map_or("stays shut".into(), |pulse| format!("released for {pulse} ms")),
        line.audit.run,
        line.audit.seq,
        line.photo,
    )
}

/// Checks and exports the log. What it says goes to stderr, so that stdout is one line a visit.
fn finish(mut store: Store, out: &Path) -> Outcome {
    let report = store.verify(None)?;
    store.export(&out.join("log"))?;
    eprintln!(
        "audit log: {} records in {} runs, whole; exported to {}; screenshots in {}",
        report.records,
        report.runs,
        out.join("log").display(),
        out.join("screens").display()
    );
    Ok(())
}
