//! People who are registered together. A household is enrolled at once, with exactly one representative; later it may be
//! without one (erased, moved on), which the roster shows and staff mend.

use gate::{HouseholdId, Now, PersonId, RecordId};
use rusqlite::params;

use crate::{By, Enrolment, NewRegistration, Store, StoreError, enrolment, feeds::Batch};

/// People of one household. A page of a family register holds fewer; it bounds a transaction.
pub const MAX_MEMBERS: usize = 30;

/// A household to enrol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewHousehold {
    /// Whether it agreed that its names are shown.
    pub names_agreed: bool,
    /// Who enrols it.
    pub by: By,
}

/// A household that was enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledHousehold {
    /// Its id.
    pub household: HouseholdId,
    /// Its members in the order given, each with the record of the enrolment.
    pub members: Vec<(PersonId, RecordId)>,
}

impl Store {
    /// Enrols a household: all of it or nobody. Exactly one member is the representative; the members name no household
    /// yet.
    ///
    /// # Errors
    /// [`StoreError::UnusableHousehold`], and those of [`Store::enrol`] for the first member that fails.
    pub fn enrol_household(
        &mut self,
        now: Now,
        household: NewHousehold,
        members: &[Enrolment],
    ) -> Result<EnrolledHousehold, StoreError> {
        check(members)?;
        self.write(now, |batch| {
            let id = HouseholdId(batch.draw()?);
            let sql = "INSERT INTO households (household, names_agreed) VALUES (?1, ?2)";
            batch.execute(sql, params![id.0, household.names_agreed])?;
            let enrol = |member: &Enrolment| {
                let registered = NewRegistration { household: Some(id), ..member.registered.clone() };
                enrolment::enrol(batch, member, &registered)
            };
            let members = members.iter().map(enrol).collect::<Result<Vec<_>, _>>()?;
            let fields =
                records::of_household(id, Some(members.len()), household.names_agreed, household.by.staff());
            batch.append("Household", fields, None)?;
            Ok(EnrolledHousehold { household: id, members })
        })
    }

    /// Changes whether the names of a household may be shown.
    ///
    /// # Errors
    /// [`StoreError::UnknownHousehold`]; or the write failed.
    pub fn set_names_agreed(
        &mut self,
        now: Now,
        household: HouseholdId,
        agreed: bool,
        by: By,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let number = number(batch, household)?;
            batch.execute("UPDATE households SET names_agreed = ?2 WHERE number = ?1", (number, agreed))?;
            batch.append("Household", records::of_household(household, None, agreed, by.staff()), None)
        })
    }
}

/// The row of a household.
pub(crate) fn number(batch: &Batch<'_>, household: HouseholdId) -> Result<i64, StoreError> {
    let found =
        batch.first("SELECT number FROM households WHERE household = ?1", [household.0], |row| row.get(0))?;
    found.ok_or(StoreError::UnknownHousehold)
}

/// Two people cannot speak for one household.
pub(crate) fn refuse_a_second_representative(
    batch: &Batch<'_>,
    registered: &NewRegistration,
    person: i64,
) -> Result<(), StoreError> {
    let Some(household) = registered.household.filter(|_| registered.representative) else {
        return Ok(());
    };
    let sql = "SELECT people.person FROM registrations
               JOIN households ON households.number = registrations.household
               JOIN people ON people.number = registrations.person
               WHERE households.household = ?1 AND representative = 1 AND people.number <> ?2";
    match batch.first(sql, params![household.0, person], |row| row.get(0))? {
        Some(other) => Err(StoreError::SecondRepresentative(PersonId(other))),
        None => Ok(()),
    }
}

/// Removes households that nobody belongs to any more.
pub(crate) fn remove_empty(batch: &Batch<'_>) -> Result<(), StoreError> {
    let sql = "DELETE FROM households
               WHERE NOT EXISTS (SELECT 1 FROM registrations WHERE household = households.number)";
    batch.execute(sql, []).map(|_| ())
}

fn check(members: &[Enrolment]) -> Result<(), StoreError> {
    let refuse = |why| Err(StoreError::UnusableHousehold(why));
    let representatives = members.iter().filter(|it| it.registered.representative).count();
    match (members.len(), representatives) {
        (1..=MAX_MEMBERS, 1) => {}
        (1..=MAX_MEMBERS, 0) => return refuse("name the one member who speaks for it"),
        (1..=MAX_MEMBERS, _) => return refuse("only one member can speak for it"),
        (_, _) => return refuse("1 to 30 people belong to it"),
    }
    if members.iter().any(|it| it.registered.household.is_some()) {
        return refuse("a member names another household");
    }
    Ok(())
}
