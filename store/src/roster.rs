//! What the rules need to know of everybody, as values: the roster of the registrations, and names for screens.

use std::collections::BTreeMap;

use gate::{Coupons, Entitlement, EntitlementId, PersonId, Registered, Roster};
use rusqlite::{OptionalExtension, Row};

use crate::{
    NewRegistration, Store, StoreError,
    registration::{self, COLUMNS, period},
    vault::standing,
    visits::COUNTED,
};

impl Store {
    /// Everybody who is or was enrolled, with what is registered and what may be used.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn roster(&self) -> Result<Roster, StoreError> {
        let mut entitlements = self.entitlements()?;
        let sql = format!(
            "SELECT people.person, standing, names_agreed, {COLUMNS} FROM people
             LEFT JOIN registrations ON registrations.person = people.number
             LEFT JOIN households ON households.number = registrations.household"
        );
        let people = self.rows(&sql, |row| {
            let person = PersonId(row.get(0)?);
            let given = entitlements.remove(&person).unwrap_or_default();
            Ok((person, registered(row, given)?))
        })?;
        Ok(Roster::new(people))
    }

    /// The name of somebody who is enrolled, for a screen. Whoever looks a person up to read about them is recorded by
    /// [`Store::record_access`].
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn name(&self, person: PersonId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT name FROM people WHERE person = ?1";
        let found = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([person.0], |row| row.get(0)).optional());
        found.map_err(|source| StoreError::sql("read a name", &self.file, source))
    }

    /// The ids of everybody who was erased.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn erased(&self) -> Result<Vec<PersonId>, StoreError> {
        self.rows("SELECT person FROM erased ORDER BY person", |row| Ok(PersonId(row.get(0)?)))
    }

    /// Passes and coupons that were not withdrawn, by person. A coupon is used once for each entrant of a visit that
    /// counts and names it, however often that was said.
    fn entitlements(&self) -> Result<BTreeMap<PersonId, Vec<Entitlement>>, StoreError> {
        let sql = format!(
            "SELECT people.person, entitlement, valid_from, valid_until, coupons, used_elsewhere,
                    used_long_ago + (SELECT count(*) FROM entrants JOIN visits ON visits.number = entrants.visit
                                     WHERE entrants.uses = entitlements.number AND {COUNTED})
             FROM entitlements JOIN people ON people.number = entitlements.person
             WHERE withdrawn = 0 ORDER BY entitlements.number"
        );
        let mut all: BTreeMap<PersonId, Vec<Entitlement>> = BTreeMap::new();
        for (person, entitlement) in self.rows(&sql, entitlement)? {
            all.entry(person).or_default().push(entitlement);
        }
        Ok(all)
    }
}

fn entitlement(row: &Row<'_>) -> rusqlite::Result<(PersonId, Entitlement)> {
    let granted: Option<u32> = row.get(4)?;
    let (used_elsewhere, used_here) = (row.get(5)?, row.get(6)?);
    let coupons = granted.map(|granted| Coupons { granted, used_here, used_elsewhere });
    let id = EntitlementId(row.get(1)?);
    Ok((PersonId(row.get(0)?), Entitlement { id, period: period(row, 2)?, coupons }))
}

fn registered(row: &Row<'_>, entitlements: Vec<Entitlement>) -> rusqlite::Result<Registered> {
    let NewRegistration { household, representative, protected, attributes, valid, schedule, assurance } =
        registration::read(row, 3)?;
    Ok(Registered {
        standing: standing(row, 1)?,
        household,
        representative,
        protected,
        names_agreed: row.get::<_, Option<bool>>(2)?.unwrap_or(false),
        attributes,
        valid,
        schedule,
        entitlements,
        assurance,
    })
}
