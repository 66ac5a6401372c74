//! Who works here, and how they sign in at the kiosk.
//!
//! A try is counted before anybody hears whether it was right: count, lock and record are one transaction, and the answer
//! comes after the medium has it. So a power cut gives no further try.

use std::{fmt, time::Duration};

use gate::{CredentialKind, Now, RecordId, StaffId};
use ledger::Value;
use rusqlite::{Row, params};

use crate::{
    Store, StoreError, bodies,
    enrolment::is_name,
    feeds::{Batch, clock},
    lockout::{Lock, Tries},
    pin::{self, Cost},
    words::{Word, read_word},
};

/// Who did something: a member of the staff, or whoever has the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// The command line of the machine.
    #[default]
    Console,
    /// A member of the staff, signed in.
    Staff(StaffId),
}

/// What a member of the staff may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Receives visitors and enrols people.
    Reception,
    /// Also erases, sets PINs, changes rules.
    Supervisor,
}

/// A member of the staff.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffMember {
    /// The id in records.
    pub id: StaffId,
    /// The name on the list.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Works here no longer; kept so that records can be named.
    pub removed: bool,
}

/// The answer to a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SignIn {
    /// It was right.
    Ok {
        /// What they may do.
        role: Role,
    },
    /// It was wrong.
    Wrong {
        /// Tries before the next lock.
        left: u32,
    },
    /// Nobody may try for this long, and nobody looked at the PIN; or this try was wrong and locked.
    LockedOut {
        /// How long, if the kiosk stays on.
        wait: Duration,
    },
}

/// A row of `staff`.
pub(crate) struct Member {
    pub(crate) number: i64,
    pub(crate) id: StaffId,
    role: Role,
    salt: [u8; 16],
    hash: [u8; 32],
    cost: Cost,
    tries: Tries,
}

impl Store {
    /// Adds a member of the staff.
    ///
    /// # Errors
    /// [`StoreError::UnusableStaff`], [`StoreError::UnusablePin`]; or the write failed.
    pub fn add_staff(
        &mut self,
        now: Now,
        name: &str,
        role: Role,
        pin: &str,
        by: By,
    ) -> Result<StaffId, StoreError> {
        let name = name.trim();
        if !is_name(name) {
            return Err(StoreError::UnusableStaff("a name has 1 to 200 characters and no line breaks"));
        }
        refuse_unusable(pin)?;
        self.write(now, |batch| {
            let (id, salt) = (StaffId(batch.draw()?), batch.draw()?);
            let cost = Cost::NEW;
            let hash = hash(batch, pin, &salt, cost)?;
            let sql = "INSERT INTO staff (staff, name, role, salt, hash, memory_kib, passes, lanes)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let Cost { memory_kib, passes, lanes } = cost;
            batch.execute(sql, params![id.0, name, role.word(), salt, hash, memory_kib, passes, lanes])?;
            let role = ("role", Value::text(role.word()));
            batch.append("StaffAdded", vec![of(id), role, ("by", bodies::staff(by))], None)?;
            Ok(id)
        })
    }

    /// Sets a new PIN, for somebody who forgot it or is locked out.
    ///
    /// # Errors
    /// [`StoreError::UnknownStaff`], [`StoreError::UnusablePin`]; or the write failed.
    pub fn set_pin(&mut self, now: Now, staff: StaffId, pin: &str, by: By) -> Result<RecordId, StoreError> {
        refuse_unusable(pin)?;
        self.write(now, |batch| {
            let member = find(batch, staff)?;
            let salt = batch.draw()?;
            let cost = Cost::NEW;
            let hash = hash(batch, pin, &salt, cost)?;
            let sql = "UPDATE staff SET salt = ?2, hash = ?3, memory_kib = ?4, passes = ?5, lanes = ?6
                       WHERE number = ?1";
            let Cost { memory_kib, passes, lanes } = cost;
            batch.execute(sql, params![member.number, salt, hash, memory_kib, passes, lanes])?;
            keep(batch, member.number, Tries::default())?;
            batch.append("StaffPinSet", vec![of(staff), ("by", bodies::staff(by))], None)
        })
    }

