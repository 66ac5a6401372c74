//! What is registered about a person, and what the person may use. Rows hold what counts now; each change is a record
//! whose content is sealed under the person's own key, so that the log tells everybody that something changed and only the
//! vault what.

use gate::{
    Attributes, Date, EntitlementId, HouseholdId, Now, Period, PersonId, RecordId, Residency, Schedule,
};
use ledger::Value;
use records::{NewEntitlement, NewRegistration};
use rusqlite::{Row, params, types::Type};

use crate::{
    By, Store, StoreError,
    feeds::Batch,
    households,
    vault::{Enrolled, find},
    words::{Word, read_word, unreadable},
};

/// Closed days in a person's own hours. Ten years of public holidays and more; it keeps a record small.
const MAX_CLOSED_DAYS: usize = 400;

impl Store {
    /// Changes what is registered about a person, all of it.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnknownHousehold`],
    /// [`StoreError::SecondRepresentative`], [`StoreError::UnusableRegistration`]; or the write failed.
    pub fn change_registration(
        &mut self,
        now: Now,
        person: PersonId,
        registered: &NewRegistration,
        by: By,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let of = find(batch, person)?;
            change(batch, &of, registered, by)
        })
    }

    /// Puts a person under protection, or ends it. The rest stays.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`]; or the write failed.
    pub fn set_protected(
        &mut self,
        now: Now,
        person: PersonId,
        protected: bool,
        by: By,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let of = find(batch, person)?;
            let registered = NewRegistration { protected, ..registered(batch, &of)? };
            change(batch, &of, &registered, by)
        })
    }

    /// What is registered about a person.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn registration(&self, person: PersonId) -> Result<Option<NewRegistration>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM people LEFT JOIN registrations ON registrations.person = people.number
             LEFT JOIN households ON households.number = registrations.household WHERE people.person = ?1"
        );
        let found = self.rows_of(&sql, [person.0], |row| read(row, 0))?;
        Ok(found.into_iter().next())
    }

    /// Gives a person a pass or a book of coupons.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnusableRegistration`]; or the write failed.
    pub fn add_entitlement(
        &mut self,
        now: Now,
        person: PersonId,
        entitlement: NewEntitlement,
        by: By,
    ) -> Result<EntitlementId, StoreError> {
        let NewEntitlement { period, coupons } = entitlement;
        self.write(now, |batch| {
            let of = find(batch, person)?;
            refuse_empty(period)?;
            let id = EntitlementId(batch.draw()?);
            let sql = "INSERT INTO entitlements (entitlement, person, valid_from, valid_until, coupons)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            batch.execute(sql, params![id.0, of.number, text(period.from), text(period.until), coupons])?;
            let personal = records::personal_of_entitlement(entitlement);
            let fields = records::of_entitlement(person, id, by.staff());
            batch.say(&of, "EntitlementGiven", fields, Some(&personal))?;
            Ok(id)
        })
    }

    /// Takes a pass or a book of coupons back. Uses that were made stay counted.
    ///
    /// # Errors
    /// [`StoreError::UnknownEntitlement`] if nobody has it; or the write failed.
    pub fn withdraw_entitlement(
        &mut self,
        now: Now,
        entitlement: EntitlementId,
        by: By,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let sql =
                "SELECT people.person FROM entitlements JOIN people ON people.number = entitlements.person
                       WHERE entitlement = ?1 AND withdrawn = 0";
            let owner = batch.first(sql, [entitlement.0], |row| row.get(0))?;
            let of = find(batch, PersonId(owner.ok_or(StoreError::UnknownEntitlement)?))?;
            batch.execute("UPDATE entitlements SET withdrawn = 1 WHERE entitlement = ?1", [entitlement.0])?;
            let fields = records::of_entitlement(of.person, entitlement, by.staff());
            batch.say(&of, "EntitlementWithdrawn", fields, None)
        })
    }
}

/// What [`read`] reads, of `registrations` joined with `households`.
pub(crate) const COLUMNS: &str =
    "households.household, representative, protected, born, residency, resident_from,
    resident_until, confirmed, registrations.valid_from, registrations.valid_until, schedule, assurance";

/// The registration that begins at a column; the default where there is no row.
pub(crate) fn read(row: &Row<'_>, at: usize) -> rusqlite::Result<NewRegistration> {
    if row.get_ref(at + 1)?.data_type() == Type::Null {
        return Ok(NewRegistration::default());
    }
    let residency = match row.get_ref(at + 4)?.as_str_or_null()? {
        Some("resident") => Some(Residency::Resident(period(row, at + 5)?)),
        Some(_) => Some(Residency::NonResident),
        None => None,
    };
    Ok(NewRegistration {
        household: row.get::<_, Option<[u8; 16]>>(at)?.map(HouseholdId),
        representative: row.get(at + 1)?,
        protected: row.get(at + 2)?,
        attributes: Attributes { born: date(row, at + 3)?, residency, confirmed: date(row, at + 7)? },
        valid: period(row, at + 8)?,
        schedule: schedule(row, at + 10)?,
        assurance: read_word(row, at + 11)?,
    })
}

