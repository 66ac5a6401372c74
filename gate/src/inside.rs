//! Who is inside, as far as this kiosk saw: for the rule about those who are inside already, for counts, and for the list
//! that the fire brigade asks for.
//!
//! One kiosk sees nobody leave who uses another door, so midnight and the facility's longest stay end every stay. Both are
//! told by wall clocks, which are claims: a stay ends when it is sure that it has, and not before.

use std::collections::BTreeMap;

use crate::{Admission, Facility, Local, PersonId, Wall};

/// Who is inside. Never more than the facility has registered people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside(BTreeMap<PersonId, Option<Wall>>);

impl Inside {
    /// Somebody came in, or came in again. A clock that is absent leaves the time open.
    pub fn enter(&mut self, person: PersonId, wall: Option<Wall>) {
        self.0.insert(person, wall);
    }

    /// A party came in.
    pub fn enter_party(&mut self, admission: &Admission, wall: Option<Wall>) {
        for entrant in &admission.party {
            self.enter(entrant.person, wall);
        }
    }

    /// Somebody left.
    pub fn leave(&mut self, person: PersonId) {
        self.0.remove(&person);
    }

    /// Whether somebody counts as inside. Without a clock, then or now, a stay goes on.
    #[must_use]
    pub fn holds(&self, person: PersonId, facility: &Facility, wall: Option<Wall>) -> bool {
        self.0.get(&person).is_some_and(|entered| !over(*entered, facility, wall))
    }

    /// Everybody who came in and has not been forgotten, in the order of their ids.
    pub fn people(&self) -> impl Iterator<Item = PersonId> {
        self.0.keys().copied()
    }

    /// Forgets those who are neither inside nor on the muster list any more, and gives stays that began without a clock
    /// the time of this one, so that the next midnight ends them. Call it now and then, and when a clock was set.
    pub fn tidy(&mut self, facility: &Facility, wall: Option<Wall>) {
        let Some(now) = wall else { return };
        self.0.retain(|_, entered| missed_in_a_fire(*entered, facility, wall));
        for entered in self.0.values_mut() {
            entered.get_or_insert(now);
        }
    }
}

/// Whom to look for in a fire, in the order of their ids; protected people are among them. For those who rescue, not for a
/// screen that visitors see.
///
/// A name too many costs a question, a name too few may cost a life: where the facility was open through midnight, whoever
/// came in before it stays on the list until the longest stay is over.
#[must_use]
pub fn muster(inside: &Inside, facility: &Facility, wall: Option<Wall>) -> Vec<PersonId> {
    let people = inside.0.iter().filter(|(_, entered)| missed_in_a_fire(**entered, facility, wall));
    people.map(|(person, _)| *person).collect()
}

fn missed_in_a_fire(entered: Option<Wall>, facility: &Facility, wall: Option<Wall>) -> bool {
    let through = entered.is_some_and(|then| open_through_midnight(then, facility));
    !over(entered, facility, wall) || (through && !too_long(entered, facility, wall))
}

/// Whether a stay is surely over.
fn over(entered: Option<Wall>, facility: &Facility, wall: Option<Wall>) -> bool {
    let latest_entry = Local::span(entered, facility.offset_minutes).map(|(_, latest)| latest.date);
    let earliest_now = Local::span(wall, facility.offset_minutes).map(|(earliest, _)| earliest.date);
    let another_day = latest_entry.zip(earliest_now).is_some_and(|(then, now)| then < now);
    another_day || too_long(entered, facility, wall)
}

/// Whether a stay surely took the longest time that one may take.
fn too_long(entered: Option<Wall>, facility: &Facility, wall: Option<Wall>) -> bool {
    let longest = i64::try_from(facility.longest_stay.as_millis()).unwrap_or(i64::MAX);
    entered.zip(wall).is_some_and(|(then, now)| {
        let doubt = (i64::from(then.uncertainty_s) + i64::from(now.uncertainty_s)).saturating_mul(1_000);
        now.unix_ms.saturating_sub(then.unix_ms).saturating_sub(doubt) >= longest
    })
}

/// Whether the facility is open to the end of the day of an entry and from the beginning of the next.
fn open_through_midnight(entered: Wall, facility: &Facility) -> bool {
    let day = Local::span(Some(entered), facility.offset_minutes).map(|(_, latest)| latest.date);
    let Some((day, next)) = day.and_then(|day| Some((day, day.plus_days(1)?))) else { return true };
    let last = Local { date: day, minute: 24 * 60 - 1 };
    facility.hours.holds(last) && facility.hours.holds(Local { date: next, minute: 0 })
}
