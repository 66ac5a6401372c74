//! Cards and codes as claims: whose is the one that was presented?
//!
//! Kept is only HMAC-SHA256 under the site's key over the kind and what the card says of itself; so the vault of one site
//! tells nothing about a card seen at another. One card is one person's or one member of the staff's. A second one who
//! claims it is refused, and the record of that names both.

use gate::{CredentialKind, Now, PersonId, RecordId, StaffId, Standing};
use hmac::{Hmac, KeyInit, Mac};
use ledger::Value;
use rusqlite::{OptionalExtension, Row, params};
use sha2::Sha256;

use crate::{
    By, Store, StoreError, bodies,
    feeds::Batch,
    staff, vault,
    words::{Word, read_word},
};

/// Bytes of what a card says of itself. A certificate's digest has 32, a card's number fewer.
const LENGTHS: std::ops::RangeInclusive<usize> = 1..=256;

/// Whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// Somebody who is enrolled.
    Person(PersonId),
    /// Somebody who works here.
    Staff(StaffId),
}

impl Store {
    /// Binds a card or code to its owner. Returns the record, or none if it is bound to that very owner already.
    ///
    /// # Errors
    /// [`StoreError::CredentialTaken`] if it is somebody else's, which is recorded; [`StoreError::UnknownPerson`],
    /// [`StoreError::Erased`], [`StoreError::AlreadyRevoked`], [`StoreError::UnknownStaff`],
    /// [`StoreError::UnusableCredential`]; or the write failed.
    pub fn bind_credential(
        &mut self,
        now: Now,
        owner: Owner,
        kind: CredentialKind,
        identifier: &[u8],
        by: By,
    ) -> Result<Option<RecordId>, StoreError> {
        let digest = self.digest(kind, identifier)?;
        let bound = self.write_or_not(now, |batch| {
            let (person, member) = active(batch, owner)?;
            match owner_of(batch, &digest)? {
                Some(other) if other == owner => Ok((Ok(None), false)),
                Some(other) => {
                    refuse(batch, owner, other, kind, by)?;
                    Ok((Err(StoreError::CredentialTaken(other)), true))
                }
                None => {
                    let sql = "INSERT INTO credentials (digest, kind, person, staff) VALUES (?1, ?2, ?3, ?4)";
                    batch.execute(sql, params![digest, kind.word(), person, member])?;
                    Ok((Ok(Some(say(batch, "CredentialBound", owner, kind, by)?)), true))
                }
            }
        });
        bound?
    }

    /// Takes a card or code from its owner, who is returned; none if it is nobody's.
    ///
    /// # Errors
    /// [`StoreError::UnusableCredential`]; or the write failed.
    pub fn unbind_credential(
        &mut self,
        now: Now,
        kind: CredentialKind,
        identifier: &[u8],
        by: By,
    ) -> Result<Option<Owner>, StoreError> {
        let digest = self.digest(kind, identifier)?;
        self.write_or_not(now, |batch| {
            let Some(owner) = owner_of(batch, &digest)? else { return Ok((None, false)) };
            batch.execute("DELETE FROM credentials WHERE digest = ?1", [digest])?;
            say(batch, "CredentialUnbound", owner, kind, by)?;
            Ok((Some(owner), true))
        })
    }

    /// Takes all cards or codes of a kind from their owner, who has lost them perhaps. Returns how many there were.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnknownStaff`]; or the write failed.
    pub fn unbind_credentials_of(
        &mut self,
        now: Now,
        owner: Owner,
        kind: CredentialKind,
        by: By,
    ) -> Result<usize, StoreError> {
        self.write_or_not(now, |batch| {
            let (person, member) = rows_of(batch, owner)?;
            let sql = "DELETE FROM credentials WHERE kind = ?1 AND (person = ?2 OR staff = ?3)";
            let count = batch.execute(sql, params![kind.word(), person, member])?;
            if count > 0 {
                say(batch, "CredentialUnbound", owner, kind, by)?;
            }
            Ok((count, count > 0))
        })
    }

    /// Whose it is. A person may be revoked by now: the claim is theirs all the same, and the rules refuse it.
    ///
    /// # Errors
    /// [`StoreError::UnusableCredential`]; or the data file cannot be read.
    pub fn lookup(&self, kind: CredentialKind, identifier: &[u8]) -> Result<Option<Owner>, StoreError> {
        let digest = self.digest(kind, identifier)?;
        let found =
            self.connection.prepare_cached(OWNER).and_then(|mut it| it.query_row([digest], owner).optional());
        found.map_err(|source| StoreError::sql("look a card up", &self.file, source))
    }

