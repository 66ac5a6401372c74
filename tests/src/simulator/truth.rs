//! What is true in a run, and the fourteen properties as checks against it. Each check looks at what actors did and hold, never
//! at what they believe of themselves.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    AuthorId, Class, Fork, Grade, KeyId, Leaf, Name, Prior, Quarantine, Receipt, Record, RunId, SignedRecord,
    Source, Value, root_of,
};

use super::{
    disk::Disk,
    kiosk::Kiosk,
    world::{REGISTRY, World},
};

/// What the simulator says of each property.
pub const PROPERTIES: [(u8, &str, &str); 14] = [
    (1, "nothing acknowledged is lost", "checked; retention by kiosks is not simulated"),
    (2, "no record, no pulse", "checked for the journal; the time that a commit takes is not simulated"),
    (
        3,
        "no honest author contradicts itself",
        "checked, and that restored kiosks are named by everybody's findings",
    ),
    (
        4,
        "the fold is a function of the set",
        "checked: order of runs, incremental against whole, between kiosks",
    ),
    (5, "withdrawal wins, always", "checked at every fold"),
    (
        6,
        "erasure is final",
        "checked over kiosks' disks, images, memories and the wire; registry backups are not",
    ),
    (7, "the courier cannot steer", "in part: forging, replay, pruning; what it can read is not checked yet"),
    (8, "whoever left stays out", "checked for keys and for what is applied"),
    (9, "one poison record harms itself only", "checked"),
    (10, "one sequence", "checked"),
    (11, "bounds", "in part: open questions; the disk budget is not simulated"),
    (
        12,
        "nothing sticks",
        "checked, and that sticks from the registry alone bring every epoch; sticks upwards are not",
    ),
    (13, "urgent first", "checked"),
    (14, "freshness tells the truth", "checked"),
];

/// What is true.
pub struct Truth {
    only: Option<u8>,
    /// The first property that broke, and how.
    pub broken: Option<(u8, String)>,
    signed: BTreeMap<(RunId, u64), Leaf>,
    receipts: BTreeMap<(usize, RunId), Prior>,
    /// Every pulse and the record that allowed it.
    pub pulses: Vec<(usize, RunId, u64, Leaf)>,
    /// Proofs of forks that replicas found.
    pub forks: Vec<Fork>,
    /// What the registry said last of each person.
    pub latest: BTreeMap<Name, (u64, [u8; 8])>,
    /// Committed changes of the registry.
    pub changes: u64,
    /// The database was put back.
    pub registry_restored: bool,
    /// Kiosks that were expelled, and the epoch issued before.
    pub expelled: BTreeMap<usize, u32>,
    /// On the wire: wrap key -> epochs it opens, epoch -> persons' keys under it.
    wraps: BTreeMap<KeyId, BTreeSet<u32>>,
    keys: BTreeMap<u32, BTreeSet<KeyId>>,
    keys_by_group: BTreeMap<u32, BTreeSet<KeyId>>,
}

impl Truth {
    /// Nothing has happened. `only`: the property that is looked at.
    pub fn new(only: Option<u8>) -> Truth {
        Truth {
            only,
            broken: None,
            signed: BTreeMap::new(),
            receipts: BTreeMap::new(),
            pulses: Vec::new(),
            forks: Vec::new(),
            latest: BTreeMap::new(),
            changes: 0,
            registry_restored: false,
            expelled: BTreeMap::new(),
            wraps: BTreeMap::new(),
            keys: BTreeMap::new(),
            keys_by_group: BTreeMap::new(),
        }
    }

    /// Notes that a property broke, unless it holds.
    pub fn check(&mut self, property: u8, holds: bool, story: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() && self.only.is_none_or(|only| only == property) {
            self.broken = Some((property, story()));
        }
    }

    /// Property 3: an author signs.
    pub fn signed(&mut self, author: AuthorId, record: &SignedRecord) {
        let before = *self.signed.entry((record.run, record.seq)).or_insert(record.leaf);
        let same = before == record.leaf;
        self.check(3, same, || format!("{author} signed two records {} of run {}", record.seq, record.run));
    }

    /// Property 11: questions that are open at one replica.
    pub fn bounds(&mut self, questions: usize) {
        let bound = 2 * ledger::MAX_WANT * 8;
        self.check(11, questions <= bound, || format!("{questions} questions are open"));
    }

    /// Property 4: what was written last counts.
    pub fn follows_last(&mut self, follows: bool) {
        let sure = !self.registry_restored;
        self.check(4, follows || !sure, || "a change does not count, although it was written last".into());
    }