    /// Removes a member of the staff: PIN and cards are gone, the name stays for the records.
    ///
    /// # Errors
    /// [`StoreError::UnknownStaff`], [`StoreError::LastSupervisor`]; or the write failed.
    pub fn remove_staff(&mut self, now: Now, staff: StaffId, by: By) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let member = find(batch, staff)?;
            let sql = "SELECT count(*) FROM staff WHERE removed = 0 AND role = 'supervisor' AND number <> ?1";
            let others: u32 = batch.first(sql, [member.number], |row| row.get(0))?.unwrap_or(0);
            if member.role == Role::Supervisor && others == 0 {
                return Err(StoreError::LastSupervisor);
            }
            let sql = "UPDATE staff SET removed = 1, removed_ms = ?2, salt = NULL, hash = NULL, wrong = 0,
                           locks = 0, lock_boot = NULL, lock_until = NULL, lock_ms = NULL WHERE number = ?1";
            batch.execute(sql, params![member.number, batch.wall_ms()])?;
            batch.execute("DELETE FROM credentials WHERE staff = ?1", [member.number])?;
            batch.append("StaffRemoved", vec![of(staff), ("by", bodies::staff(by))], None)
        })
    }

    /// Everybody who works or worked here, in the order in which they were added.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn staff(&self) -> Result<Vec<StaffMember>, StoreError> {
        self.rows("SELECT staff, name, role, removed FROM staff ORDER BY number", |row| {
            Ok(StaffMember {
                id: StaffId(row.get(0)?),
                name: row.get(1)?,
                role: read_word(row, 2)?,
                removed: row.get(3)?,
            })
        })
    }

    /// Judges a PIN. The answer comes after it is written down that there was a try.
    ///
    /// # Errors
    /// [`StoreError::UnknownStaff`]; or the write failed, then nobody is signed in.
    pub fn sign_in(&mut self, now: Now, staff: StaffId, pin: &str) -> Result<SignIn, StoreError> {
        let clock = clock(self.boot, now);
        self.write_or_not(now, |batch| {
            let member = find(batch, staff)?;
            if let Some(wait) = member.tries.wait(clock.boot, clock.uptime_ms) {
                return Ok((SignIn::LockedOut { wait }, false));
            }
            let typed = hash(batch, pin, &member.salt, member.cost)?;
            let answer = if pin::equal(&typed, &member.hash) {
                signed_in(batch, &member, "pin")?
            } else {
                refused(batch, &member)?
            };
            Ok((answer, true))
        })
    }

    /// Signs in whoever has this card or code, if it is bound to a member of the staff; otherwise there is no answer. A
    /// lock holds for it as well.
    ///
    /// # Errors
    /// The write failed, then nobody is signed in.
    pub fn sign_in_by_credential(
        &mut self,
        now: Now,
        kind: CredentialKind,
        identifier: &[u8],
    ) -> Result<Option<(StaffId, SignIn)>, StoreError> {
        let Some(crate::Owner::Staff(staff)) = self.lookup(kind, identifier)? else {
            return Ok(None);
        };
        let clock = clock(self.boot, now);
        self.write_or_not(now, |batch| {
            let member = find(batch, staff)?;
            if let Some(wait) = member.tries.wait(clock.boot, clock.uptime_ms) {
                return Ok((Some((staff, SignIn::LockedOut { wait })), false));
            }
            Ok((Some((staff, signed_in(batch, &member, kind.word())?)), true))
        })
    }
}

