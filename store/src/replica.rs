//! The replica of a kiosk: what the registry and the other devices of its facility said, and the vault that follows.
//!
//! `Sync` verifies what comes, in a thread of its own; what verified reaches [`Store::keep`], where records, state, keys and
//! the rows of the vault change in one transaction. Nothing here is decided twice: whatever is in the vault can be folded
//! anew from the records and the keys, and is, at each start ([`load`](mod@load)). What is held in memory is read again from
//! the file whenever a transaction failed.
//!
//! | file | what |
//! |---|---|
//! | `join` | a voucher becomes a membership |
//! | `load` | state, keys and members folded from the file |
//! | `fold` | one record more |
//! | `keep` | one step of `Sync` as one transaction |
//! | `lines` | the runs of others in tables, this device's own as lines, pages for whoever asks |
//! | `keyring` | opening an epoch, the ratchet, taking and giving persons' keys |
//! | `follow`, `close`, `people` | rows of the vault: who is searched, who is closed, what is said of them |
//! | `head` | heads, receipts, and how old what is known may be |

mod close;
mod fold;
mod follow;
mod head;
mod join;
mod keep;
mod keyring;
mod lines;
mod load;
mod people;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use gate::{PersonId, RecordId};
use ledger::{
    AuthorId, Chain, Feed, Fork, Freshness, GroupId, GroupKey, KeyId, Kind, Members, Name, Scope,
    SignedRecord, State, Version,
};

use crate::{Store, StoreError, pens::Wrote};

pub(crate) use fold::counts;
pub(crate) use keyring::open_keyring_run;
pub use lines::Reader;

/// To which registry and facility this device belongs, or asks to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The tenant's name.
    pub tenant: String,
    /// The facility, whose group this is.
    pub facility: GroupId,
    /// The registry that is believed.
    pub registry: AuthorId,
    /// This device.
    pub me: AuthorId,
}

/// What a step of the replica came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Kept {
    /// Who is searched, or what is known of somebody, is another now: read the roster again, and of the gallery `people`.
    pub gallery_changed: bool,
    /// Whose references or standing may be other ones now, each once.
    pub people: Vec<PersonId>,
    /// The control feed grew: read [`Store::control`] again.
    pub control_changed: bool,
    /// An epoch that was opened: tell `Sync` by `Event::Opened`.
    pub opened: Option<u32>,
    /// Forks that were found and are told to the registry.
    pub forks: Vec<Fork>,
    /// People and entitlements of which something was said that cannot stand in the vault. What was known of them stays.
    pub unusable: usize,
}

/// Where what counts of somebody or something was said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) version: Version,
    pub(crate) at: ledger::RecordId,
    /// This device said it, and its vault knew it in the same transaction.
    pub(crate) own: bool,
}

/// How far somebody was closed, the lesser first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closing {
    /// Not let in, still told apart: a device revoked or suspended.
    Held,
    /// Nowhere searched: a device says that the person withdrew.
    Hidden,
    /// The registry says so: everything goes.
    Gone,
}

/// What is held in memory of the replica.
pub(crate) struct Replica {
    pub(crate) membership: Membership,
    pub(crate) members: Members,
    pub(crate) state: State,
    pub(crate) chain: Chain,
    /// Keys that are destroyed here, whatever is said later.
    pub(crate) dead: BTreeSet<KeyId>,
    /// What counts of people, households and entitlements.
    said: BTreeMap<(Kind, Name), Said>,
    /// Whether the names of a household are shown.
    households: BTreeMap<Name, bool>,
    /// The entitlements of a person.
    of_person: BTreeMap<Name, BTreeSet<Name>>,
    closed: BTreeMap<Name, (Closing, RecordId)>,
    killed: BTreeMap<KeyId, RecordId>,
    touched: Touched,
}