    /// A receipt that a kiosk verified.
    pub fn receipted(&mut self, kiosk: usize, prior: Prior) {
        let kept = self.receipts.entry((kiosk, prior.run)).or_insert(prior);
        if prior.length > kept.length {
            *kept = prior;
        }
    }

    /// Whether a verified receipt covers a run.
    pub fn covers(&self, kiosk: usize, run: RunId, length: u64) -> bool {
        self.receipts.get(&(kiosk, run)).is_some_and(|prior| prior.length >= length)
    }

    /// Property 10: every head and receipt names what was durable when it was sent.
    pub fn receipt_sent(&mut self, disk: &Disk, receipt: &Receipt) {
        for prior in receipt.heads.iter().map(|cursor| &cursor.at).chain(&receipt.runs) {
            let held = disk.records.get(&prior.run).map_or(0, Vec::len) as u64;
            self.check(10, held >= prior.length, || {
                format!("a receipt names {} of {held} records", prior.length)
            });
        }
    }

    /// What everybody can see on the road.
    pub fn wire(&mut self, source: Source, records: &[Record]) {
        if !source.feed.class.is_keyring() {
            return;
        }
        let epoch = source.feed.epoch;
        for body in records.iter().filter_map(|record| record.open_body(None).ok()) {
            let name = |field| body.get(field).and_then(Value::as_array_of).map(KeyId);
            if let ("Wrap", Some(wrap)) = (body.kind.as_str(), name("wrap")) {
                self.wraps.entry(wrap).or_default().insert(epoch);
            }
            if let ("Key", Some(key)) = (body.kind.as_str(), name("key")) {
                self.keys.entry(epoch).or_default().insert(key);
            }
        }
    }

    /// A person's key was put on the wire under a group key, which nobody throws away.
    pub fn key_under_group(&mut self, epoch: u32, key: KeyId) {
        self.keys_by_group.entry(epoch).or_default().insert(key);
    }

    /// Know(X): the closure over what a holder's chain has and all that ever was on the wire. Returns the epochs that it
    /// opens and the persons' keys that it knows.
    fn know(&self, chain: &ledger::Chain) -> (BTreeSet<u32>, BTreeSet<KeyId>) {
        let opened = chain.wraps().filter_map(|(_, id)| self.wraps.get(&id)).flatten();
        let mut epochs: BTreeSet<u32> = opened.copied().collect();
        epochs.extend((chain.epoch() > 0).then(|| chain.epoch()));
        let mut persons: BTreeSet<KeyId> = chain.persons().collect();
        persons.extend(epochs.iter().filter_map(|epoch| self.keys.get(epoch)).flatten());
        persons.extend(chain.group_epochs().filter_map(|epoch| self.keys_by_group.get(&epoch)).flatten());
        (epochs, persons)
    }
}

impl World {
    /// Property 1 as long as no database was put back.
    pub fn check_receipts(&mut self) {
        if !self.truth.registry_restored {
            self.check_receipts_now();
        }
    }

    fn check_receipts_now(&mut self) {
        for ((kiosk, run), prior) in self.truth.receipts.clone() {
            if self.registry.disk.lines.get(&run).is_some_and(|line| line.at() == prior) {
                continue;
            }
            let leaves = self.registry.disk.leaves(run);
            let held = leaves.get(..prior.length as usize).map(root_of) == Some(prior.root);
            self.truth.check(1, held, || {
                format!(
                    "kiosk {kiosk} has a receipt for {} records of {run}, the registry has {}",
                    prior.length,
                    leaves.len()
                )
            });
        }
    }

    /// Property 14, at any time.
    pub fn check_freshness(&mut self) {
        for number in 0..self.kiosks.len() {
            let running = self.running_ms(number);
            let kiosk = &self.kiosks[number];
            let fresh = kiosk.freshness.grade(running) == Grade::Fresh;
            let signed = kiosk.signed_at.is_some_and(|at| self.now_ms - at <= ledger::FRESH_MS);
            let holds = !fresh || signed || kiosk.restored;
            self.truth.check(14, holds, || format!("kiosk {number} calls fresh what is older than a day"));
        }
    }