    /// The kinds of the cards and codes that somebody has, one for each.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn credentials_of(&self, owner: Owner) -> Result<Vec<CredentialKind>, StoreError> {
        let (person, member) = match owner {
            Owner::Person(person) => (Some(person.0), None),
            Owner::Staff(staff) => (None, Some(staff.0)),
        };
        let sql = "SELECT kind FROM credentials LEFT JOIN people ON people.number = credentials.person
                   LEFT JOIN staff ON staff.number = credentials.staff
                   WHERE people.person = ?1 OR staff.staff = ?2 ORDER BY kind";
        self.rows_of(sql, (person, member), |row| read_word(row, 0))
    }

    fn digest(&self, kind: CredentialKind, identifier: &[u8]) -> Result<[u8; 32], StoreError> {
        if !LENGTHS.contains(&identifier.len()) {
            return Err(StoreError::UnusableCredential);
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&*self.keys.site)
            .expect("a key of HMAC has any length");
        // No word of a kind holds a zero, so no kind with its identifier reads as another.
        for part in [kind.word().as_bytes(), &[0], identifier] {
            mac.update(part);
        }
        Ok(mac.finalize().into_bytes().into())
    }
}

const OWNER: &str = "SELECT people.person, staff.staff FROM credentials
    LEFT JOIN people ON people.number = credentials.person
    LEFT JOIN staff ON staff.number = credentials.staff WHERE digest = ?1";

fn owner(row: &Row<'_>) -> rusqlite::Result<Owner> {
    Ok(match row.get::<_, Option<[u8; 16]>>(0)? {
        Some(person) => Owner::Person(PersonId(person)),
        None => Owner::Staff(StaffId(row.get(1)?)),
    })
}

fn owner_of(batch: &Batch<'_>, digest: &[u8; 32]) -> Result<Option<Owner>, StoreError> {
    batch.first(OWNER, [digest], owner)
}

/// The row of the owner, in `people` or in `staff`.
fn rows_of(batch: &Batch<'_>, owner: Owner) -> Result<(Option<i64>, Option<i64>), StoreError> {
    Ok(match owner {
        Owner::Person(person) => (Some(vault::find(batch, person)?.number), None),
        Owner::Staff(staff) => (None, Some(staff::find(batch, staff)?.number)),
    })
}

/// As [`rows_of`], for somebody to whom something may be given.
fn active(batch: &Batch<'_>, owner: Owner) -> Result<(Option<i64>, Option<i64>), StoreError> {
    if let Owner::Person(person) = owner
        && vault::find(batch, person)?.standing == Standing::Revoked
    {
        return Err(StoreError::AlreadyRevoked(person));
    }
    rows_of(batch, owner)
}

/// Two people claim one card: both are named.
fn refuse(
    batch: &mut Batch<'_>,
    owner: Owner,
    other: Owner,
    kind: CredentialKind,
    by: By,
) -> Result<(), StoreError> {
    let fields = vec![
        ("owner", of(owner)),
        ("other", of(other)),
        ("credential", Value::text(kind.word())),
        ("by", bodies::staff(by)),
    ];
    let record = batch.append("CredentialRefused", fields, None)?;
    [owner, other].into_iter().try_for_each(|one| mention(batch, one, record))
}

fn say(
    batch: &mut Batch<'_>,
    what: &str,
    owner: Owner,
    kind: CredentialKind,
    by: By,
) -> Result<RecordId, StoreError> {
    let fields =
        vec![("owner", of(owner)), ("credential", Value::text(kind.word())), ("by", bodies::staff(by))];
    let record = batch.append(what, fields, None)?;
    mention(batch, owner, record)?;
    Ok(record)
}

fn mention(batch: &Batch<'_>, owner: Owner, record: RecordId) -> Result<(), StoreError> {
    match owner {
        Owner::Person(person) => batch.mention(vault::find(batch, person)?.number, record),
        Owner::Staff(_) => Ok(()),
    }
}

fn of(owner: Owner) -> Value {
    let (word, id) = match owner {
        Owner::Person(person) => ("person", person.0),
        Owner::Staff(staff) => ("staff", staff.0),
    };
    Value::Array(vec![Value::text(word), Value::bytes(id)])
}