/// The row of somebody who works here.
pub(crate) fn find(batch: &Batch<'_>, staff: StaffId) -> Result<Member, StoreError> {
    let sql =
        "SELECT number, role, salt, hash, memory_kib, passes, lanes, wrong, locks, lock_boot, lock_until,
                      lock_ms FROM staff WHERE staff = ?1 AND removed = 0";
    let found = batch.first(sql, [staff.0], |row| {
        Ok(Member {
            number: row.get(0)?,
            id: staff,
            role: read_word(row, 1)?,
            salt: row.get(2)?,
            hash: row.get(3)?,
            cost: Cost { memory_kib: row.get(4)?, passes: row.get(5)?, lanes: row.get(6)? },
            tries: Tries { wrong: row.get(7)?, locks: row.get(8)?, lock: lock(row)? },
        })
    })?;
    found.ok_or(StoreError::UnknownStaff)
}

fn lock(row: &Row<'_>) -> rusqlite::Result<Option<Lock>> {
    let boot: Option<[u8; 16]> = row.get(9)?;
    boot.map(|boot| Ok(Lock { boot, until_ms: row.get(10)?, length_ms: row.get(11)? })).transpose()
}

fn signed_in(batch: &mut Batch<'_>, member: &Member, way: &str) -> Result<SignIn, StoreError> {
    keep(batch, member.number, Tries::default())?;
    batch.append("StaffSignedIn", vec![of(member.id), ("way", Value::text(way))], None)?;
    Ok(SignIn::Ok { role: member.role })
}

fn refused(batch: &mut Batch<'_>, member: &Member) -> Result<SignIn, StoreError> {
    let clock = batch.clock();
    let tries = member.tries.after_a_wrong_one(clock.boot, clock.uptime_ms);
    keep(batch, member.number, tries)?;
    let wait = tries.wait(clock.boot, clock.uptime_ms);
    let locked = wait.map_or(Value::Null, bodies::milliseconds);
    let left = ("left", bodies::whole(tries.left().into()));
    batch.append("StaffRefused", vec![of(member.id), left, ("locked_ms", locked)], None)?;
    Ok(wait.map_or(SignIn::Wrong { left: tries.left() }, |wait| SignIn::LockedOut { wait }))
}

fn keep(batch: &Batch<'_>, member: i64, tries: Tries) -> Result<(), StoreError> {
    let Tries { wrong, locks, lock } = tries;
    let (boot, until, length) =
        (lock.map(|lock| lock.boot), lock.map(|lock| lock.until_ms), lock.map(|lock| lock.length_ms));
    let sql = "UPDATE staff SET wrong = ?2, locks = ?3, lock_boot = ?4, lock_until = ?5, lock_ms = ?6
               WHERE number = ?1";
    batch.execute(sql, params![member, wrong, locks, boot, until, length]).map(|_| ())
}

fn refuse_unusable(pin: &str) -> Result<(), StoreError> {
    pin::unusable(pin).map_or(Ok(()), |why| Err(StoreError::UnusablePin(why)))
}

fn hash(batch: &Batch<'_>, pin: &str, salt: &[u8; 16], cost: Cost) -> Result<[u8; 32], StoreError> {
    let detail = || "a PIN was hashed in a way that does not exist".to_owned();
    let hash = pin::hash(pin, salt, cost);
    hash.map(|hash| *hash)
        .ok_or_else(|| StoreError::Corrupt { file: batch.file.to_owned(), detail: detail() })
}

fn of(staff: StaffId) -> (&'static str, Value) {
    ("staff", Value::bytes(staff.0))
}

impl By {
    /// The member of the staff.
    pub(crate) fn staff(self) -> Option<StaffId> {
        match self {
            Self::Console => None,
            Self::Staff(staff) => Some(staff),
        }
    }

    /// The id of the member of the staff, as tables hold it.
    pub(crate) fn bytes(self) -> Option<[u8; 16]> {
        self.staff().map(|staff| staff.0)
    }
}

impl Word for Role {
    const ALL: &'static [Self] = &[Self::Reception, Self::Supervisor];

    fn word(self) -> &'static str {
        match self {
            Self::Reception => "reception",
            Self::Supervisor => "supervisor",
        }
    }
}

impl fmt::Debug for StaffMember {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StaffMember({:?}, {:?})", self.id, self.role)
    }
}
