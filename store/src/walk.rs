//! One run under the auditor's eye: is it whole, and if not, which record is wrong and how.
//!
//! A run is *strictly sound* if its records stand where their headers say, each names the leaf of the one before it, and
//! the author's signature covers the last. Only then nothing is reported. Whatever is not strictly sound gets at least one
//! finding; to name the right one, a record counts as *proven* if a signature of the author covers it or another record
//! names its leaf, wherever it stands now. A proven record is believed to be who it says it is, which tells a record that
//! was moved from one that was changed.
//!
//! Retention takes bytes away and leaves leaf and signature. Such a record still stands in the chain, because the one after
//! it names its leaf, and in the tree; whether it may be empty is for the caller to say.

use std::{collections::HashSet, fmt};

use ledger::{AuthorId, Leaf, Record, RunId, leaf_of, verify_record_sig};

use crate::Opener;

/// Something wrong at one place of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The run.
    pub run: RunId,
    /// The position in the run, from 0.
    pub seq: u64,
    /// What is wrong there.
    pub what: What,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The bytes are not those that the author signed.
    Altered,
    /// The record is sound, the signature kept beside it is not the author's.
    SignatureAltered,
    /// This record, and the following ones, are gone from the middle of the run.
    Missing {
        /// How many.
        count: u64,
    },
    /// The record stands in the place of another, and that one in its place.
    Swapped {
        /// The other one's position.
        with: u64,
    },
    /// The record stands at another place than its own.
    Moved,
    /// The run ends here, although this very log says that it was longer.
    TailCut {
        /// How many records the run had.
        length: u64,
    },
    /// The run ends here, although a head that was kept outside says that it was longer.
    OlderCopy {
        /// How many records the run had.
        length: u64,
    },
    /// The whole run is gone.
    RunMissing {
        /// How many records it had.
        length: u64,
    },
    /// Up to here the run is not the one that a head, or a later run, names.
    Rewritten,
    /// Records follow, although the run was closed here.
    Grown,
    /// The body does not open with the key of its group.
    Sealed,
    /// Leaf and signature are there, the bytes are not, and no record of retention says that they were taken away.
    Emptied,
    /// Records of a run that is not listed.
    Stray,
    /// The frame of the page that begins here was changed; the records in it are sound.
    FrameAltered,
    /// From here on the file cannot be read.
    Unreadable {
        /// The offset in the file, in bytes.
        offset: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, seq, what } = self;
        write!(out, "run {run}, record {seq}: ")?;
        match what {
            What::Altered => write!(out, "was changed after it was signed"),
            What::SignatureAltered => write!(out, "is sound, but the signature beside it was changed"),
            What::Missing { count: 1 } => write!(out, "was removed"),
            What::Missing { count } => write!(out, "was removed, with the {} after it", count - 1),
            What::Swapped { with } => write!(out, "was swapped with record {with}"),
            What::Moved => write!(out, "was moved to another place"),
            What::TailCut { length } => {
                write!(out, "from here on the tail was cut off, the run had {length} records")
            }
            What::OlderCopy { length } => write!(
                out,
                "the run ends before it, but the head given names {length} records: an older copy was put back, or the \
                 tail was cut off"
            ),
            What::RunMissing { length } => {
                write!(
                    out,
                    "the whole run of {length} records is gone: an older copy was put back, or it was removed"
                )
            }
            What::Rewritten => write!(out, "up to here the run is another than the one that was signed for"),
            What::Grown => write!(out, "was added after the run had been closed"),
            What::Sealed => write!(out, "does not open with the key of its group"),
            What::Emptied => write!(out, "was emptied, and no record of retention says so"),
            What::Stray => write!(out, "belongs to a run that was removed from the list of runs"),
            What::FrameAltered => {
                write!(out, "is sound, but the frame of the page that it begins was changed")
            }
            What::Unreadable { offset } => {
                write!(
                    out,
                    "from here on the file cannot be read (a page at byte {offset} is cut or damaged)"
                )
            }
        }
    }
}

/// The signature that was found with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signature {
    /// Its own, kept beside it; does it verify?
    Own(bool),
    /// The one at the end of its page; does it verify?
    Page(bool),
    /// None: it stands within a page.
    None,
}