    /// Everybody who carries on holds the same runs, everything is receipted and every key is there: property 12. What is
    /// missing, if something is.
    pub fn what_sticks(&self) -> Option<String> {
        let registry = lengths(&self.registry.disk);
        let epoch = self.registry.disk.chain.epoch();
        for (number, agent) in self.agents.iter().enumerate() {
            if lengths(&agent.disk) != registry {
                return Some(format!("agent {number} and the registry hold different runs"));
            }
        }
        for (number, kiosk) in self.kiosks.iter().enumerate().filter(|(_, kiosk)| !kiosk.stolen) {
            if lengths(&kiosk.disk) != registry {
                return Some(format!("kiosk {number} and the registry hold different runs"));
            }
            if kiosk.disk.chain.epoch() != epoch {
                return Some(format!("kiosk {number} is at epoch {}, not {epoch}", kiosk.disk.chain.epoch()));
            }
            if kiosk.state.quarantine().values().any(|why| *why == Quarantine::MissingKey) {
                return Some(format!("kiosk {number} lacks a group key"));
            }
            let own = kiosk.disk.lines.values().filter(|line| line.author() == Kiosk::name(number).0);
            if own
                .filter(|line| !line.feed().class.is_keyring())
                .any(|line| !self.truth.covers(number, line.at().run, line.at().length))
            {
                return Some(format!("kiosk {number} has no receipt to its end"));
            }
            if kiosk.freshness.grade(self.running_ms(number)) != Grade::Fresh {
                return Some(format!("kiosk {number} is not fresh"));
            }
        }
        None
    }

    /// The properties that are looked at when it is quiet.
    pub fn check_all(&mut self) {
        self.check_receipts_now();
        self.check_pulses();
        self.check_sequence();
        self.check_folds();
        self.check_findings();
        self.check_erasure();
        self.check_expelled();
        self.check_freshness();
    }

    fn check_pulses(&mut self) {
        for (number, run, seq, leaf) in self.truth.pulses.clone() {
            let kiosk = &self.kiosks[number];
            let held = kiosk.restored || kiosk.disk.leaf(run, seq) == Some(leaf);
            self.truth.check(2, held, || format!("kiosk {number} drove the strike and has no record of it"));
        }
    }

    fn check_sequence(&mut self) {
        for (run, records) in &self.registry.disk.records {
            let numbered = records.iter().enumerate().all(|(place, it)| it.record.header.seq == place as u64);
            let line = self.registry.disk.lines[run].at();
            let whole = line.length == records.len() as u64;
            let leaves: Vec<Leaf> = records.iter().map(|it| it.record.leaf).collect();
            let holds = numbered && whole && root_of(&leaves) == line.root;
            self.truth.check(10, holds, || format!("run {run} is not 0..n-1 in the database"));
        }
        let own = |disk: &Disk| {
            let lines = disk.lines.values().filter(|line| line.author() == REGISTRY.0);
            let counted = lines
                .filter(|line| !line.feed().class.is_keyring() && line.feed().class != Class::FacilityBulk);
            counted.map(|line| line.at().length - 1).sum::<u64>()
        };
        let records = own(&self.registry.disk);
        let changes = self.truth.changes;
        self.truth.check(10, records <= changes, || format!("{records} records for {changes} changes"));
    }

    fn check_folds(&mut self) {
        let mut digests = Vec::new();
        for number in 0..self.kiosks.len() {
            let kiosk = &self.kiosks[number];
            if kiosk.stolen {
                continue;
            }
            let members = kiosk.sync.members().clone();
            let whole = kiosk.disk.fold(&members, 0, |_| false);
            let turned = kiosk.disk.fold(&members, number + 1, |_| false);
            let same = whole == turned && whole == kiosk.state;
            digests.push(whole.digest());
            self.truth.check(4, same, || format!("kiosk {number} folds the same set to another state"));
            let kiosk = &self.kiosks[number];
            let bad = kiosk.state.quarantine().clone();
            let clean = kiosk.disk.fold(&members, 0, |record| bad.contains_key(&record.id()));
            let harmless =
                clean.people().eq(kiosk.state.people()) && clean.gallery().eq(kiosk.state.gallery());
            self.truth.check(9, harmless, || format!("what kiosk {number} cannot apply changed its state"));
            self.check_last(number);
        }
        let equal = digests.windows(2).all(|pair| pair[0] == pair[1]);
        self.truth.check(4, equal, || "two kiosks hold the same set and another state".into());
    }

