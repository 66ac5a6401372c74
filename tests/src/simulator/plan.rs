//! What happens in a run: a list of actions drawn from the seed before it begins, so that a failing one can be made shorter
//! by leaving actions out. Each action carries its own random number, and means the same whatever came before it.

use std::fmt;

use super::symbols::Random;

/// A mistake that somebody could make in a driver. The simulator must find each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it, and `finds` says what notices")]
pub enum Plant {
    ReceiptBeforeCommit,
    ContinueRunAfterRestart,
    LastWriterByWallClock,
    NoTombstoneOnSnapshot,
    NoTombstoneOnKey,
    OldWrapKeyKept,
    KeyringInOrdinaryFeed,
    PruneByPuback,
    OldGroupKeyAfterExpulsion,
    UnverifiableInQuarantine,
    DatabaseSequence,
    WrapKeyDestroyedAtPublication,
    WithdrawalInBulk,
    AgeFromWallClock,
    NonceByAgent,
}

impl Plant {
    /// All of them, by the name on the command line and the properties that notice.
    pub const ALL: [(Plant, &'static str, &'static [u8]); 15] = [
        (Plant::ReceiptBeforeCommit, "receipt-before-commit", &[1]),
        (Plant::ContinueRunAfterRestart, "continue-run-after-restart", &[3]),
        (Plant::LastWriterByWallClock, "last-writer-by-wall-clock", &[4]),
        (Plant::NoTombstoneOnSnapshot, "no-tombstone-on-snapshot", &[5]),
        (Plant::NoTombstoneOnKey, "no-tombstone-on-key", &[5]),
        (Plant::OldWrapKeyKept, "old-wrap-key-kept", &[6]),
        (Plant::KeyringInOrdinaryFeed, "keyring-in-ordinary-feed", &[6]),
        (Plant::PruneByPuback, "prune-by-puback", &[7]),
        (Plant::OldGroupKeyAfterExpulsion, "old-group-key-after-expulsion", &[8]),
        (Plant::UnverifiableInQuarantine, "unverifiable-in-quarantine", &[9]),
        (Plant::DatabaseSequence, "database-sequence", &[10]),
        (Plant::WrapKeyDestroyedAtPublication, "wrap-key-destroyed-at-publication", &[12]),
        (Plant::WithdrawalInBulk, "withdrawal-in-bulk", &[13]),
        (Plant::AgeFromWallClock, "age-from-wall-clock", &[14]),
        (Plant::NonceByAgent, "nonce-by-agent", &[14]),
    ];
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "`Display` tells each of them")]
pub enum Deed {
    Deliver,
    Tick,
    EnrolAtRegistry,
    Change,
    Withdraw,
    Decide,
    EnrolAtKiosk,
    WithdrawAtKiosk,
    Bulk,
    Epoch,
    Snapshot,
    Expel,
    Poison,
    CrashBeforeCommit,
    CrashAfterCommit,
    Restart,
    Restore,
    ClockJump,
    TimePasses,
    Partition,
    Heal,
    Lose,
    Double,
    Forge,
    Replay,
}

/// One deed and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// What.
    pub deed: Deed,
    /// To whom, how much: read as random bits.
    pub salt: u64,
}

/// How often each deed comes, in parts of their sum.
const WEIGHTS: [(Deed, u64); 25] = [
    (Deed::Deliver, 60),
    (Deed::Tick, 30),
    (Deed::EnrolAtRegistry, 5),
    (Deed::Change, 4),
    (Deed::Withdraw, 3),
    (Deed::Decide, 8),
    (Deed::EnrolAtKiosk, 2),
    (Deed::WithdrawAtKiosk, 1),
    (Deed::Bulk, 1),
    (Deed::Epoch, 2),
    (Deed::Snapshot, 1),
    (Deed::Expel, 1),
    (Deed::Poison, 2),
    (Deed::CrashBeforeCommit, 6),
    (Deed::CrashAfterCommit, 3),
    (Deed::Restart, 3),
    (Deed::Restore, 1),
    (Deed::ClockJump, 2),
    (Deed::TimePasses, 4),
    (Deed::Partition, 2),
    (Deed::Heal, 2),
    (Deed::Lose, 3),
    (Deed::Double, 3),
    (Deed::Forge, 3),
    (Deed::Replay, 3),
];

/// Which one sort of store may be put back to an older state in a run. Of one record at most one holder is set back: with
/// kiosk, agent and registry all set back there would be nothing left to keep a promise with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restores {
    /// The vault and journal of kiosks.
    Kiosks,
    /// The agents' files.
    Agents,
    /// The registry's database, or its failover.
    Registry,
}

/// A run before it happens.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed of everything that is drawn on the way.
    pub seed: u64,
    /// How many kiosks.
    pub kiosks: usize,
    /// Which stores may be set back.
    pub restores: Restores,
    /// What happens before it is quiet.
    pub actions: Vec<Action>,
}

/// How many actions a run has at most.
const ACTIONS: usize = 160;

impl Plan {
    /// The run of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Plan {
        let mut random = Random(seed);
        let restores = [Restores::Kiosks, Restores::Agents, Restores::Registry][random.below(3)];
        let kiosks = 2 + random.below(2);
        let count = 40 + random.below(ACTIONS - 40);
        let sum: u64 = WEIGHTS.iter().map(|(_, weight)| weight).sum();
        let action = |_| {
            let mut place = random.draw() % sum;
            let found = WEIGHTS.iter().find(|(_, weight)| {
                let here = place < *weight;
                place = place.saturating_sub(*weight);
                here
            });
            Action { deed: found.expect("the place is within the sum").0, salt: random.draw() }
        };
        let actions = (0..count).map(action).collect();
        Plan { seed, kiosks, restores, actions }
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Deed::Deliver => "messages arrive, in any order",
            Deed::Tick => "somebody says what it has",
            Deed::EnrolAtRegistry => "the registry enrols a person",
            Deed::Change => "the registry changes a person",
            Deed::Withdraw => "a person withdraws at the registry",
            Deed::Decide => "a kiosk decides and drives the strike",
            Deed::EnrolAtKiosk => "a kiosk enrols a person",
            Deed::WithdrawAtKiosk => "a person withdraws at a kiosk",
            Deed::Bulk => "the registry writes much",
            Deed::Epoch => "the registry begins an epoch",
            Deed::Snapshot => "the registry writes a snapshot",
            Deed::Expel => "a kiosk is stolen and expelled",
            Deed::Poison => "an author writes what nobody can apply",
            Deed::CrashBeforeCommit => "somebody dies just before its next commit",
            Deed::CrashAfterCommit => "somebody dies just after its next commit",
            Deed::Restart => "somebody restarts",
            Deed::Restore => "a store is put back to an older state",
            Deed::ClockJump => "a wall clock jumps",
            Deed::TimePasses => "hours pass",
            Deed::Partition => "a link breaks",
            Deed::Heal => "all links are back",
            Deed::Lose => "a message is lost",
            Deed::Double => "a message is doubled",
            Deed::Forge => "an agent forges",
            Deed::Replay => "an agent sends old things again",
        })
    }
}
