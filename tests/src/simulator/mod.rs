//! The simulator: the real `ledger::Sync` at kiosks, agents and registry processes, in a world where everything that can go
//! wrong does, by seed. See `plan` for what happens, `truth` for the properties, `symbols` for what is symbolic.

pub mod address;
pub mod disk;
pub mod epochs;
pub mod kiosk;
pub mod plan;
pub mod registry;
pub mod symbols;
pub mod truth;
pub mod world;

use std::collections::BTreeSet;

use ledger::{Event, Message, Value};

use address::Address;
use plan::{Action, Deed, Plan, Plant, Restores};
use world::{Crash, Flight, World};

/// Rounds after which nothing may stick any more. In a round everybody speaks once and messages travel three hops, each with
/// a chance of a half.
const MAX_ROUNDS: usize = 160;
/// Rounds within which an urgent record must be everywhere, whatever else waits.
const URGENT_ROUNDS: usize = 20;
/// Records that wait in bulk when an urgent one is written.
const BACKLOG: usize = 120;

/// What a run showed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The property that broke, and how.
    pub broken: Option<(u8, String)>,
    /// Records at the registry in the end.
    pub records: usize,
    /// Erasures that were completed.
    pub erased: usize,
}

/// Does what a plan says, lets it become quiet, and judges.
#[must_use]
pub fn run(plan: &Plan, plant: Option<Plant>, property: Option<u8>) -> Outcome {
    let mut world = World::new(plan, plant, property);
    for action in &plan.actions {
        world.act(plan, *action);
        if world.truth.broken.is_some() {
            break;
        }
    }
    if world.truth.broken.is_none() {
        world.quieten();
    }
    Outcome {
        broken: world.truth.broken.clone(),
        records: world.registry.disk.records.values().map(Vec::len).sum(),
        erased: world.registry.rows.epochs.complete.len(),
    }
}

/// The shortest story that still breaks the same property: actions are left out as long as it does.
#[must_use]
pub fn shrink(plan: &Plan, plant: Option<Plant>, property: u8) -> Plan {
    let fails = |plan: &Plan| run(plan, plant, Some(property)).broken.is_some();
    let mut shortest = plan.clone();
    let mut size = shortest.actions.len().div_ceil(2).max(1);
    loop {
        let mut at = 0;
        while at < shortest.actions.len() {
            let mut shorter = shortest.clone();
            shorter.actions.drain(at..(at + size).min(shorter.actions.len()));
            if fails(&shorter) {
                shortest = shorter;
            } else {
                at += size;
            }
        }
        if size == 1 {
            return shortest;
        }
        size /= 2;
    }
}

impl World {
    fn act(&mut self, plan: &Plan, action: Action) {
        let Action { deed, salt } = action;
        // Each action draws from its own number, so leaving out another changes nothing of what it draws.
        self.random.0 = salt ^ plan.seed;
        let kiosk = (salt >> 8) as usize % self.kiosks.len();
        let stolen = self.kiosks[kiosk].stolen;
        let who = self.whom(salt);
        if who == Address::Registry {
            self.choose_process();
        }
        match deed {
            Deed::Deliver => (0..=salt % 8).for_each(|_| self.deliver_any()),
            Deed::Tick => self.tick(who),
            Deed::EnrolAtRegistry => self.enrol_at_registry(),
            Deed::Change => self.change(salt),
            Deed::Withdraw => drop(self.withdraw(salt)),
            Deed::Decide if !stolen => self.decide(kiosk, salt),
            Deed::EnrolAtKiosk if !stolen => self.enrol_at_kiosk(kiosk),
            Deed::WithdrawAtKiosk if !stolen => self.withdraw_at_kiosk(kiosk, salt),
            Deed::Bulk => self.bulk(30),
            Deed::Epoch if !self.registry.is_recovering() => self.begin_epoch(),
            Deed::Snapshot => self.snapshot(),
            Deed::Expel if salt.is_multiple_of(2) => self.expel(kiosk),
            Deed::Poison => self.poison(kiosk, salt),
            Deed::CrashBeforeCommit => drop(self.crashes.insert(who, Crash::BeforeCommit)),
            Deed::CrashAfterCommit => drop(self.crashes.insert(who, Crash::AfterCommit)),
            Deed::Restart => self.restart(who),
            Deed::Restore => self.restore(plan.restores, kiosk, salt),
            Deed::ClockJump => self.jump(kiosk, salt),
            Deed::TimePasses => self.now_ms += (salt % 20) * 3_600_000 + 600_001,
            Deed::Partition => drop(self.cut_link(who, salt)),
            Deed::Heal => self.cut.clear(),
            Deed::Lose => drop(self.any_flight()),
            Deed::Double => self.double(),
            Deed::Forge => self.forge(kiosk, salt),
            Deed::Replay => self.replay(kiosk, salt),
            Deed::Decide | Deed::EnrolAtKiosk | Deed::WithdrawAtKiosk | Deed::Expel | Deed::Epoch => {}
        }
        self.check_freshness();
    }

