//! What the store refuses, and what to do about it. Nothing was changed when one of these is returned, unless it says so.

use std::path::{Path, PathBuf};

use gate::{PersonId, RecordId, StaffId};
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::{Owner, key::KeyError};

/// Why the store did not do what it was asked.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no such directory.
    #[error("{}: there is no such data directory; check --data, or set one up with `kiosk init`", .0.display())]
    NoDirectory(PathBuf),
    /// The directory has never been set up.
    #[error("{}: holds no kiosk data yet; set it up with `kiosk init`", .0.display())]
    NotInitialised(PathBuf),
    /// Set-up would have to overwrite something.
    #[error("{}: is there already, so nothing was set up; choose an empty directory", .0.display())]
    AlreadyInitialised(PathBuf),
    /// Another process works on the directory.
    #[error("{}: another kiosk process is using this data directory; stop it, or give it the command", .0.display())]
    InUse(PathBuf),
    /// One of the parts is gone while another is there.
    #[error(
        "{}: is missing beside {}; put it back from where it was kept (only if set-up was interrupted and nobody was \
         enrolled, empty the directory and run `kiosk init` again)", missing.display(), beside.display()
    )]
    PartMissing {
        /// What is gone.
        missing: PathBuf,
        /// What is still there.
        beside: PathBuf,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key is sound, but belongs to another data file.
    #[error(
        "{}: is not the key that this data was sealed with ({} says so); put the right key back, the data is untouched",
        key.display(), check.display()
    )]
    WrongKey {
        /// The key that was used.
        key: PathBuf,
        /// The check value that it does not fit.
        check: PathBuf,
    },
    /// The key fits, the data does not read.
    #[error("{}: is damaged ({detail}); nothing was changed, keep it and restore a backup beside it", file.display())]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// What was seen.
        detail: String,
    },
    /// A file of some other program.
    #[error("{}: was not written by this program ({detail}); nothing was changed, check --data", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// How that was seen.
        detail: &'static str,
    },
    /// The file was written by a later version.
    #[error(
        "{}: has schema {found}, this program knows up to {known}; install the newer program, nothing was changed",
        file.display()
    )]
    NewerSchema {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The medium or the permissions forbid writing.
    #[error("{}: cannot be written; check owner, permissions and whether the medium is mounted read-only", .0.display())]
    ReadOnly(PathBuf),
    /// No space is left. What was acknowledged before is still there.
    #[error("{}: no space is left on this medium; free some, nothing was lost", .0.display())]
    DiskFull(PathBuf),
    /// A file operation failed.
    #[error("cannot {act} {}", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A statement failed.
    #[error("cannot {act} in {}", file.display())]
    Sql {
        /// What was tried.
        act: &'static str,
        /// In which file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// A record cannot be written or read.
    #[error("cannot {act}")]
    Ledger {
        /// What was tried.
        act: &'static str,
        /// Why not.
        #[source]
        source: ledger::Error,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Entropy(#[source] EntropyError),
    /// Nobody is enrolled under this id.
    #[error("{0}: nobody is enrolled under this id; `kiosk gallery list` shows who is")]
    UnknownPerson(PersonId),
    /// The person was erased, and an erased id is never used again.
    #[error("{0}: this person was erased; enrol them anew, under a new id, if they wish so")]
    Erased(PersonId),
    /// No household has this id.
    #[error("there is no such household (any more); enrol the household, or name another")]
    UnknownHousehold,
    /// Somebody else speaks for the household.
    #[error("{0}: speaks for this household already; change that registration first")]
    SecondRepresentative(PersonId),
    /// A household whose parts do not make one.
    #[error("cannot enrol a household: {0}")]
    UnusableHousehold(&'static str),
    /// A registration or an entitlement that has no meaning.
    #[error("cannot register: {0}")]
    UnusableRegistration(&'static str),
    /// Nobody has this entitlement.
    #[error("there is no such pass or book of coupons, or it was withdrawn before")]
    UnknownEntitlement,
    /// Nobody who works here has this id.
    #[error("nobody who works here has this id (any more); choose somebody from the list")]
    UnknownStaff,
    /// A member of the staff whose parts do not make one.
    #[error("cannot add to the staff: {0}")]
    UnusableStaff(&'static str),
    /// Digits that are no PIN.
    #[error("{0}")]
    UnusablePin(&'static str),
    /// Nobody would be left who may change anything.
    #[error("this is the last supervisor; add another one first")]
    LastSupervisor,
    /// Two people claim one card.
    #[error("this card or code belongs to {} already; ask both, and unbind it first if it is wrong there", name(.0))]
    CredentialTaken(Owner),
    /// What a card says of itself is nothing, or more than a card says.
    #[error("a card or code says 1 to 256 bytes of itself; read it again")]
    UnusableCredential,
    /// Another registry was pinned before.
    #[error(
        "this kiosk believes another registry, {0}; a device that changes its registry is set up anew with `kiosk init`"
    )]
    OtherRegistry(ledger::AuthorId),
    /// No registry was pinned yet.
    #[error(
        "this kiosk knows no registry; name its voucher, `kiosk registry trust --voucher FILE --control FILE`"
    )]
    NoRegistry,
    /// This device belongs to another facility.
    #[error("this kiosk belongs to another facility; a device that moves is set up anew with `kiosk init`")]
    OtherFacility,
    /// This device belongs to no facility of a registry.
    #[error("this kiosk has joined no registry; `kiosk registry join --voucher FILE` asks to")]
    NotAMember,
    /// A page came that does not follow what is held of its run.
    #[error("a page of run {0} does not follow what is held; begin the replica anew from the store")]
    NotFollowing(ledger::RunId),
    /// A receipt by somebody else, or for somebody else.
    #[error("the receipt is not the registry's for this kiosk; nothing was taken from it")]
    ForeignReceipt,
    /// The facility's file is longer than rules are.
    #[error("a facility's file has at most 256 KiB; shorten it")]
    FacilityTooLong,
    /// What the record said was taken away by retention.
    #[error("{0}: was emptied by retention; its place in the log is still proved")]
    Emptied(RecordId),
    /// Nothing may be taken away by such a clock.
    #[error("nothing is taken away by this clock: {0}; set the clock and let it be synchronised")]
    ClockNotPlausible(&'static str),
    /// A reason that is none.
    #[error("{0}")]
    UnusableReason(&'static str),
    /// No visit has this record.
    #[error("{0}: is the record of no visit here; `kiosk report` lists them")]
    NoSuchVisit(RecordId),
    /// The visit was corrected before.
    #[error("this visit was corrected already; correct that correction, {0}")]
    AlreadyCorrected(RecordId),
    /// The visit cannot be corrected (now).
    #[error("cannot correct this visit: {0}")]
    CannotCorrect(&'static str),
    /// There is no consent text of this version.
    #[error("there is no consent text of version {0:?}; add the text before anybody agrees to it")]
    UnknownConsentText(String),
    /// The text of a version to which people agreed would be another.
    #[error(
        "version {0:?} of the consent text was agreed to as it stands; give the changed text a new version"
    )]
    ConsentTextChanged(String),
    /// A consent text that has no meaning.
    #[error("cannot keep this consent text: {0}")]
    UnusableConsentText(&'static str),
    /// This enrolment was revoked before.
    #[error("{0}: this enrolment is revoked already")]
    AlreadyRevoked(PersonId),
    /// Only a revoked enrolment can be reinstated.
    #[error("{0}: this enrolment still counts, so there is nothing to reinstate; revoke it first")]
    NotRevoked(PersonId),
    /// This enrolment was reinstated before, under another id.
    #[error("{person}: was reinstated before, as {as_person}")]
    AlreadyReinstated {
        /// The old id.
        person: PersonId,
        /// The new one.
        as_person: PersonId,
    },
    /// An enrolment whose parts do not make one.
    #[error("cannot enrol: {0}")]
    UnusableEnrolment(&'static str),
    /// A release was reported for a record that waits for none.
    #[error("{0}: is no grant that waits for its release; it is answered for already, or never was a grant")]
    GrantNotOpen(RecordId),
}

/// An owner, as staff can look them up.
fn name(owner: &Owner) -> String {
    match owner {
        Owner::Person(person) => person.to_string(),
        Owner::Staff(StaffId(id)) => {
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("the member of the staff {id}")
        }
    }
}

/// The source of random numbers failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct EntropyError(pub String);

impl StoreError {
    /// Gives a failed statement the name that a caller can act on.
    pub(crate) fn sql(act: &'static str, file: &Path, source: rusqlite::Error) -> Self {
        let file = file.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(file),
            Some(ErrorCode::ReadOnly) => Self::ReadOnly(file),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::InUse(file),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { file, detail: source.to_string() }
            }
            Some(_) | None => Self::Sql { act, file, source },
        }
    }

    pub(crate) fn io(act: &'static str, path: &Path, source: std::io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == std::io::ErrorKind::StorageFull {
            return Self::DiskFull(path);
        }
        if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem {
            return Self::ReadOnly(path);
        }
        Self::Io { act, path, source }
    }

    pub(crate) fn ledger(act: &'static str) -> impl FnOnce(ledger::Error) -> Self {
        move |source| Self::Ledger { act, source }
    }
}