/// What is registered about an enrolee.
pub(crate) fn registered(batch: &Batch<'_>, of: &Enrolled) -> Result<NewRegistration, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM registrations LEFT JOIN households ON households.number = registrations.household
         WHERE registrations.person = ?1"
    );
    Ok(batch.first(&sql, [of.number], |row| read(row, 0))?.unwrap_or_default())
}

/// Writes the row of a new enrolee; none for somebody of whom nothing is known.
pub(crate) fn insert(
    batch: &Batch<'_>,
    of: &Enrolled,
    registered: &NewRegistration,
) -> Result<(), StoreError> {
    check(registered)?;
    if *registered == NewRegistration::default() {
        return Ok(());
    }
    let household = registered.household.map(|it| households::number(batch, it)).transpose()?;
    households::refuse_a_second_representative(batch, registered, of.number)?;
    let NewRegistration { representative, protected, attributes, valid, schedule, assurance, .. } =
        registered;
    let (residency, resident) = match attributes.residency {
        Some(Residency::Resident(period)) => (Some("resident"), period),
        Some(Residency::NonResident) => (Some("non-resident"), Period::ALWAYS),
        None => (None, Period::ALWAYS),
    };
    let schedule = schedule.as_ref().map(|it| records::of_schedule(it).encode());
    let schedule = schedule.transpose().map_err(StoreError::ledger("write hours"))?;
    let sql = "INSERT INTO registrations (person, household, representative, protected, born, residency,
                   resident_from, resident_until, confirmed, valid_from, valid_until, schedule, assurance)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let row = params![
        of.number,
        household,
        representative,
        protected,
        text(attributes.born),
        residency,
        text(resident.from),
        text(resident.until),
        text(attributes.confirmed),
        text(valid.from),
        text(valid.until),
        schedule,
        assurance.word(),
    ];
    batch.execute(sql, row).map(|_| ())
}

/// Removes the row of an enrolee and returns what it said.
pub(crate) fn take(batch: &Batch<'_>, of: &Enrolled) -> Result<NewRegistration, StoreError> {
    let was = registered(batch, of)?;
    batch.execute("DELETE FROM registrations WHERE person = ?1", [of.number])?;
    Ok(was)
}

fn change(
    batch: &mut Batch<'_>,
    of: &Enrolled,
    registered: &NewRegistration,
    by: By,
) -> Result<RecordId, StoreError> {
    take(batch, of)?;
    insert(batch, of, registered)?;
    households::remove_empty(batch)?;
    let personal = records::of_registration(registered);
    let fields = records::of_change(of.person, by.staff());
    batch.say(of, "Registered", fields, Some(&personal))
}

pub(crate) fn check(registered: &NewRegistration) -> Result<(), StoreError> {
    refuse_empty(registered.valid)?;
    if let Some(Residency::Resident(period)) = registered.attributes.residency {
        refuse_empty(period)?;
    }
    if registered.representative && registered.household.is_none() {
        return Err(StoreError::UnusableRegistration("a representative belongs to a household"));
    }
    if registered.schedule.as_ref().is_some_and(|it| it.closed.len() > MAX_CLOSED_DAYS) {
        return Err(StoreError::UnusableRegistration("at most 400 closed days belong to one person's hours"));
    }
    Ok(())
}

fn refuse_empty(period: Period) -> Result<(), StoreError> {
    let why = "the last day of a period lies before its first";
    if period.has_days() { Ok(()) } else { Err(StoreError::UnusableRegistration(why)) }
}

/// A day as tables hold it.
pub(crate) fn text(date: Option<Date>) -> Option<String> {
    date.map(|date| date.to_string())
}

/// The day in a column.
pub(crate) fn date(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Date>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| Date::parse(text).ok_or_else(|| unreadable(column, Type::Text))).transpose()
}

/// The period whose first day is in a column and whose last in the next.
pub(crate) fn period(row: &Row<'_>, column: usize) -> rusqlite::Result<Period> {
    Ok(Period { from: date(row, column)?, until: date(row, column + 1)? })
}

fn schedule(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Schedule>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    let value = bytes.map(|bytes| Value::decode(bytes).ok());
    let read = value.map(|value| value.as_ref().and_then(records::schedule));
    read.map(|it| it.ok_or_else(|| unreadable(column, Type::Blob))).transpose()
}