    fn whom(&self, salt: u64) -> Address {
        let number = (salt >> 16) as usize % self.kiosks.len();
        match (salt >> 40) % 5 {
            0 | 1 if !self.kiosks[number].stolen => Address::Kiosk(number),
            0..=2 => Address::Agent(number),
            _ => Address::Registry,
        }
    }

    /// An actor speaks.
    fn tick(&mut self, at: Address) {
        self.now_ms += 2_100;
        match at {
            Address::Kiosk(number) => self.sign_head(number),
            Address::Registry => self.registry_desk(),
            Address::Agent(_) => {}
        }
        let commands = self.step(at, Event::Tick);
        self.perform(at, commands);
    }

    fn any_flight(&mut self) -> Option<Flight> {
        let count = self.flights.len();
        let place = self.random.below(count);
        (count > 0).then(|| self.flights.swap_remove(place))
    }

    fn deliver_any(&mut self) {
        if let Some(flight) = self.any_flight() {
            self.arrive(flight);
        }
    }

    fn double(&mut self) {
        if let Some(flight) = self.any_flight() {
            self.flights.push(flight.clone());
            self.arrive(flight);
        }
    }

    fn cut_link(&mut self, at: Address, salt: u64) -> bool {
        let others = self.neighbours(at);
        let other = others[(salt >> 24) as usize % others.len()];
        self.cut.insert((at.min(other), at.max(other)))
    }

    /// Authentic, and nobody can apply it.
    fn poison(&mut self, kiosk: usize, salt: u64) {
        let (at, feed) = match salt % 3 {
            0 if !self.kiosks[kiosk].stolen => (Address::Kiosk(kiosk), kiosk::DEVICE_BULK),
            _ => (Address::Registry, registry::URGENT),
        };
        let body = match (salt >> 4) % 3 {
            0 => self.body(at, "FromTheFuture", [("what", Value::text("unknown"))]),
            1 => self.body(at, "Withdrawn", [("person", Value::text("nobody"))]),
            _ => self.body(at, "Person", [("person", Value::bytes([9; 16])), ("version", Value::Int(9))]),
        };
        let written = self.write(at, feed, vec![(body, vec![])], false);
        self.truth.changes += u64::from(at == Address::Registry && written.is_some());
    }

    fn restore(&mut self, restores: Restores, kiosk: usize, salt: u64) {
        let pick = |count: usize| (salt >> 20) as usize % count;
        match restores {
            Restores::Kiosks if !self.kiosks[kiosk].images.is_empty() && !self.kiosks[kiosk].stolen => {
                let images = &self.kiosks[kiosk].images;
                let disk = images[pick(images.len())].clone();
                self.restore_kiosk(kiosk, disk);
            }
            Restores::Agents if !self.agents[kiosk].images.is_empty() => {
                let images = &self.agents[kiosk].images;
                self.agents[kiosk].disk = images[pick(images.len())].clone();
                self.restart(Address::Agent(kiosk));
            }
            Restores::Registry => self.restore_registry(salt >> 20),
            Restores::Kiosks | Restores::Agents => {}
        }
    }

    fn jump(&mut self, kiosk: usize, salt: u64) {
        let hour = 3_600_000;
        let by = [-10 * 8_766 * hour, 10 * 8_766 * hour, -20 * hour, -9 * hour, 5 * hour]
            [(salt >> 30) as usize % 5];
        if salt.is_multiple_of(2) {
            self.kiosks[kiosk].wall_offset_ms += by;
        } else {
            self.registry.wall_offset_ms += by;
        }
    }

