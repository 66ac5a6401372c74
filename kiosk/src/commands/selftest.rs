//! `kiosk selftest`: every part of one kiosk, for the technician on the ladder. Six lines that are always there (camera,
//! reader, relay, door contact, clock, network), then whatever else the board has and the program needs; each says in
//! Japanese and English what is wrong and what to do.
//!
//! The door stays shut unless `--pulse` is given. Then one pulse is driven as any other: by a grant that stands on a durable
//! record, as let in by staff; a second record says that nobody came in, so no figure counts it.

mod lines;
mod parts;

use std::{error::Error, sync::Arc};

use boards::{Board, Clock, GuardCommand};
use gate::{Command, DurableLog as _, Entry, Event, LetIn, Policy, PulseResult, Roster, Session, StaffId};
use serde::Serialize;
use store::{By, CorrectionWhy};

use self::lines::{Line, State};
use super::{Outcome, vault};
use crate::{
    arguments::{self, Common},
    clock,
    output::Format,
};

/// Whoever holds the key of the cabinet: no member of the staff has this id.
const TECHNICIAN: StaffId = StaffId([0; 16]);

/// What was found.
#[derive(Serialize)]
struct Report {
    board: String,
    /// Nothing is missing and nothing failed.
    passed: bool,
    lines: Vec<Line>,
}

pub(crate) fn selftest(common: &Common, format: Format, asked: &arguments::SelfTest) -> Outcome {
    let board = Board::load(&asked.board)?;
    let clock = clock::system();
    let guard = guard()?;
    let mut lines = lines::six(&board.self_test(&clock, &guard));
    lines.extend(parts::check(common));
    if asked.pulse {
        lines.push(lines::pulse(pulse(common, &board, &clock, guard)));
    }
    let passed = lines.iter().all(|line| line.state.is_good());
    let report = Report { board: board.name, passed, lines };
    format.print(&report, text);
    if report.passed {
        Ok(())
    } else {
        Err("使えない部分があります\n  something does not work: see above".into())
    }
}

fn guard() -> Result<GuardCommand, std::io::Error> {
    Ok(GuardCommand { program: std::env::current_exe()?, args: vec!["strike-guard".into()] })
}

/// Drives one pulse, on record. A grant is made by the rules of the door alone, so a session is asked for one.
fn pulse(
    common: &Common,
    board: &Board,
    clock: &Arc<dyn Clock>,
    guard: GuardCommand,
) -> Result<PulseResult, Box<dyn Error>> {
    let mut store = vault::open(&common.data)?;
    let Some(mut strike) = board.open_strike(Arc::clone(clock), guard)? else {
        return Err("this board has no strike".into());
    };
    let policy = Policy { door: Some(strike.door()), ..Policy::default() };
    let mut session = Session::new(policy, Roster::default());
    let let_in = LetIn { staff: TECHNICIAN, visitors: Vec::new(), release: true };
    let asked = session.step(clock::now(clock.as_ref()), Event::LetIn(let_in));
    let decision = asked.into_iter().find_map(|command| match command {
        Command::Commit(decision) => Some(decision),
        Command::Show(_)
        | Command::Release(_)
        | Command::Free(_)
        | Command::Expect(_)
        | Command::Record(_) => None,
    });
    let decision = decision.ok_or("the rules of the door gave no decision")?;
    let committed = gate::commit(&mut store, clock::now(clock.as_ref()), decision)?;
    let grant = committed.grant.ok_or("the rules of the door gave no grant")?;
    let released = strike.release(grant);
    let result = released.result();
    store.append(clock::now(clock.as_ref()), &Entry::Released(released))?;
    let now = clock::now(clock.as_ref());
    store.correct_visit(now, committed.record, &[], &[], CorrectionWhy::NotEntered, By::Console)?;
    Ok(result)
}

fn text(report: &Report) -> String {
    let mut lines: Vec<String> = report.lines.iter().map(ToString::to_string).collect();
    let wrong = report.lines.iter().filter(|line| !line.state.is_good()).count();
    let look = report.lines.iter().filter(|line| line.state == State::Look).count();
    lines.push(match (wrong, look) {
        (0, 0) => format!("{}：すべて使えます\n{}: everything works", report.board, report.board),
        (0, look) => format!(
            "{}：使えます。確認するところが{look}つあります\n{}: works; {look} to look at",
            report.board, report.board
        ),
        (wrong, _) => format!(
            "{}：使えない部分が{wrong}つあります\n{}: {wrong} part(s) do not work",
            report.board, report.board
        ),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests;
