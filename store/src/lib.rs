//! The kiosk's one file: what it has said (feeds) and what it knows (vault), in one SQLCipher database, so that both change
//! in one transaction or not at all.
//!
//! The story in reading order: `key` (what opens the file), `files` (the data directory, and every reason to refuse it),
//! `schema` (the tables, as prose), `feeds` (runs and the door's log: a record is durable before anybody hears of it),
//! `bodies` (what each kind of record says), `vault` (people and the gallery), `enrolment`, `households` and `registration`
//! (how people and what is known of them come in), `roster` (what the rules need of it), `consent` (what people agreed to),
//! `staff`, `pin` and `lockout` (who works here, and signing in), `credentials` (whose a card is), `control` (which issuers of
//! codes the registry vouches for), `codes` (which were used),
//! `facility` (the rules' text), `accesses`, `person_file` and `erase` (what is held about a person, who looked, and the end
//! of it), `retention` (how long anything is kept),
//! `visits`, `corrections` and `figures` (what the records of the door come to), `verify` and `walk` (what an auditor can prove, and what
//! is named when something is wrong), `export` (the log as a file, and its verification without the vault).
//!
//! A process that writes opens a new run at its first record and never takes up an old one; so whatever was restored or
//! lost, no number is given twice.

mod accesses;
mod bodies;
mod codes;
mod consent;
mod control;
mod corrections;
mod credentials;
mod enrolment;
mod entropy;
mod erase;
mod error;
mod export;
mod facility;
mod feeds;
mod figures;
mod files;
mod households;
mod key;
mod lockout;
mod opener;
mod pens;
mod person_file;
mod pin;
mod registration;
mod replica;
mod retention;
mod roster;
mod schema;
mod staff;
mod vault;
mod verify;
mod visits;
mod walk;
mod words;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use ledger::{AuthorId, AuthorKey, GroupId, GroupKey, KeyId};
use rusqlite::{Connection, Transaction};
use zeroize::Zeroizing;

pub use accesses::{Access, AccessKind};
pub use codes::Codes;
pub use consent::{Consent, ConsentGiven, ConsentLanguage, ConsentText, GivenBy};
pub use control::{ControlImport, Registry};
pub use corrections::{CorrectionWhy, MAX_PARTY};
pub use credentials::Owner;
pub use enrolment::{Enrolment, MAX_NAME};
pub use entropy::{Entropy, EntropyError, SystemEntropy};
pub use erase::ErasedPeople;
pub use error::StoreError;
pub use export::{read_head, verify_export};
pub use facility::{FacilityFile, MAX_FACILITY};
pub use figures::{Counts, EntrantRow, VisitOutcome, VisitRow};
#[doc(hidden)]
pub use files::Synchronous;
pub use households::{EnrolledHousehold, MAX_MEMBERS, NewHousehold};
pub use key::{FileKey, KeyError, KeyPort, VaultKey};
pub use person_file::{PersonFile, PersonRecord, PersonVisit};
pub use records::{MAX_REFERENCES, NewEntitlement, NewRegistration};
pub use replica::{Kept, Membership, Reader};
pub use retention::{MAX_EMPTIED, Retained, Retention};
pub use staff::{By, Role, SignIn, StaffMember};
pub use vault::Person;
pub use verify::{AuditError, Report};
pub use visits::DoorState;
pub use walk::{Finding, What};

use opener::Opener;
use pens::Pens;
use replica::{Joined, Talk};

/// The epoch of the key that a device makes for itself; a registry's epochs begin at 1.
const OWN_EPOCH: u32 = 0;

/// The words of the notice, as set-up is told them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The place, for exports and reports.
    pub facility: String,
    /// Who is responsible for the personal data.
    pub operator: Words,
    /// What face recognition is used for here.
    pub purpose: Words,
    /// Whom to ask.
    pub contact: Words,
}

/// A part of the notice in the languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// 日本語.
    pub japanese: String,
    /// English.
    pub english: String,
}

/// What set-up was told, and the device's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The words of the notice.
    pub notice: Init,
    /// The device: the public half of the key that signs its records.
    pub device: AuthorId,
}

/// What a process brings along when it opens the store.
pub struct OpenOptions {
    boot: [u8; 16],
    entropy: Box<dyn Entropy>,
    medium: files::Medium,
}

