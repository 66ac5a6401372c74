//! What the tests share: a data directory, and a door that is driven through the real rules.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub)]

use std::{path::Path, time::Duration};

use gate::{
    Admits, Candidate, Candidates, Command, Comparison, DoorId, DurableLog, Event, Evidence, FaceView,
    Facility, Inside, ModelId, Monotonic, Now, PersonId, Policy, Reading, RecordId, Registered, Roster,
    Score, SensorTier, Session, Standing, Template, Threshold, TrackId, View, Wall, commit,
};
use store::{Enrolment, Entropy, EntropyError, FileKey, Init, OpenOptions, Store, StoreError, Words};

pub const MODEL: &str = "toy-4";

pub fn notice() -> Init {
    let words = |japanese: &str, english: &str| Words { japanese: japanese.into(), english: english.into() };
    Init {
        facility: "ひなた保育園".into(),
        operator: words("社会福祉法人ひなた", "Hinata Welfare"),
        purpose: words("登降園の確認", "Arrival and departure of children"),
        contact: words("03-0000-0000", "03-0000-0000 (Japanese)"),
    }
}

pub fn init(directory: &Path) {
    Store::init(directory, &FileKey::beside(directory), &notice()).unwrap();
}

pub fn options() -> OpenOptions {
    OpenOptions::new([7; 16])
}

pub fn try_open(directory: &Path) -> Result<Store, StoreError> {
    Store::open(directory, &FileKey::beside(directory), options())
}

pub fn open(directory: &Path) -> Store {
    try_open(directory).unwrap()
}

/// A fresh directory, set up and open.
pub fn fresh() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    init(directory.path());
    let store = open(directory.path());
    (directory, store)
}

pub fn at(seconds: u64) -> Now {
    let wall = Wall { unix_ms: 1_790_000_000_000 + seconds as i64 * 1_000, uncertainty_s: 2 };
    Now { mono: Monotonic::from_micros(seconds * 1_000_000), wall: Some(wall) }
}

pub fn template(numbers: [f32; 4]) -> Template {
    Template::new(ModelId::new(MODEL), numbers.to_vec()).unwrap()
}

pub fn enrolment(name: &str, numbers: [f32; 4]) -> Enrolment {
    Enrolment { name: name.into(), templates: vec![template(numbers)], ..Enrolment::default() }
}

/// Random bytes by seed.
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        bytes.iter_mut().for_each(|byte| *byte = self.next() as u8);
        Ok(())
    }
}

/// One door: the real session and the real commit; only camera and strike are made up.
pub struct Door {
    session: Session,
    seconds: u64,
    track: u64,
    /// Who is registered; whoever comes, alone and without rules, if nobody said.
    roster: Option<Roster>,
}

fn policy() -> Policy {
    Policy { sensor: SensorTier::Simulated, ..Policy::default() }
}

/// What a door tells whoever drives it.
pub enum Told {
    /// The log has acknowledged this record.
    Acknowledged(RecordId),
    /// The strike was driven for this grant.
    Pulsed(RecordId),
}

impl Door {
    pub fn new() -> Self {
        Self::of(policy())
    }

    fn of(policy: Policy) -> Self {
        Self { session: Session::new(policy, Roster::default()), seconds: 100, track: 0, roster: None }
    }

    /// A door of a facility that lets in whoever has a pass or a coupon, families together; without a strike at a counter.
    pub fn for_coupons(strike: bool) -> Self {
        let facility = Facility { admits: Admits::Entitled, ..Facility::default() };
        Self::of(Policy { facility, door: strike.then_some(DoorId(0)), ..policy() })
    }

    /// From now on these are registered, and nobody is inside.
    pub fn knows(&mut self, roster: Roster) {
        self.roster = Some(roster);
        let _ = self.session.step(self.now(), Event::Inside(Inside::default()));
    }

    /// Nobody comes for so long.
    pub fn wait(&mut self, seconds: u64) {
        self.seconds += seconds;
    }

    pub fn now(&self) -> Now {
        at(self.seconds)
    }

    /// Somebody comes, stays until the visit ends, and goes; `who` is granted, a stranger is not.
    pub fn visit<L: DurableLog>(
        &mut self,
        log: &mut L,
        who: Option<PersonId>,
        mut tell: impl FnMut(&mut L, Told),
    ) -> Result<RecordId, L::Error> {
        let decision = self.come(who);
        self.settle(log, decision, &mut tell)
    }

    /// Drops a decision on the log without asking the strike: what a program does that is killed at that moment.
    pub fn decide(&mut self, who: Option<PersonId>) -> gate::Decision {
        let decision = self.come(who);
        let _ = self.session.step(self.now(), Event::CommitFailed);
        let _ = self.session.step(self.now(), Event::Restored(gate::Fault::Storage));
        decision
    }

    /// Somebody comes and stays until the session wants a decision made durable.
    fn come(&mut self, who: Option<PersonId>) -> gate::Decision {
        self.seconds += 60;
        self.track += 1;
        let _ = self.session.step(self.now(), Event::Tick);
        let alone = || Roster::new(who.map(|person| (person, Registered::default())));
        let roster = self.roster.clone().unwrap_or_else(alone);
        let _ = self.session.step(self.now(), Event::Roster(roster));
        loop {
            self.seconds += 1;
            for command in self.session.step(self.now(), self.face(who)) {
                if let Command::Commit(decision) = command {
                    return decision;
                }
            }
        }
    }

    fn face(&self, who: Option<PersonId>) -> Event {
        let found = |person, score| Candidate { person, standing: Standing::Active, score: Score(score) };
        let best = who.map_or(found(PersonId([9; 16]), 0.1), |person| found(person, 0.9));
        let comparison = Comparison {
            pad: 0.9,
            found: Candidates { best: Some(best), runner_up: None },
            threshold: Threshold::Alone(Score(0.4)),
            references: 10,
            claimed: None,
        };
        let reading = Reading::Compared(comparison);
        let view = View::Face(FaceView { track: TrackId(self.track), reading, sight: None });
        Event::Observed(Evidence { captured: self.now().mono, dice: 0, view })
    }

    fn settle<L: DurableLog>(
        &mut self,
        log: &mut L,
        decision: gate::Decision,
        tell: &mut impl FnMut(&mut L, Told),
    ) -> Result<RecordId, L::Error> {
        let committed = match commit(log, self.now(), decision) {
            Ok(committed) => committed,
            Err(error) => {
                let _ = self.session.step(self.now(), Event::CommitFailed);
                return Err(error);
            }
        };
        let record = committed.record;
        tell(log, Told::Acknowledged(record));
        for command in self.session.step(self.now(), Event::Committed(committed)) {
            if let Command::Release(grant) = command {
                let spent = grant.spend(DoorId(0), self.now().mono).unwrap();
                tell(log, Told::Pulsed(record));
                let released = spent.pulsed(Duration::from_millis(500));
                for command in self.session.step(self.now(), Event::Released(released)) {
                    self.record(log, command, tell)?;
                }
            }
        }
        Ok(record)
    }

    fn record<L: DurableLog>(
        &mut self,
        log: &mut L,
        command: Command,
        tell: &mut impl FnMut(&mut L, Told),
    ) -> Result<(), L::Error> {
        if let Command::Record(entry) = command {
            let record = log.append(self.now(), &entry)?;
            tell(log, Told::Acknowledged(record));
        }
        Ok(())
    }

    /// The storage works again.
    pub fn restored(&mut self) {
        let _ = self.session.step(self.now(), Event::Restored(gate::Fault::Storage));
    }
}