    /// A hostile agent makes something up out of what came by.
    fn forge(&mut self, number: usize, salt: u64) {
        let overheard = &self.agents[number].overheard;
        let pages: Vec<_> = overheard
            .iter()
            .filter_map(|it| if let Message::Page(page) = it { Some(page) } else { None })
            .collect();
        if pages.is_empty() {
            return;
        }
        let mut page = pages[(salt >> 20) as usize % pages.len()].clone();
        match salt % 3 {
            0 => page.sig[0] ^= 1,
            1 => drop(page.records.pop()),
            _ => page.records[0][20] ^= 1,
        }
        let to = if salt.is_multiple_of(2) { Address::Kiosk(number) } else { Address::Registry };
        if !page.records.is_empty() {
            self.send(Address::Agent(number), to, Message::Page(page));
        }
    }

    fn replay(&mut self, number: usize, salt: u64) {
        let overheard = &self.agents[number].overheard;
        if overheard.is_empty() {
            return;
        }
        let message = overheard[(salt >> 20) as usize % overheard.len()].clone();
        let to = if salt.is_multiple_of(2) { Address::Kiosk(number) } else { Address::Registry };
        self.send(Address::Agent(number), to, message);
    }

    /// Nothing goes wrong any more: everything must come right, and what is urgent first.
    fn quieten(&mut self) {
        self.quiet = true;
        self.cut.clear();
        self.crashes.clear();
        self.choose_process();
        self.bulk(BACKLOG);
        let before: BTreeSet<_> = self.registry.state.tombstones().clone();
        let withdrawn = self.withdraw(0);
        let probe = self.registry.state.tombstones().difference(&before).next().copied();
        let mut arrived = !withdrawn;
        let mut epochs = 0;
        for round in 1..=MAX_ROUNDS {
            self.round();
            let everywhere =
                |key| self.kiosks.iter().all(|kiosk| kiosk.stolen || kiosk.killed.contains(&key));
            arrived |= probe.is_some_and(everywhere);
            self.truth.check(13, arrived || round < URGENT_ROUNDS, || {
                format!("a withdrawal is not everywhere after {round} rounds")
            });
            let sticks = self.what_sticks();
            if sticks.is_none() && self.registry.is_recovering() {
                continue;
            }
            if sticks.is_none() && epochs < 2 && self.erasures_wait() {
                epochs += 1;
                self.begin_epoch();
                continue;
            }
            if self.truth.broken.is_some() || sticks.is_none() {
                break;
            }
            let last = round == MAX_ROUNDS;
            self.truth.check(12, !last, || sticks.unwrap_or_default());
        }
        self.check_all();
        if self.truth.broken.is_none() {
            self.sticks_down();
        }
    }

    /// The roads upwards are gone; a stick brings what the registry holds, epoch after epoch.
    fn sticks_down(&mut self) {
        for _ in 0..2 {
            self.begin_epoch();
            for number in 0..self.kiosks.len() {
                self.stick(number);
            }
            self.flights.clear();
        }
        let epoch = self.registry.disk.chain.epoch();
        let behind = self.kiosks.iter().position(|it| !it.stolen && it.disk.chain.epoch() != epoch);
        let sure = !self.truth.registry_restored;
        self.truth.check(12, behind.is_none() || !sure, || {
            format!("kiosk {} does not open epoch {epoch} from a stick", behind.unwrap_or_default())
        });
    }

    /// Every page that the registry holds and the kiosk does not, in the order of their class.
    fn stick(&mut self, number: usize) {
        let at = Address::Kiosk(number);
        let mut runs: Vec<_> =
            self.registry.disk.lines.values().map(|line| (line.feed().class, line.at().run)).collect();
        runs.sort_unstable();
        for (_, run) in runs {
            loop {
                let from = self.kiosks[number].sync.line(run).map_or(0, |line| line.at().length);
                let Some(page) = self.registry.disk.page(run, from) else { break };
                let commands =
                    self.step(at, Event::Heard(Address::Agent(number).peer(), Box::new(Message::Page(page))));
                self.perform(at, commands);
                if self.kiosks[number].sync.line(run).map_or(0, |line| line.at().length) == from {
                    break;
                }
            }
        }
    }

    /// Everybody speaks once, and messages travel.
    fn round(&mut self) {
        for number in 0..self.kiosks.len() {
            if !self.kiosks[number].stolen {
                self.tick(Address::Kiosk(number));
            }
            self.tick(Address::Agent(number));
        }
        self.choose_process();
        self.tick(Address::Registry);
        for _ in 0..3 {
            for flight in std::mem::take(&mut self.flights) {
                if self.random.percent(75) {
                    self.arrive(flight);
                } else {
                    self.random.draw();
                }
            }
        }
    }
}
