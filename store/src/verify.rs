//! `audit verify`: what can be proved about the log, what is wrong with it, and what nobody can prove from here.
//!
//! Inside a run the chain and the signatures speak (`walk`). Between runs each Open names the runs before it with length
//! and root, and the vault keeps a head for each; so no run and no tail goes missing unnoticed while a later run, or the
//! kept head, is there. What is left is the whole file put back to an older state: only a head that was kept somewhere else
//! shows that.

use std::{collections::BTreeMap, path::PathBuf};

use ledger::{AuthorId, Leaf, Open, Prior, Record, RunId, SignedHead, root_of};
use thiserror::Error;

use crate::{
    Opener, Store, StoreError,
    feeds::prior,
    retention::Removals,
    walk::{Finding, Seen, Signature, Walk, What, examine},
};

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Report {
    /// Whose log it is.
    pub device: AuthorId,
    /// How many runs there are.
    pub runs: u64,
    /// How many records there are.
    pub records: u64,
    /// How many of them retention has emptied. They hold their place in chain and tree; what they said is gone.
    pub removed: u64,
    /// Everything that is wrong, in the order of runs and records.
    pub findings: Vec<Finding>,
    /// What cannot be proved from what was given, in plain words.
    pub cannot_prove: Vec<String>,
}

impl Report {
    /// Whether nothing was found wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Why no audit was made.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head is not one that this device signed.
    #[error(
        "the head given was not signed by the device whose log this is ({device}); give the right head or log"
    )]
    ForeignHead {
        /// The device.
        device: AuthorId,
        /// What is wrong with the head.
        #[source]
        source: Box<ledger::Error>,
    },
    /// The file is no head.
    #[error("{}: is no head; `kiosk audit export` writes head.cbor", path.display())]
    NoHead {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ledger::Error,
    },
    /// Neither the log nor the caller says whose log it is.
    #[error(
        "{}: is no exported log, or its beginning is damaged; `kiosk audit export` writes log.pages (with its head.cbor \
         the damage can be told)", .0.display()
    )]
    NoAuthor(PathBuf),
}

/// Who says how long a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Witness {
    /// The vault's kept head, or the Open of a later run: the run ended there.
    Inside,
    /// A head from outside: the run went at least so far.
    Outside,
}

/// Every statement about the length of runs.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<RunId, Vec<(Witness, Prior)>>);

impl Claims {
    pub(crate) fn kept(&mut self, prior: Prior) {
        self.0.entry(prior.run).or_default().push((Witness::Inside, prior));
    }

    pub(crate) fn opened(&mut self, open: &Open) {
        open.priors.iter().for_each(|prior| self.kept(*prior));
    }

    /// # Errors
    /// [`AuditError::ForeignHead`] if the device did not sign it.
    pub(crate) fn outside(&mut self, head: &SignedHead, device: AuthorId) -> Result<(), AuditError> {
        head.verify(device).map_err(|source| AuditError::ForeignHead { device, source: Box::new(source) })?;
        let add = |prior: &Prior| self.0.entry(prior.run).or_default().push((Witness::Outside, *prior));
        head.head.runs.iter().for_each(add);
        Ok(())
    }

    /// Examines one run with everything that is said of it. `removals`: what retention may have emptied; none if nobody
    /// can tell.
    pub(crate) fn judge(&mut self, run: RunId, seen: &[Seen], removals: Option<&Removals>) -> Vec<Finding> {
        let claims = self.0.remove(&run).unwrap_or_default();
        let expected = claims.iter().map(|(_, prior)| prior.length).max().unwrap_or(0);
        let walk = examine(run, seen, expected);
        let mut findings = claims.iter().fold(walk.findings.clone(), |mut findings, (witness, prior)| {
            let new = compare(run, *witness, prior, &walk);
            findings.extend(new.filter(|new| !findings.contains(new)));
            findings
        });
        // Both witnesses of a cut tail are worth one finding, and the one from inside says more.
        if findings.iter().any(|it| matches!(it.what, What::TailCut { .. })) {
            findings.retain(|it| !matches!(it.what, What::OlderCopy { .. }));
        }
        let told = |seq| findings.iter().any(|it| it.seq == seq);
        let unsaid = |it: &&Seen| removals.is_some_and(|removals| !removals.say(run, it.at));
        let emptied = seen.iter().filter(|it| it.emptied && !told(it.at)).filter(unsaid);
        let emptied: Vec<Finding> =
            emptied.map(|it| Finding { run, seq: it.at, what: What::Emptied }).collect();
        findings.extend(emptied);
        findings
    }

    /// Runs that are named and were not judged: they are gone.
    pub(crate) fn rest(self) -> Vec<Finding> {
        let gone = |(run, claims): (RunId, Vec<(Witness, Prior)>)| {
            let length = claims.iter().map(|(_, prior)| prior.length).max().unwrap_or(0);
            Finding { run, seq: 0, what: What::RunMissing { length } }
        };
        self.0.into_iter().map(gone).collect()
    }
}