    /// What the registry committed last of a person is what a kiosk shows.
    fn check_last(&mut self, number: usize) {
        if self.truth.registry_restored {
            return;
        }
        let kiosk = &self.kiosks[number];
        let bulk = kiosk.disk.lines.values().filter(|line| line.feed().class == Class::FacilityBulk);
        let bodies = bulk.flat_map(|line| &kiosk.disk.records[&line.at().run]).filter_map(|stored| {
            let key = kiosk.disk.chain.group_key(stored.record.header.epoch);
            stored.record.open_body(key.as_ref()).ok().filter(|body| body.kind == "Person")
        });
        let mut contents: BTreeMap<(Name, u64), Value> = BTreeMap::new();
        for body in bodies {
            let number = body.get("version").and_then(Value::as_int).unwrap_or(0) as u64;
            if let (Some(name), Some(content)) =
                (body.get("person").and_then(Value::as_array_of), body.get("content"))
            {
                contents.insert((name, number), content.clone());
            }
        }
        let older = self.truth.latest.iter().find(|(name, (_, content))| {
            let shown = kiosk.state.person(**name).and_then(|it| contents.get(&(**name, it.version.number)));
            shown.is_some_and(|shown| *shown != Value::bytes(*content))
        });
        let same = older.is_none();
        self.truth.check(4, same, || format!("kiosk {number} shows an older version of a person"));
    }

    fn check_findings(&mut self) {
        for number in 0..self.kiosks.len() {
            let me = Kiosk::name(number).0;
            if !self.kiosks[number].restored || self.kiosks[number].stolen {
                continue;
            }
            for reader in self.kiosks.iter().filter(|kiosk| !kiosk.stolen) {
                let length = |run| reader.disk.lines.get(&run).map_or(0, |line| line.at().length);
                let found = reader.state.forks(length);
                let lines: Vec<_> = reader.disk.lines.values().filter(|line| line.author() == me).collect();
                let mut continued: BTreeMap<RunId, usize> = BTreeMap::new();
                for prior in
                    lines.iter().filter(|line| !line.feed().class.is_keyring()).flat_map(|l| l.priors())
                {
                    *continued.entry(*prior).or_default() += 1;
                }
                let twice = continued.into_iter().filter(|(_, count)| *count > 1);
                let named = twice.map(|(run, _)| run).all(|run| found.iter().any(|(it, _)| *it == run));
                self.truth.check(3, named, || format!("a restore of kiosk {number} is not in the findings"));
                if self.truth.broken.is_some() {
                    return;
                }
            }
        }
    }

    fn check_erasure(&mut self) {
        for key in self.registry.rows.epochs.complete.clone() {
            let mut holders: Vec<(String, &ledger::Chain)> =
                vec![("the registry".into(), &self.registry.disk.chain)];
            let members = self.kiosks.iter().enumerate().filter(|(_, kiosk)| !kiosk.stolen);
            for (number, kiosk) in members {
                holders.push((format!("kiosk {number}"), &kiosk.disk.chain));
                holders
                    .extend(kiosk.hoard.iter().map(|chain| (format!("the hoard of kiosk {number}"), chain)));
                let open = kiosk.images.iter().filter(|image| image.wrapped_by == kiosk.wraps_now);
                holders.extend(open.map(|image| (format!("an old vault of kiosk {number}"), &image.chain)));
            }
            let knows = holders.iter().find(|(_, chain)| self.truth.know(chain).1.contains(&key));
            let story = knows.map(|(who, _)| who.clone());
            self.truth.check(6, story.is_none(), || {
                format!("the erasure of {key} is complete, and {} can know it", story.unwrap_or_default())
            });
        }
    }

    fn check_expelled(&mut self) {
        for (number, issued) in self.truth.expelled.clone() {
            let chain = &self.kiosks[number].disk.chain;
            let (epochs, _) = self.truth.know(chain);
            // An expulsion that was lost with the database before anybody heard of it has to be said again.
            if !self.registry.disk.members(REGISTRY.0).is_expelled(Kiosk::name(number).0) {
                continue;
            }
            let now = self.registry.disk.chain.epoch();
            let later = |epoch: &u32| *epoch > issued && (*epoch == now || !self.truth.registry_restored);
            let later = epochs.iter().any(later);
            let newest = self.registry.disk.chain.newest_group_key().map_or(0, |(epoch, _)| epoch);
            let rotated = self.registry.disk.chain.epoch() > issued;
            let reads = rotated && chain.group_epochs().any(|epoch| epoch == newest);
            self.truth
                .check(8, !later && !reads, || format!("kiosk {number} was expelled and can still read"));
        }
    }
}

/// The runs of a store that is not a keyring's, and how long they are.
fn lengths(disk: &Disk) -> BTreeMap<RunId, u64> {
    let lines = disk.lines.values().filter(|line| !line.feed().class.is_keyring());
    lines.map(|line| (line.at().run, line.at().length)).collect()
}
