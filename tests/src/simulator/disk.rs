//! What a store holds: lines and records, and at a kiosk the vault. A clone of it is an image that can be put back.

use std::{collections::BTreeMap, rc::Rc};

use ledger::{AuthorId, Chain, Class, Kind, Leaf, Line, Members, Page, Record, RunId, SignedRecord, State};

/// How many records one page carries here: small, so that a backlog takes many round trips.
pub const PAGE: usize = 4;

/// One record as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Its signature, where this replica has one.
    pub sig: Option<[u8; 64]>,
}

/// A store.
#[derive(Clone, Default)]
pub struct Disk {
    /// The runs.
    pub lines: BTreeMap<RunId, Line>,
    /// Their records.
    pub records: BTreeMap<RunId, Vec<Rc<Stored>>>,
    /// The vault of a kiosk, the key rows of a registry.
    pub chain: Chain,
    /// The generation of the key that wraps what is in the vault.
    pub wrapped_by: u32,
    /// The running time saved last, in milliseconds.
    pub running_ms: u64,
    /// When the newest nonce that came back was drawn.
    pub answered: Option<u64>,
    /// What a planted bug keeps of pages that nobody signed.
    pub garbage: usize,
}

impl Disk {
    /// Stores the records of a verified page.
    pub fn keep(&mut self, line: Line, page: &Page) {
        let records = self.records.entry(page.run).or_default();
        let last = page.records.len() - 1;
        for (number, bytes) in page.records.iter().enumerate() {
            let record = Record::parse(bytes).expect("the replica has verified it");
            records.push(Rc::new(Stored { record, sig: (number == last).then_some(page.sig) }));
        }
        self.lines.insert(page.run, line);
    }

    /// Stores records that were written here.
    pub fn keep_own(&mut self, line: Line, written: &[SignedRecord]) {
        for it in written {
            let record = Record::parse(&it.bytes).expect("it was written here");
            let stored = Rc::new(Stored { record, sig: Some(it.sig) });
            self.records.entry(it.run).or_default().push(stored);
        }
        self.lines.insert(line.at().run, line);
    }

    /// Deletes a run.
    pub fn remove(&mut self, run: RunId) {
        self.lines.remove(&run);
        self.records.remove(&run);
    }

    /// A page from here on, cut where a signature is.
    pub fn page(&self, run: RunId, first: u64) -> Option<Page> {
        let records = self.records.get(&run)?;
        let from = records.get(usize::try_from(first).ok()?..)?;
        let wanted = from.iter().take(PAGE).rposition(|it| it.sig.is_some());
        let end = wanted.or_else(|| from.iter().position(|it| it.sig.is_some()))?;
        let sig = from[end].sig?;
        let prev = from[0].record.header.prev;
        let records = from[..=end].iter().map(|it| it.record.bytes().to_vec()).collect();
        Some(Page { run, first, prev, records, sig })
    }

    /// The leaves of a run.
    pub fn leaves(&self, run: RunId) -> Vec<Leaf> {
        let records = self.records.get(&run).map(Vec::as_slice).unwrap_or_default();
        records.iter().map(|it| it.record.leaf).collect()
    }

    /// The leaf at a place.
    pub fn leaf(&self, run: RunId, seq: u64) -> Option<Leaf> {
        self.records.get(&run)?.get(usize::try_from(seq).ok()?).map(|it| it.record.leaf)
    }

    /// Who belongs, from the control records in the store.
    pub fn members(&self, registry: AuthorId) -> Members {
        let mut members = Members::new(registry);
        let control = self.lines.values().filter(|line| line.feed().class == Class::Control);
        for stored in control.flat_map(|line| &self.records[&line.at().run]) {
            if let Ok(body) = stored.record.open_body(None)
                && let Some(kind) = Kind::from_name(&body.kind)
            {
                members.apply(kind, &body);
            }
        }
        members
    }

    /// The state folded from nothing. `turn` turns the order of the runs, which must not matter.
    pub fn fold(&self, members: &Members, turn: usize, leave_out: impl Fn(&Record) -> bool) -> State {
        let mut state = State::default();
        let count = self.lines.len().max(1);
        for line in self.lines.values().cycle().skip(turn % count).take(self.lines.len()) {
            for stored in &self.records[&line.at().run] {
                if !leave_out(&stored.record) {
                    let _ = state.apply(&stored.record, &line.source(), members, &self.chain);
                }
            }
        }
        state
    }
}