fn compare(run: RunId, witness: Witness, prior: &Prior, walk: &Walk) -> Option<Finding> {
    let length = prior.length;
    let finding = |seq, what| Some(Finding { run, seq, what });
    if walk.length < length {
        let cut = witness == Witness::Inside || !walk.end_is_signed;
        let what = if cut { What::TailCut { length } } else { What::OlderCopy { length } };
        return finding(walk.length, what);
    }
    let same = walk.sound.get(..length as usize).map(|leaves: &[Leaf]| root_of(leaves) == prior.root);
    match same {
        Some(false) => finding(length.saturating_sub(1), What::Rewritten),
        Some(true) if witness == Witness::Inside && walk.length > length => finding(length, What::Grown),
        Some(true) => None,
        None => None, // what is not sound below that length has its own finding
    }
}

impl Store {
    /// Examines every run, record, signature and seal, and compares with the kept heads and with one from outside.
    ///
    /// # Errors
    /// No audit could be made; what is wrong with the log itself is in the report.
    pub fn verify(&self, outside: Option<&SignedHead>) -> Result<Report, AuditError> {
        let device = self.keys.author.id();
        let mut claims = Claims::default();
        let runs: Vec<(i64, Prior)> = self
            .rows("SELECT run, length, root, number FROM runs ORDER BY number", |row| {
                Ok((row.get(3)?, prior(row)?))
            })?;
        for (number, prior) in &runs {
            claims.kept(*prior);
            if let Some(open) = self.statement_of(*number, prior.run)? {
                claims.opened(&open);
            }
        }
        outside.map_or(Ok(()), |head| claims.outside(head, device))?;
        let removals = self.removals()?;
        let (mut records, mut removed, mut findings) = (0, 0, Vec::new());
        for (number, prior) in &runs {
            let seen = self.look(*number, prior.run)?;
            records += seen.len() as u64;
            removed += emptied(&seen);
            findings.extend(claims.judge(prior.run, &seen, Some(&removals)));
        }
        findings.extend(claims.rest());
        findings.extend(self.strays()?);
        let mut cannot_prove = unprovable(outside.is_some());
        cannot_prove.extend(what_is_gone(removed));
        Ok(Report { device, runs: runs.len() as u64, records, removed, findings, cannot_prove })
    }

    /// What the first record of a run states, if the device signed it.
    fn statement_of(&self, number: i64, run: RunId) -> Result<Option<Open>, StoreError> {
        let sql = format!("SELECT bytes, sig FROM records WHERE run = {number} AND seq = 0");
        let first = self.rows(&sql, |row| {
            let bytes: Vec<u8> = row.get(0)?;
            let signed = Seen::new(run, 0, &bytes, None, Opener::One(None)).is_signed(
                self.keys.author.id(),
                run,
                &row.get(1)?,
            );
            Ok(signed.then(|| Record::parse(&bytes).ok()?.open_statement(None).ok()).flatten())
        })?;
        Ok(first.into_iter().next().flatten())
    }

    /// Every record of a run as it stands in the vault.
    fn look(&self, number: i64, run: RunId) -> Result<Vec<Seen>, StoreError> {
        let device = self.keys.author.id();
        let sql = format!("SELECT seq, bytes, leaf, sig FROM records WHERE run = {number} ORDER BY seq");
        self.rows(&sql, |row| {
            let bytes = row.get_ref(1)?.as_blob()?;
            let kept = Leaf(row.get(2)?);
            if bytes.is_empty() {
                return Ok(Seen::emptied(device, run, row.get(0)?, kept, &row.get(3)?));
            }
            let mut seen = Seen::new(run, row.get(0)?, bytes, Some(kept), self.opener());
            seen.signature = Signature::Own(seen.is_signed(device, run, &row.get(3)?));
            Ok(seen)
        })
    }

    /// Records that no listed run has.
    fn strays(&self) -> Result<Vec<Finding>, StoreError> {
        let sql =
            "SELECT min(seq), bytes FROM records WHERE run NOT IN (SELECT number FROM runs) GROUP BY run";
        let found = self.rows(sql, |row| Ok((row.get::<_, u64>(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        let named = |(seq, bytes): (u64, Vec<u8>)| {
            let run = Record::parse(&bytes).map_or(RunId([0; 16]), |record| record.header.run);
            Finding { run, seq, what: What::Stray }
        };
        Ok(found.into_iter().map(named).collect())
    }
}

/// What stays open whatever was found.
fn unprovable(with_head: bool) -> Vec<String> {
    let age = if with_head {
        "that nothing was removed which was written after the head given: only a newer head, kept outside, shows that"
    } else {
        "that the whole data was not put back to an older state, or its last run removed: only a head that was kept \
         outside shows that (give it with --head; `kiosk audit export` writes one)"
    };
    vec![
        age.to_owned(),
        "that the kiosk wrote down everything: the log shows what was written and that it was not changed since".to_owned(),
        "that its clocks were right: the times are what the kiosk believed".to_owned(),
    ]
}

/// How many of them are empty.
pub(crate) fn emptied(seen: &[Seen]) -> u64 {
    seen.iter().filter(|it| it.emptied).count() as u64
}

/// What nobody can prove any more of records that are empty.
pub(crate) fn what_is_gone(removed: u64) -> Option<String> {
    (removed > 0).then(|| {
        format!("what the {removed} records said that retention emptied: their place is proved, their content is gone")
    })
}

pub(crate) fn unprovable_of_file(with_head: bool, author_given: bool, with_key: bool) -> Vec<String> {
    let mut open = unprovable(with_head);
    if !author_given {
        open.push("whose log this is: the name of the device was taken from the log itself".to_owned());
    }
    if !with_key {
        open.push("what the sealed records say: they were not opened, because no key was given".to_owned());
    }
    open
}
