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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::{Entrant, Schedule};

    /// 2026-11-24 22:00 in Japan.
    const TEN_AT_NIGHT: i64 = 1_795_525_200_000;
    const HOUR: i64 = 3_600_000;
    const SOMEBODY: PersonId = PersonId([1; 16]);

    fn at(hours: i64) -> Option<Wall> {
        Some(Wall { unix_ms: TEN_AT_NIGHT + hours * HOUR, uncertainty_s: 0 })
    }

    fn until_eleven_at_night() -> Facility {
        let hours = Schedule { week: [Some((8 * 60, 23 * 60)); 7], closed: Vec::new() };
        Facility { hours, ..Facility::default() }
    }

    fn entered(wall: Option<Wall>) -> Inside {
        let mut inside = Inside::default();
        inside.enter(SOMEBODY, wall);
        inside
    }

    #[test]
    fn a_stay_ends_at_midnight_or_when_it_took_too_long_or_when_somebody_left() {
        let facility = Facility { longest_stay: Duration::from_hours(3), ..Facility::default() };
        let inside = entered(at(-6));
        assert!(inside.holds(SOMEBODY, &facility, at(-4)));
        assert!(!inside.holds(SOMEBODY, &facility, at(-3)));
        let late = entered(at(0));
        assert!(late.holds(SOMEBODY, &facility, at(1)));
        assert!(!late.holds(SOMEBODY, &facility, at(2)), "midnight");
        let mut left = entered(at(0));
        left.leave(SOMEBODY);
        assert!(!left.holds(SOMEBODY, &facility, at(0)));
    }

    #[test]
    fn without_a_clock_a_stay_goes_on_until_it_is_told_otherwise() {
        let facility = Facility::default();
        assert!(entered(None).holds(SOMEBODY, &facility, at(1_000)));
        assert!(entered(at(0)).holds(SOMEBODY, &facility, None));
        let mut inside = entered(None);
        inside.tidy(&facility, None);
        inside.tidy(&facility, at(1));
        assert!(inside.holds(SOMEBODY, &facility, at(1)));
        assert!(!inside.holds(SOMEBODY, &facility, at(2)), "the first clock dates the stay");
    }

    #[test]
    fn an_unsure_clock_ends_no_stay_before_its_time() {
        let facility = Facility::default();
        let unsure = |hours| at(hours).map(|wall| Wall { uncertainty_s: 3_600, ..wall });
        assert!(entered(at(0)).holds(SOMEBODY, &facility, unsure(2)), "it may be eleven still");
        assert!(!entered(at(0)).holds(SOMEBODY, &facility, unsure(3)));
        let short = Facility { longest_stay: Duration::from_hours(3), ..Facility::default() };
        assert!(entered(unsure(-9)).holds(SOMEBODY, &short, unsure(-5)), "four hours, or two");
        assert!(!entered(unsure(-9)).holds(SOMEBODY, &short, unsure(-4)));
        assert!(entered(unsure(1)).holds(SOMEBODY, &facility, at(2)), "it may have begun after midnight");
        assert!(entered(at(0)).holds(SOMEBODY, &facility, at(-100)), "a clock that was set back");
    }

    #[test]
    fn the_fire_list_keeps_those_who_stayed_through_midnight_where_it_was_open() {
        let open_at_night = Facility::default();
        for (facility, hours, expected) in [
            (&open_at_night, 3, vec![SOMEBODY]),
            (&open_at_night, 15, vec![SOMEBODY]),
            (&open_at_night, 16, vec![]),
            (&until_eleven_at_night(), 1, vec![SOMEBODY]),
            (&until_eleven_at_night(), 2, vec![]),
        ] {
            let mut inside = entered(at(0));
            assert_eq!(muster(&inside, facility, at(hours)), expected, "{hours} hours later");
            inside.tidy(facility, at(hours));
            assert_eq!(inside.people().collect::<Vec<_>>(), expected, "what is not listed is forgotten");
        }
        assert_eq!(muster(&entered(None), &until_eleven_at_night(), at(500)), [SOMEBODY]);
    }

    #[test]
    fn everybody_of_a_party_is_on_the_fire_list() {
        let entrant = |number| Entrant {
            person: PersonId([number; 16]),
            fee: None,
            uses: None,
            stale: false,
            again: false,
        };
        let mut inside = Inside::default();
        let party = Admission { party: vec![entrant(3), entrant(2)], pass_until: None };
        inside.enter_party(&party, at(0));
        assert_eq!(muster(&inside, &Facility::default(), at(0)), [PersonId([2; 16]), PersonId([3; 16])]);
    }
}