/// A record as it was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Where it stands.
    pub(crate) at: u64,
    /// Where its header says it belongs; none if it cannot be read or belongs to another run.
    pub(crate) claim: Option<u64>,
    pub(crate) prev: Option<Leaf>,
    pub(crate) leaf: Leaf,
    /// The leaf kept beside it, if one is, is its leaf.
    leaf_agrees: bool,
    pub(crate) signature: Signature,
    /// The body opens, or nobody asked.
    opens: bool,
    /// The bytes were taken away; leaf and signature are all that is left.
    pub(crate) emptied: bool,
}

impl Seen {
    /// Looks at one record that stands at `at` of `run`. Its signature is judged by the caller.
    pub(crate) fn new(run: RunId, at: u64, bytes: &[u8], kept: Option<Leaf>, opener: Opener<'_>) -> Self {
        let leaf = leaf_of(bytes);
        let record = Record::parse(bytes).ok().filter(|record| record.header.run == run);
        let sealed = record.as_ref().is_some_and(|record| record.header.group.is_some());
        let asked = !opener.is_none() || !sealed;
        Self {
            at,
            claim: record.as_ref().map(|record| record.header.seq),
            prev: record.as_ref().map(|record| record.header.prev),
            leaf,
            leaf_agrees: kept.is_none_or(|kept| kept == leaf),
            signature: Signature::None,
            opens: !asked || record.is_none_or(|record| opener.open(&record).is_ok()),
            emptied: false,
        }
    }

    /// A record at `at` of `run` of which only leaf and signature are left. The signature binds leaf and place, so the
    /// place is known; what came before it, only from there.
    pub(crate) fn emptied(author: AuthorId, run: RunId, at: u64, leaf: Leaf, sig: &[u8; 64]) -> Self {
        let signed = verify_record_sig(author, run, at, leaf, sig).is_ok();
        Self {
            at,
            claim: signed.then_some(at),
            prev: None,
            leaf,
            leaf_agrees: true,
            signature: Signature::Own(signed),
            opens: true,
            emptied: true,
        }
    }

    /// Whether `sig` is the author's, of this record where it says it belongs.
    pub(crate) fn is_signed(&self, author: AuthorId, run: RunId, sig: &[u8; 64]) -> bool {
        verify_record_sig(author, run, self.claim.unwrap_or(self.at), self.leaf, sig).is_ok()
    }
}

/// What became of one run.
#[derive(Debug)]
pub(crate) struct Walk {
    /// Everything wrong inside it.
    pub(crate) findings: Vec<Finding>,
    /// How far it goes.
    pub(crate) length: u64,
    /// The leaves of the records before the first wrong one.
    pub(crate) sound: Vec<Leaf>,
    /// Whether a signature of the author covers the last record.
    pub(crate) end_is_signed: bool,
}

/// Examines a run as it stands in its place of keeping. `expected`: the length that somebody names for it.
pub(crate) fn examine(run: RunId, seen: &[Seen], expected: u64) -> Walk {
    let broken = first_break(seen);
    let end_is_signed = seen
        .last()
        .is_some_and(|last| matches!(last.signature, Signature::Own(true) | Signature::Page(true)));
    let finding = |seq, what| Finding { run, seq, what };
    let Some(broken) = broken else {
        let findings = closed(seen).map(|seq| finding(seq, What::Sealed)).collect();
        let sound = seen.iter().map(|it| it.leaf).collect();
        return Walk { findings, length: seen.len() as u64, sound, end_is_signed };
    };
    let Diagnosis { wrong, length } = Diagnosis::new(seen, expected);
    // What was changed does not open either; that is no news.
    let told: HashSet<u64> = wrong.iter().map(|(seq, _)| *seq).collect();
    let mut findings: Vec<Finding> = wrong.into_iter().map(|(seq, what)| finding(seq, what)).collect();
    findings.extend(closed(seen).filter(|seq| !told.contains(seq)).map(|seq| finding(seq, What::Sealed)));
    if findings.is_empty() && length >= expected {
        findings.push(finding(broken, What::Altered));
    }
    let sound = seen.iter().take(broken as usize).map(|it| it.leaf).collect();
    Walk { findings, length, sound, end_is_signed }
}

/// Records that should open and do not.
fn closed(seen: &[Seen]) -> impl Iterator<Item = u64> {
    seen.iter().filter(|it| !it.opens).map(|it| it.claim.unwrap_or(it.at))
}

/// Whether the run begins with a record that the author wrote for that place.
pub(crate) fn begins_proven(seen: &[Seen]) -> bool {
    let named: HashSet<Leaf> = seen.iter().filter_map(|it| it.prev).collect();
    seen.first().is_some_and(|first| first.claim == Some(0) && is_proven(first, &named))
}

