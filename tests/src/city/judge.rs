//! The judge of a city: what another client of the broker heard, against what the registry's database holds.
//!
//! Nothing here asks the registry's own programs. `mosquitto_sub` listens with a certificate of the registry's authority;
//! rows are read from the database itself; leaves and roots are computed anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ledger::{AuthorId, Leaf, Message, Page, Prior, Real, RunId, SignedReceipt, leaf_of, root_of};

use super::{At as _, City, Process, Trouble};

/// An ear at the broker: everything that is said, one line a message, topic and payload in hexadecimal digits.
pub struct Ear {
    process: Process,
    heard: PathBuf,
}

impl Ear {
    /// Listens from now on. Comes back by itself after the broker was away.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn listen(city: &City, folder: &Path) -> Result<Self, Trouble> {
        fs::create_dir_all(folder).at("make the folder", folder)?;
        let identity = city.registry.another_identity(folder)?;
        let heard = folder.join("heard");
        let mut command = Command::new("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &city.broker.port().to_string(), "-V", "mqttv5", "-q", "1"]);
        command.arg("--cafile").arg(&identity.authority);
        command.arg("--cert").arg(&identity.certificate).arg("--key").arg(&identity.key);
        command.args(["-i", "the-judge", "-k", "5", "-t", "genkan/#", "-F", "%t %x"]);
        let process = Process::start("mosquitto_sub", &mut command, &heard)?;
        Ok(Self { process, heard })
    }

    /// It still listens.
    ///
    /// # Errors
    /// [`Trouble::Ended`].
    pub fn still_listens(&mut self) -> Result<(), Trouble> {
        self.process.still_runs()
    }

    /// Every message so far that can be read, with its topic.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn heard(&self) -> Result<Vec<(String, Message)>, Trouble> {
        let text = fs::read_to_string(&self.heard).at("read", &self.heard)?;
        let message = |line: &str| {
            let (topic, payload) = line.split_once(' ')?;
            let bytes = bytes_of(payload)?;
            Some((topic.to_owned(), wire::pad::decode(&bytes).ok()?))
        };
        Ok(text.lines().filter_map(message).collect())
    }

    /// Every page so far.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn pages(&self) -> Result<Vec<Page>, Trouble> {
        let page = |(_, message)| match message {
            Message::Page(page) => Some(page),
            Message::Have(_) | Message::Want(_) | Message::Head(_) | Message::Receipt(_) => None,
        };
        Ok(self.heard()?.into_iter().filter_map(page).collect())
    }

    /// Every receipt so far that this registry signed.
    ///
    /// # Errors
    /// [`Trouble::File`]; [`Trouble::Untrue`] for one that somebody else signed.
    pub fn receipts(&self, registry: AuthorId) -> Result<Vec<SignedReceipt>, Trouble> {
        let mut receipts = Vec::new();
        for (topic, message) in self.heard()? {
            let Message::Receipt(receipt) = message else { continue };
            if !receipt.verify(&Real, registry) {
                return Err(Trouble::untrue(format!("a receipt on {topic} is not signed by the registry")));
            }
            receipts.push(receipt);
        }
        Ok(receipts)
    }
}

/// Bytes of hexadecimal digits.
#[must_use]
pub fn bytes_of(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.trim();
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    if digits.len().is_multiple_of(2) { (0..digits.len()).step_by(2).map(pair).collect() } else { None }
}

/// What a database holds: the leaves of every run, in order.
#[derive(Debug, Default)]
pub struct Held {
    runs: BTreeMap<RunId, Vec<Leaf>>,
}

impl Held {
    /// Takes rows in the order of run and seq.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] where a number is missing or there twice.
    pub fn of(rows: impl IntoIterator<Item = (RunId, u64, Vec<u8>)>) -> Result<Self, Trouble> {
        let mut held = Self::default();
        for (run, seq, record) in rows {
            let leaves = held.runs.entry(run).or_default();
            if leaves.len() as u64 != seq {
                let due = leaves.len();
                return Err(Trouble::untrue(format!("run {run}: record {seq} stands where {due} is due")));
            }
            leaves.push(leaf_of(&record));
        }
        Ok(held)
    }

    /// Whether it holds exactly this record at that place.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] says what stands there.
    pub fn holds_record(&self, run: RunId, seq: u64, leaf: Leaf) -> Result<(), Trouble> {
        let at = usize::try_from(seq).unwrap_or(usize::MAX);
        match self.runs.get(&run).and_then(|leaves| leaves.get(at)) {
            Some(held) if *held == leaf => Ok(()),
            Some(_) => Err(Trouble::untrue(format!("run {run}: another record {seq} than was written"))),
            None => Err(Trouble::untrue(format!("run {run}: record {seq} is not in the registry"))),
        }
    }

    /// How many records it holds.
    #[must_use]
    pub fn records(&self) -> usize {
        self.runs.values().map(Vec::len).sum()
    }

    /// How many records of a run it holds.
    #[must_use]
    pub fn length(&self, run: RunId) -> usize {
        self.runs.get(&run).map_or(0, Vec::len)
    }

    /// Whether it holds a run up to there, with that root.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] says what is missing.
    pub fn holds(&self, prior: &Prior) -> Result<(), Trouble> {
        let leaves = self.runs.get(&prior.run).map(Vec::as_slice).unwrap_or_default();
        let length = usize::try_from(prior.length).unwrap_or(usize::MAX);
        let Some(receipted) = leaves.get(..length) else {
            let (run, have) = (prior.run, leaves.len());
            return Err(Trouble::untrue(format!(
                "run {run}: a receipt says {length} records, the registry holds {have}"
            )));
        };
        if root_of(receipted) == prior.root {
            Ok(())
        } else {
            Err(Trouble::untrue(format!("run {}: the receipt's root at {length} is another", prior.run)))
        }
    }
}

/// What was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Receipts that were heard.
    pub receipts: usize,
    /// Statements in them, each of one run.
    pub statements: usize,
    /// Records in the database.
    pub records: usize,
}

/// Holds every receipt against the database.
///
/// # Errors
/// The first that does not hold.
pub fn judge(receipts: &[SignedReceipt], held: &Held) -> Result<Verdict, Trouble> {
    let statements: BTreeSet<_> = receipts
        .iter()
        .flat_map(|signed| &signed.receipt.runs)
        .map(|at| (at.run, at.length, at.root))
        .collect();
    for (run, length, root) in &statements {
        held.holds(&Prior { run: *run, length: *length, root: *root })?;
    }
    Ok(Verdict { receipts: receipts.len(), statements: statements.len(), records: held.records() })
}
