//! What the registry's control feed says of codes, and what that comes to: issuers' keys, and whom they no longer count for.
//!
//! Three kinds of plain records (group null):
//! ```text
//! IssuerAdded    {version, key: bytes (written form), issuer: text}
//! IssuerRevoked  {version, kid: bytes (8)}
//! Denylist       {version, stated_s, denied: [bytes (16)..]}      adds to what was denied; empty: it still holds
//! ```
//! The state is a join over the *set* of records: in whatever order and however often they come, it is the same. Revoked
//! and denied absorb, for nobody gets an old key or an old handle back; versions are maxima, so they never fall.

use std::collections::{BTreeMap, BTreeSet};

use gate::Monotonic;
use ledger::{Body, Leaf, Record, Value};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Cti, Kid, PublicKey, SignedTime, Subject, claims::MAX_NAME};

/// How far the clock of a registry may be off, in seconds.
const SIGNED_WITHIN_S: u32 = 60;
/// Entries of one Denylist record, so that it fits: a record has at most 64 KiB.
pub const MAX_DENIED_IN_RECORD: usize = 3_000;
/// Issuers' keys that are kept.
pub const MAX_ISSUERS: usize = 1_024;
/// Entries of the denylist that are kept: 16 MB of memory at most.
pub const MAX_DENIED: usize = 200_000;

/// An entry of the denylist: a digest, so that whoever carries the feed learns no handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Denial(pub [u8; 16]);

impl Denial {
    /// Everything that this issuer says of this subject.
    #[must_use]
    pub fn of_subject(issuer: &str, subject: &Subject) -> Self {
        Self::of("subject", issuer, subject.expose())
    }

    /// One credential of this issuer.
    #[must_use]
    pub fn of_credential(issuer: &str, cti: &Cti) -> Self {
        Self::of("credential", issuer, cti.expose())
    }

    fn of(what: &str, issuer: &str, name: &[u8]) -> Self {
        let mut digest = Sha256::new();
        for part in [b"genkan denied 1", what.as_bytes(), issuer.as_bytes(), name] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        Self(std::array::from_fn(|i| digest[i]))
    }
}

/// What one record of the control feed says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// This key signs for this issuer.
    IssuerAdded {
        /// Counts up in the control feed.
        version: u64,
        /// The key.
        key: PublicKey,
        /// Whose it is.
        issuer: String,
    },
    /// This key signs no longer.
    IssuerRevoked {
        /// Counts up in the control feed.
        version: u64,
        /// The key's name.
        kid: Kid,
    },
    /// These are denied from now on, and all that were before still are.
    Denylist {
        /// Counts up in the control feed.
        version: u64,
        /// When the registry said so, in seconds since 1970.
        stated_s: i64,
        /// What is denied.
        denied: Vec<Denial>,
    },
}

/// Why an authentic record changes nothing. It is kept, and asked again by a later version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unappliable {
    /// Its body does not read, or is sealed.
    #[error("its body is sealed or does not read")]
    Unreadable,
    /// A kind that this version does not know.
    #[error("it is of a kind that this version does not know; install a newer program")]
    UnknownKind,
    /// A field is missing or not of its form.
    #[error("a field is missing or not of its form; the registry must state it anew")]
    Malformed,
    /// More keys or denials than are kept.
    #[error("there are more keys or denials than are kept; the registry must retire old ones")]
    TooMany,
}

impl Unappliable {
    /// Its constant name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::UnknownKind => "unknown-kind",
            Self::Malformed => "malformed",
            Self::TooMany => "too-many",
        }
    }
}

impl Statement {
    /// Kind and fields of its body.
    #[must_use]
    pub fn to_fields(&self) -> (&'static str, Vec<(String, Value)>) {
        let number = |version: u64| Value::Int(version.try_into().unwrap_or(i64::MAX));
        let (kind, fields) = match self {
            Self::IssuerAdded { version, key, issuer } => (
                "IssuerAdded",
                vec![
                    ("version", number(*version)),
                    ("key", Value::bytes(key.to_bytes())),
                    ("issuer", Value::text(issuer)),
                ],
            ),
            Self::IssuerRevoked { version, kid } => {
                ("IssuerRevoked", vec![("version", number(*version)), ("kid", Value::bytes(kid.0))])
            }
            Self::Denylist { version, stated_s, denied } => {
                let denied = denied.iter().map(|denial| Value::bytes(denial.0)).collect();
                let fields = vec![
                    ("version", number(*version)),
                    ("stated_s", Value::Int(*stated_s)),
                    ("denied", Value::Array(denied)),
                ];
                ("Denylist", fields)
            }
        };
        (kind, fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`Unappliable::UnknownKind`], [`Unappliable::Malformed`].
    pub fn read(body: &Body) -> Result<Self, Unappliable> {
        let read = match body.kind.as_str() {
            "IssuerAdded" => read_added(body),
            "IssuerRevoked" => read_revoked(body),
            "Denylist" => read_denylist(body),
            _ => return Err(Unappliable::UnknownKind),
        };
        read.ok_or(Unappliable::Malformed)
    }
}

fn version(body: &Body) -> Option<u64> {
    body.get("version")?.as_int()?.try_into().ok()
}

fn read_added(body: &Body) -> Option<Statement> {
    let issuer =
        body.get("issuer")?.as_text().filter(|name| (1..=MAX_NAME).contains(&name.len()))?.to_owned();
    let key = PublicKey::from_bytes(body.get("key")?.as_bytes()?)?;
    Some(Statement::IssuerAdded { version: version(body)?, key, issuer })
}

fn read_revoked(body: &Body) -> Option<Statement> {
    Some(Statement::IssuerRevoked { version: version(body)?, kid: Kid(body.get("kid")?.as_array_of()?) })
}

fn read_denylist(body: &Body) -> Option<Statement> {
    let denied = body.get("denied")?.as_array().filter(|denied| denied.len() <= MAX_DENIED_IN_RECORD)?;
    Some(Statement::Denylist {
        version: version(body)?,
        stated_s: body.get("stated_s")?.as_int().filter(|seconds| (0..=253_402_300_799).contains(seconds))?,
        denied: denied.iter().map(|one| one.as_array_of().map(Denial)).collect::<Option<_>>()?,
    })
}

/// An issuer's key as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Whose it is.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// Since which statement: the greater one counts, a tie is broken by the record's leaf.
    since: (u64, Leaf),
}