impl OpenOptions {
    /// `boot` names this boot of the machine in the records' clocks (on Linux: the kernel's boot id).
    #[must_use]
    pub fn new(boot: [u8; 16]) -> Self {
        Self { boot, entropy: Box::new(SystemEntropy), medium: files::Medium::default() }
    }

    /// Takes random bytes from `entropy`, for simulations that are repeated by seed.
    #[must_use]
    pub fn entropy(self, entropy: Box<dyn Entropy>) -> Self {
        Self { entropy, ..self }
    }

    /// Reaches the data file through a VFS registered with SQLite under this name.
    #[must_use]
    pub fn vfs(mut self, name: &str) -> Self {
        self.medium.vfs = Some(name.to_owned());
        self
    }

    /// Only for the test that shows that anything but `Full` loses records.
    #[doc(hidden)]
    #[must_use]
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.medium.synchronous = synchronous;
        self
    }

    /// Only for tests: moves the write-ahead log into the data file after this many pages.
    #[doc(hidden)]
    #[must_use]
    pub fn checkpoint_pages(mut self, pages: u32) -> Self {
        self.medium.checkpoint_pages = pages;
        self
    }
}

/// The open data directory of one kiosk. Whoever has it is the only process that does.
pub struct Store {
    file: PathBuf,
    connection: Connection,
    keys: Keys,
    pens: Pens,
    joined: Joined,
    talk: Talk,
    reach: files::Reach,
    boot: [u8; 16],
    offset_minutes: i32,
    entropy: Box<dyn Entropy>,
    /// The last field, so that the data file is closed before the lock is given back.
    _lock: files::Lock,
}

/// The device's own keys.
struct Keys {
    author: AuthorKey,
    author_key: KeyId,
    group: GroupId,
    epoch: u32,
    group_key: GroupKey,
    /// Under which credentials are digested.
    site: Zeroizing<[u8; 32]>,
}

impl Store {
    /// Sets up a data directory: the only act that creates one. A missing directory is made, for its owner alone.
    ///
    /// # Errors
    /// [`StoreError::AlreadyInitialised`] if any part is there already; then, as on every refusal, nothing was changed.
    pub fn init(directory: &Path, key: &dyn KeyPort, init: &Init) -> Result<(), StoreError> {
        files::init(directory, key, |transaction| {
            let file = files::Layout::of(directory).data;
            let failed = |source| StoreError::sql("write the settings", &file, source);
            let notice = [
                ("facility", &init.facility),
                ("operator", &init.operator.japanese),
                ("operator_en", &init.operator.english),
                ("purpose", &init.purpose.japanese),
                ("purpose_en", &init.purpose.english),
                ("contact", &init.contact.japanese),
                ("contact_en", &init.contact.english),
            ];
            for (name, value) in notice {
                let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2)";
                transaction.execute(sql, (name, value)).map_err(failed)?;
            }
            ["author", "group", "site"].into_iter().try_for_each(|name| make_key(transaction, name))
        })
    }

    /// Opens a data directory for this process alone. Creates nothing; brings an older schema up to date.
    ///
    /// # Errors
    /// One variant for each reason, see [`StoreError`]; all files are then as they were.
    pub fn open(directory: &Path, key: &dyn KeyPort, options: OpenOptions) -> Result<Self, StoreError> {
        let (mut connection, reach, lock) = files::open(directory, key, &options.medium)?;
        let file = files::Layout::of(directory).data;
        make_missing_site_key(&mut connection, &file)?;
        let keys = Keys::read(&connection, &file)?;
        let OpenOptions { boot, entropy, .. } = options;
        let offset_minutes = gate::facility::JAPAN_OFFSET_MINUTES;
        let (pens, talk) = (Pens::default(), Talk::default());
        let joined = Joined::Lost;
        let mut store = Self {
            file,
            connection,
            keys,
            pens,
            joined,
            talk,
            reach,
            boot,
            offset_minutes,
            entropy,
            _lock: lock,
        };
        store.mend()?;
        Ok(store)
    }

    /// Which local time visits are written down in, in minutes east of UTC; Japan's unless this is called. What has been
    /// written stays as it is.
    pub fn set_offset_minutes(&mut self, minutes: i32) {
        self.offset_minutes = minutes;
    }

    /// The words of the notice, and the device's name.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn settings(&self) -> Result<Settings, StoreError> {
        let value = |name: &str| {
            let sql = "SELECT value FROM settings WHERE name = ?1";
            self.connection
                .query_row(sql, [name], |row| row.get::<_, String>(0))
                .map_err(|source| StoreError::sql("read the settings", &self.file, source))
        };
        let words = |japanese, english| {
            Ok::<_, StoreError>(Words { japanese: value(japanese)?, english: value(english)? })
        };
        let notice = Init {
            facility: value("facility")?,
            operator: words("operator", "operator_en")?,
            purpose: words("purpose", "purpose_en")?,
            contact: words("contact", "contact_en")?,
        };
        Ok(Settings { notice, device: self.keys.author.id() })
    }

    /// Writes and syncs a page, for instance to learn whether a full disk has space again. Says nothing new.
    ///
    /// # Errors
    /// It is still not possible to write, and why.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        // A new value each time: SQLite does not write a page that stays the same.
        let sql = "INSERT INTO settings (name, value) VALUES ('trial', hex(randomblob(8)))
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        let written = self.connection.execute(sql, []);
        written.map(|_| ()).map_err(|source| StoreError::sql("write", &self.file, source))
    }
}

