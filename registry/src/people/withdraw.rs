//! A consent that is withdrawn: the person is erased at every facility, in one transaction. What stays are ids that say
//! nothing: the ledger's tombstones, and the sealed records whose key is destroyed.

use gate::PersonId;
use ledger::GroupId;

use super::{
    PeopleError,
    pen::Pen,
    registrations::{self, Person},
};
use crate::operators::{May, Operator};

/// Erases a person; where the person was registered.
pub(crate) fn withdraw(
    pen: &mut dyn Pen,
    who: &Operator,
    person: Person,
) -> Result<Vec<(GroupId, PersonId)>, PeopleError> {
    let at = registrations::of(pen, person)?;
    let mine = at.iter().filter(|(facility, _)| who.may_in(May::Withdraw, *facility)).count();
    match mine {
        0 if who.may_somewhere(May::Withdraw) => return Err(PeopleError::Unknown("person")),
        0 => return Err(PeopleError::NotAllowed),
        some if some < at.len() => return Err(PeopleError::NotAllWithdrawable),
        _ => {}
    }
    for (facility, enrolee) in &at {
        let known = pen.known(*facility, *enrolee)?.ok_or(PeopleError::Damaged("secrets"))?;
        pen.withdraw(&known)?;
        forget(pen, *facility, *enrolee)?;
    }
    pen.sql().execute("DELETE FROM consents WHERE person = $1", &[person.0.into()])?;
    pen.sql().execute("DELETE FROM people WHERE person = $1", &[person.0.into()])?;
    Ok(at)
}

/// Removes every row of an enrolee, and the household that nobody belongs to any more.
pub(crate) fn forget(pen: &mut dyn Pen, facility: GroupId, enrolee: PersonId) -> Result<(), PeopleError> {
    let of = [facility.0.into(), enrolee.0.into()];
    for text in [
        "DELETE FROM registrations WHERE grp = $1 AND enrolee = $2",
        "DELETE FROM entitlements WHERE grp = $1 AND enrolee = $2",
        "DELETE FROM accesses WHERE grp = $1 AND enrolee = $2",
        "DELETE FROM duplicates WHERE grp = $1 AND (one = $2 OR other = $2)",
    ] {
        pen.sql().execute(text, &of)?;
    }
    let empty = "DELETE FROM households WHERE grp = $1 AND NOT EXISTS
                     (SELECT 1 FROM registrations WHERE registrations.household = households.household)";
    pen.sql().execute(empty, &[facility.0.into()])?;
    Ok(())
}