impl Issuer {
    /// The version of the statement that counts.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.since.0
    }
}

/// What the statements come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    issuers: BTreeMap<Kid, Issuer>,
    revoked: BTreeSet<Kid>,
    denied: BTreeSet<Denial>,
    denylist: Option<(u64, i64)>,
    version: u64,
    signed_s: Option<i64>,
}

impl Trust {
    /// Takes in a record that was proved to be the registry's.
    ///
    /// # Errors
    /// [`Unappliable`]; then nothing has changed.
    pub fn apply(&mut self, record: &Record) -> Result<(), Unappliable> {
        if record.header.group.is_some() {
            return Err(Unappliable::Unreadable);
        }
        let body = record.open_body(None).map_err(|_| Unappliable::Unreadable)?;
        self.state(&Statement::read(&body)?, record.leaf)
    }

    fn state(&mut self, statement: &Statement, leaf: Leaf) -> Result<(), Unappliable> {
        let version = match statement {
            Statement::IssuerAdded { version, key, issuer } => {
                self.add(*version, key, issuer, leaf)?;
                *version
            }
            Statement::IssuerRevoked { version, kid } => {
                room(self.revoked.len(), MAX_ISSUERS, self.revoked.contains(kid))?;
                self.revoked.insert(*kid);
                *version
            }
            Statement::Denylist { version, stated_s, denied } => {
                let new = denied.iter().filter(|one| !self.denied.contains(one)).count();
                room(self.denied.len() + new, MAX_DENIED + 1, false)?;
                self.denied.extend(denied);
                self.denylist = self.denylist.max(Some((*version, *stated_s)));
                self.signed_s = self.signed_s.max(Some(*stated_s));
                *version
            }
        };
        self.version = self.version.max(version);
        Ok(())
    }

    fn add(&mut self, version: u64, key: &PublicKey, name: &str, leaf: Leaf) -> Result<(), Unappliable> {
        let kid = key.kid();
        let since = (version, leaf);
        room(self.issuers.len(), MAX_ISSUERS, self.issuers.contains_key(&kid))?;
        if self.issuers.get(&kid).is_none_or(|known| known.since < since) {
            self.issuers.insert(kid, Issuer { name: name.to_owned(), key: key.clone(), since });
        }
        Ok(())
    }

    /// The issuer's key of this name, revoked or not.
    #[must_use]
    pub fn issuer(&self, kid: Kid) -> Option<&Issuer> {
        self.issuers.get(&kid)
    }

    /// All issuers' keys, revoked or not.
    pub fn issuers(&self) -> impl Iterator<Item = (Kid, &Issuer)> {
        self.issuers.iter().map(|(kid, issuer)| (*kid, issuer))
    }

    /// Whether the key of this name was revoked.
    #[must_use]
    pub fn is_revoked(&self, kid: Kid) -> bool {
        self.revoked.contains(&kid)
    }

    /// Whether the denylist names this.
    #[must_use]
    pub fn is_denied(&self, denial: Denial) -> bool {
        self.denied.contains(&denial)
    }

    /// How many entries the denylist has.
    #[must_use]
    pub fn denied(&self) -> usize {
        self.denied.len()
    }

    /// Version of the newest denylist and when it was stated, in seconds since 1970; none if there never was one.
    #[must_use]
    pub fn denylist(&self) -> Option<(u64, i64)> {
        self.denylist
    }

    /// The greatest version of any statement.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The latest time that the registry signed in a statement: it is not earlier than this.
    #[must_use]
    pub fn signed_time(&self) -> Option<SignedTime> {
        let signed = |unix_s| SignedTime {
            unix_s,
            uncertainty_s: SIGNED_WITHIN_S,
            heard: Monotonic::default(),
            asked: None,
        };
        self.signed_s.map(signed)
    }
}

fn room(held: usize, limit: usize, known: bool) -> Result<(), Unappliable> {
    if known || held < limit { Ok(()) } else { Err(Unappliable::TooMany) }
}