impl Keys {
    fn read(connection: &Connection, file: &Path) -> Result<Self, StoreError> {
        let key = |name: &str| {
            let sql = "SELECT id, epoch, secret FROM keys WHERE name = ?1";
            let read = connection.query_row(sql, [name], |row| {
                let secret = Zeroizing::new(row.get::<_, [u8; 32]>(2)?);
                Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, u32>(1)?, secret))
            });
            read.map_err(|source| StoreError::sql("read the device's keys", file, source))
        };
        let (author_key, _, author) = key("author")?;
        let (group, epoch, group_key) = key("group")?;
        let (_, _, site) = key("site")?;
        Ok(Self {
            author: AuthorKey::from_bytes(*author),
            author_key: KeyId(author_key),
            group: GroupId(group),
            epoch,
            group_key: GroupKey::from_bytes(*group_key),
            site,
        })
    }
}

fn make_key(transaction: &Transaction<'_>, name: &str) -> Result<(), StoreError> {
    let (mut id, mut secret) = ([0; 16], Zeroizing::new([0; 32]));
    SystemEntropy
        .fill(&mut id)
        .and_then(|()| SystemEntropy.fill(&mut *secret))
        .map_err(StoreError::Entropy)?;
    let sql = "INSERT INTO keys (name, id, epoch, secret) VALUES (?1, ?2, ?3, ?4)";
    let made = transaction.execute(sql, (name, id, OWN_EPOCH, &secret[..]));
    made.map(|_| ())
        .map_err(|source| StoreError::sql("make the device's keys", Path::new("genkan.db"), source))
}

/// A data file that was set up before there were credentials has no key for them.
fn make_missing_site_key(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::sql("make the site's key", file, source);
    let sql = "SELECT count(*) FROM keys WHERE name = 'site'";
    if connection.query_row(sql, [], |row| row.get::<_, u32>(0)).map_err(failed)? > 0 {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(failed)?;
    make_key(&transaction, "site")?;
    transaction.commit().map_err(failed)
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Store({}, device {})", self.file.display(), self.keys.author.id())
    }
}

impl fmt::Debug for OpenOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "OpenOptions({:?})", self.medium)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_open_store_waits_for_the_medium_and_overwrites_what_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let key = FileKey::beside(directory.path());
        let words = || Words { japanese: "x".to_owned(), english: "x".to_owned() };
        let init = Init { facility: "x".to_owned(), operator: words(), purpose: words(), contact: words() };
        Store::init(directory.path(), &key, &init).unwrap();
        let store = Store::open(directory.path(), &key, OpenOptions::new([0; 16])).unwrap();
        let is = |name: &str, expected: i64| {
            let found = store.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(found, expected, "{name}");
        };
        is("synchronous", 2);
        is("secure_delete", 1);
        is("foreign_keys", 1);
        is("trusted_schema", 0);
        is("temp_store", 2);
        let text = |name: &str| {
            store.connection.pragma_query_value(None, name, |row| row.get::<_, String>(0)).unwrap()
        };
        assert_eq!((text("journal_mode").as_str(), text("locking_mode").as_str()), ("wal", "exclusive"));
        assert!(text("cipher_version").starts_with('4'));
    }

    #[test]
    fn a_store_can_be_handed_to_the_thread_of_the_gate() {
        fn is_send<T: Send>() {}
        is_send::<Store>();
    }
}