/// The first place where the run is not strictly sound.
fn first_break(seen: &[Seen]) -> Option<u64> {
    let mut prev = Leaf::NONE;
    for (seq, it) in (0u64..).zip(seen) {
        let signed = match it.signature {
            Signature::Own(valid) | Signature::Page(valid) => valid,
            Signature::None => seq + 1 < seen.len() as u64,
        };
        let follows = it.emptied || it.prev == Some(prev);
        if !(it.at == seq && it.claim == Some(seq) && follows && it.leaf_agrees && signed) {
            return Some(seq);
        }
        prev = it.leaf;
    }
    None
}

/// Which record is which, and what is wrong with each.
struct Diagnosis {
    wrong: Vec<(u64, What)>,
    length: u64,
}

impl Diagnosis {
    fn new(seen: &[Seen], expected: u64) -> Self {
        let named: HashSet<Leaf> = seen.iter().filter_map(|it| it.prev).collect();
        let (mut stored, mut wrong) = (Vec::new(), Vec::new());
        let mut taken = HashSet::new();
        let mut before: Option<u64> = None;
        for it in seen {
            let proven = is_proven(it, &named);
            let follows = |claim| claim == it.at || before.is_some_and(|before| claim == before + 1);
            let seq = it.claim.filter(|&claim| proven || follows(claim)).unwrap_or(it.at);
            if taken.insert(seq) {
                before = Some(seq);
                stored.push((seq, it));
            } else {
                wrong.push((it.at, What::Altered));
            }
        }
        let mut sorted = stored.clone();
        sorted.sort_by_key(|(seq, _)| *seq);
        let length = sorted.last().map_or(0, |(seq, _)| seq + 1);
        wrong.extend(order(&stored, &sorted));
        wrong.extend(gaps(&sorted));
        wrong.extend(altered(&sorted, &named, expected));
        wrong.sort_by_key(|(seq, _)| *seq);
        wrong.dedup();
        Self { wrong, length }
    }
}

fn is_proven(it: &Seen, named: &HashSet<Leaf>) -> bool {
    matches!(it.signature, Signature::Own(true) | Signature::Page(true)) || named.contains(&it.leaf)
}

/// Records that do not stand in the order of their numbers.
fn order(stored: &[(u64, &Seen)], sorted: &[(u64, &Seen)]) -> Vec<(u64, What)> {
    let mut wrong = Vec::new();
    for (here, home) in stored.iter().zip(sorted).filter(|(here, home)| here.0 != home.0) {
        let mutual = stored.iter().zip(sorted).any(|(there, at)| there.0 == home.0 && at.0 == here.0);
        match mutual {
            true if home.0 < here.0 => wrong.push((home.0, What::Swapped { with: here.0 })),
            true => {}
            false => wrong.push((here.0, What::Moved)),
        }
    }
    wrong
}

/// Numbers that no record has, below the greatest.
fn gaps(sorted: &[(u64, &Seen)]) -> Vec<(u64, What)> {
    let (mut next, mut wrong) = (0, Vec::new());
    for (seq, _) in sorted {
        if *seq > next {
            wrong.push((next, What::Missing { count: seq - next }));
        }
        next = seq + 1;
    }
    wrong
}

/// Records that nothing proves. A page's signature is missed where the record that it belongs to was removed, and a record
/// is not named where the one after it was changed; both are told already.
fn altered(sorted: &[(u64, &Seen)], named: &HashSet<Leaf>, expected: u64) -> Vec<(u64, What)> {
    let mut wrong = Vec::new();
    let mut after: Option<(u64, bool)> = None;
    for (seq, it) in sorted.iter().rev() {
        let next_is_there = after.is_some_and(|(next, _)| next == seq + 1);
        let next_is_altered = after.is_some_and(|(_, altered)| altered);
        let next_was_removed = !next_is_there && (after.is_some() || expected > seq + 1);
        let excused = match it.signature {
            Signature::Own(_) => false,
            Signature::Page(_) | Signature::None => next_was_removed || (next_is_there && next_is_altered),
        };
        let at_home = it.at == *seq;
        let is_altered = !is_proven(it, named) && !excused;
        if is_altered || (at_home && !it.leaf_agrees) {
            wrong.push((*seq, What::Altered));
        } else if at_home
            && !excused
            && matches!(it.signature, Signature::Own(false) | Signature::Page(false))
        {
            wrong.push((*seq, What::SignatureAltered));
        }
        after = Some((*seq, is_altered));
    }
    wrong
}