/// What changed since the vault last followed.
#[derive(Default)]
struct Touched {
    people: BTreeSet<Name>,
    households: BTreeSet<Name>,
    keys: BTreeSet<KeyId>,
}

/// Whether this device belongs anywhere.
pub(crate) enum Joined {
    /// It does not.
    No,
    /// It does.
    Yes(Box<Replica>),
    /// What is in memory is not what is in the file: it is to be read again.
    Lost,
}

/// What this process has to say to its replica, and its questions to the registry. Lives as long as the process.
#[derive(Default)]
pub(crate) struct Talk {
    freshness: Freshness,
    /// Somebody takes what is written.
    watched: bool,
    written: Vec<(Feed, Vec<SignedRecord>)>,
}

impl Kept {
    fn changed(&mut self, person: PersonId, changed: bool) {
        self.gallery_changed |= changed;
        if changed && !self.people.contains(&person) {
            self.people.push(person);
        }
    }
}

impl Joined {
    pub(crate) fn replica(&self) -> Option<&Replica> {
        if let Joined::Yes(replica) = self { Some(replica) } else { None }
    }

    pub(crate) fn replica_mut(&mut self) -> Option<&mut Replica> {
        if let Joined::Yes(replica) = self { Some(replica) } else { None }
    }
}

impl Replica {
    /// The newest key of the group; none before the first epoch.
    pub(crate) fn sealing_key(&self) -> Option<(GroupId, u32, GroupKey)> {
        let (epoch, key) = self.chain.newest_group_key()?;
        Some((self.membership.facility, epoch, key))
    }

    /// The keyring of an epoch.
    fn scope(&self, epoch: u32) -> Scope {
        let Membership { tenant, facility, .. } = &self.membership;
        Scope { tenant: tenant.clone(), group: *facility, epoch }
    }

    /// Whether a key is destroyed.
    fn is_dead(&self, key: KeyId) -> bool {
        self.dead.contains(&key) || self.state.is_dead(key)
    }
}

impl Store {
    /// To which registry and facility this device belongs; none if it does not.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn membership(&self) -> Result<Option<Membership>, StoreError> {
        load::membership(&self.connection, self.keys.author.id())
            .map_err(|source| StoreError::sql("read the membership", &self.file, source))
    }

    /// Reads again from the file what a failed transaction left unknown in memory.
    pub(crate) fn mend(&mut self) -> Result<(), StoreError> {
        if matches!(self.joined, Joined::Lost) {
            let (replica, answered) = load::load(&self.connection, &self.keys, &self.file)?;
            self.joined = replica.map_or(Joined::No, |replica| Joined::Yes(Box::new(replica)));
            if self.talk.freshness.answered() < answered {
                self.talk.freshness = Freshness::new(answered);
            }
        }
        Ok(())
    }

    /// What this process wrote is durable: it is folded, and told to the replica if one runs.
    pub(crate) fn wrote(&mut self, wrote: Vec<Wrote>) {
        let Some(replica) = self.joined.replica_mut() else { return };
        for Wrote { feed, record, folds } in wrote {
            if folds {
                replica.fold_own(feed, &record);
            }
            if self.talk.watched {
                self.talk.add(feed, record);
            }
        }
    }

    /// This device's records that were committed since the last call: `Event::Wrote` for `Sync`, one for each entry. Nothing
    /// is gathered before [`Store::replica`] was called.
    pub fn take_written(&mut self) -> Vec<(Feed, Vec<SignedRecord>)> {
        std::mem::take(&mut self.talk.written)
    }
}

impl Talk {
    fn add(&mut self, feed: Feed, record: SignedRecord) {
        match self.written.last_mut() {
            Some((last, records))
                if *last == feed && records.last().is_some_and(|it| it.run == record.run) =>
            {
                records.push(record);
            }
            Some(_) | None => self.written.push((feed, vec![record])),
        }
    }
}

impl fmt::Debug for Replica {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Replica({:?})", self.chain)
    }
}
