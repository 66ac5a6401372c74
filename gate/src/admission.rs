//! Whether somebody who was recognised may come in today, with whom, and what each of them pays.
//!
//! A match says who it is; this says what the facility's rules make of it. Everything is judged on the day, by the
//! facility's local time, from what was released about each person. Where the clock is absent or so uncertain that the
//! answer would differ within its interval, the answer is that it is not known.
//!
//! **Who brings whom.** The representative of a household brings everybody of it who may come in by themselves at that
//! moment. Anybody else of it comes in alone, because a child who runs ahead says nothing of the family behind; so does a
//! protected person, of whom the family's record must show nothing. Nobody speaks for a household whose representative
//! was erased or that has two: its members come in one by one, and [`crate::Roster::findings`] names it to staff.
//!
//! **Which pass or coupon.** A pass before a coupon; of several passes the one that ends last; of several books of coupons
//! the one that ends first. Where no entitlement is asked for, none is looked at.
//!
//! **Inside already.** Where such visitors are welcome again, they have paid and used their coupon: they are let in without
//! another, and count and pay no second time.

use crate::{
    Admits, Coupons, Date, Entitlement, EntitlementId, Facility, FeeClassId, FeeLine, HouseholdId, Inside,
    InsideRule, Local, PartyRule, Period, PersonId, Registered, Roster, Standing, Wall, Welcome,
    calendar::Undated, fees,
};

/// A clock less sure than this tells no time of day: a whole day lies in its interval. Bounds the work of [`admit`], which
/// asks for every minute that the clock allows.
const LEAST_SURE_MINUTES: i64 = 24 * 60;

/// Who comes in with one grant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// Everybody who comes in, the one who was recognised first. Never a protected person whom another one brought.
    pub party: Vec<Entrant>,
    /// The last day of the pass that lets the recognised person in, if it has one.
    pub pass_until: Option<Date>,
}

/// One person who comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// Who.
    pub person: PersonId,
    /// What the person pays; none if no class fits what is known, then staff say.
    pub fee: Option<FeeClassId>,
    /// The pass or coupon that is used.
    pub uses: Option<EntitlementId>,
    /// The attributes that the class rests on were not confirmed for a long time: for staff to see.
    pub stale: bool,
    /// Counted already: inside since an earlier visit, so no second use, no second fee and no second count.
    pub again: bool,
}

/// Why somebody who was recognised is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing is known of the person here, or the registration was erased.
    NotRegistered,
    /// The registration begins later.
    NotYetValid(Date),
    /// The registration has ended.
    Expired(Date),
    /// The facility is closed now.
    Closed,
    /// The facility is open, but not for this person now.
    OutsideOwnHours,
    /// No pass and no coupon.
    NoEntitlement,
    /// The pass has ended, or begins later.
    PassNotValid {
        /// The last day of the pass that ended last; none if one begins later.
        ended: Option<Date>,
    },
    /// All coupons are used, or this kiosk's share of them while others may have used the rest.
    CouponsUsed,
    /// Inside already.
    AlreadyInside,
    /// The answer depends on the date, and the clock does not tell it.
    ClockInDoubt,
}

impl From<Undated> for Refusal {
    fn from(Undated: Undated) -> Self {
        Self::ClockInDoubt
    }
}

/// Applies the facility's rules to a person who was recognised.
///
/// # Errors
/// Why the person is not let in.
pub fn admit(
    facility: &Facility,
    roster: &Roster,
    inside: &Inside,
    wall: Option<Wall>,
    person: PersonId,
) -> Result<Admission, Refusal> {
    let rules = Rules { facility, roster, inside, wall };
    let span = Local::span(wall, facility.offset_minutes);
    let Some((first, last)) = span.filter(|(first, last)| last.minutes_since(*first) < LEAST_SURE_MINUTES)
    else {
        return rules.judge(None, person);
    };
    // The rules count in minutes, so these are all the moments that can differ.
    let moments = std::iter::successors(Some(first), |at| at.next()).take_while(|at| *at <= last);
    moments.map(|at| rules.judge(Some(at), person)).reduce(agreed).unwrap_or(Err(Refusal::ClockInDoubt))
}

/// For how many of the party which class is to pay, in the facility's order. Whoever is inside already pays nothing more,
/// and of somebody in no class staff say.
#[must_use]
pub fn fee_lines(facility: &Facility, admission: &Admission) -> Vec<FeeLine> {
    let paying = || admission.party.iter().filter(|entrant| !entrant.again);
    let lines = facility.fees.iter().map(|class| {
        let people = paying().filter(|entrant| entrant.fee.as_ref() == Some(&class.id)).count();
        FeeLine { words: class.words.clone(), people: u32::try_from(people).unwrap_or(u32::MAX) }
    });
    lines.filter(|line| line.people > 0).collect()
}

/// What is said to the party. A name only where the facility shows names, the household agreed and the person who was
/// recognised is not protected.
#[must_use]
pub fn welcome(facility: &Facility, roster: &Roster, admission: &Admission) -> Welcome {
    let first = admission.party.first().map(|entrant| entrant.person);
    let agreed = |person: &PersonId| roster.get(*person).is_some_and(|it| it.names_agreed && !it.protected);
    Welcome {
        party: u32::try_from(admission.party.len()).unwrap_or(u32::MAX),
        fees: fee_lines(facility, admission),
        pass_until: admission.pass_until,
        greet: first.filter(|person| facility.names && agreed(person)),
        greeting: facility.greeting,
    }
}

/// What one answer rests on.
struct Rules<'a> {
    facility: &'a Facility,
    roster: &'a Roster,
    inside: &'a Inside,
    wall: Option<Wall>,
}

impl Rules<'_> {
    /// The answer if this is the moment; of a moment that is not known, the answer that holds at every one.
    fn judge(&self, at: Option<Local>, person: PersonId) -> Result<Admission, Refusal> {
        let registered = self.registered(person)?;
        let (first, pass) = self.entrant(at, person, registered)?;
        let mut party = vec![first];
        for member in self.brought_by(person, registered) {
            match self.registered(member).and_then(|it| self.entrant(at, member, it)) {
                Ok((entrant, _)) => party.push(entrant),
                Err(Refusal::ClockInDoubt) => return Err(Refusal::ClockInDoubt),
                // Does not come in by themselves now, so does not come in with the family.
                Err(_) => {}
            }
        }
        Ok(Admission { party, pass_until: pass.and_then(|pass| pass.period.until) })
    }

    fn registered(&self, person: PersonId) -> Result<&Registered, Refusal> {
        let registered = self.roster.get(person).ok_or(Refusal::NotRegistered)?;
        match registered.standing {
            Standing::Active => Ok(registered),
            Standing::Revoked => Err(Refusal::NotRegistered),
        }
    }

    /// Whom the face or claim of this person speaks for, in the order of their ids, without the person.
    fn brought_by(&self, person: PersonId, registered: &Registered) -> Vec<PersonId> {
        let household = match self.facility.party {
            PartyRule::OnePerson => None,
            PartyRule::Household => registered.household,
        };
        let Some(household) = household.filter(|it| speaker(self.roster, *it) == Some(person)) else {
            return Vec::new();
        };
        let protected = |member: PersonId| self.roster.get(member).is_none_or(|it| it.protected);
        let members = self.roster.members(household).iter().copied();
        members.filter(|member| *member != person && !protected(*member)).collect()
    }

    /// One person by themselves, with the pass if it is one that lets them in.
    fn entrant(
        &self,
        at: Option<Local>,
        person: PersonId,
        registered: &Registered,
    ) -> Result<(Entrant, Option<Entitlement>), Refusal> {
        let day = at.map(|at| at.date);
        valid(&registered.valid, day)?;
        if !self.facility.hours.holds_at(at)? {
            return Err(Refusal::Closed);
        }
        if !registered.schedule.as_ref().map_or(Ok(true), |own| own.holds_at(at))? {
            return Err(Refusal::OutsideOwnHours);
        }
        let again = self.inside.holds(person, self.facility, self.wall);
        if again && self.facility.inside == InsideRule::Refuse {
            return Err(Refusal::AlreadyInside);
        }
        let used = self.entitlement(day, &registered.entitlements, again)?;
        let class = fees::fee_class(self.facility, &registered.attributes, day)?;
        let stale = class.is_some_and(|it| fees::stale(self.facility, it, &registered.attributes, day));
        let uses = used.filter(|_| !again).map(|it| it.id);
        let entrant = Entrant { person, fee: class.map(|it| it.id.clone()), uses, stale, again };
        Ok((entrant, used.filter(|it| it.coupons.is_none())))
    }

    /// What lets somebody in; whoever is inside already needs nothing more.
    fn entitlement(
        &self,
        day: Option<Date>,
        all: &[Entitlement],
        again: bool,
    ) -> Result<Option<Entitlement>, Refusal> {
        match self.facility.admits {
            Admits::EveryEnrolee => Ok(None),
            Admits::Entitled => match entitled(day, all, self.facility.kiosks) {
                Ok(found) => Ok(Some(found)),
                Err(Refusal::ClockInDoubt) => Err(Refusal::ClockInDoubt),
                Err(_) if again => Ok(None),
                Err(refusal) => Err(refusal),
            },
        }
    }
}

/// Who speaks for a household: its only representative who is neither revoked nor protected. Two would each speak for
/// people whom the other answers for, so then it is nobody.
pub(crate) fn speaker(roster: &Roster, household: HouseholdId) -> Option<PersonId> {
    let mut speakers = roster.members(household).iter().filter(|member| {
        let it = roster.get(**member);
        it.is_some_and(|it| it.representative && it.standing == Standing::Active && !it.protected)
    });
    let only = speakers.next()?;
    speakers.next().is_none().then_some(*only)
}

fn valid(period: &Period, day: Option<Date>) -> Result<(), Refusal> {
    if period.holds_on(day)? {
        return Ok(());
    }
    match period.from.filter(|from| day < Some(*from)) {
        Some(from) => Err(Refusal::NotYetValid(from)),
        None => Err(Refusal::Expired(period.until.expect("what has begun and does not hold has ended"))),
    }
}

/// The pass that ends last, else of the coupons the book that ends first; equal ones by their ids.
fn entitled(day: Option<Date>, all: &[Entitlement], kiosks: u16) -> Result<Entitlement, Refusal> {
    let mut today = Vec::new();
    for entitlement in all {
        if entitlement.period.holds_on(day)? {
            today.push(entitlement);
        }
    }
    let last_day = |it: &&&Entitlement| (it.period.until.is_none(), it.period.until, it.id);
    let passes = today.iter().filter(|it| it.coupons.is_none());
    let left = |coupons: Coupons| coupons.left_here(kiosks) > 0;
    let books = today.iter().filter(|it| it.coupons.is_some_and(left));
    match passes.max_by_key(last_day).or_else(|| books.min_by_key(last_day)) {
        Some(found) => Ok(**found),
        None if all.is_empty() => Err(Refusal::NoEntitlement),
        None if !today.is_empty() => Err(Refusal::CouponsUsed),
        None => Err(Refusal::PassNotValid { ended: ended(day, all) }),
    }
}

/// The last day of those that ended last, unless one begins later.
fn ended(day: Option<Date>, all: &[Entitlement]) -> Option<Date> {
    let begins_later =
        all.iter().any(|it| it.period.has_days() && it.period.from.is_some_and(|from| day < Some(from)));
    all.iter().filter_map(|it| it.period.until).max().filter(|_| !begins_later)
}

/// An answer and that of a later moment as one: the same but for attributes that have become old, which is for staff to see
/// and no doubt; else it is not known.
fn agreed(one: Result<Admission, Refusal>, two: Result<Admission, Refusal>) -> Result<Admission, Refusal> {
    match (one, two) {
        (Ok(mut one), Ok(two)) => {
            for (a, b) in one.party.iter_mut().zip(&two.party) {
                a.stale = b.stale;
            }
            if one == two { Ok(one) } else { Err(Refusal::ClockInDoubt) }
        }
        (Err(one), Err(two)) if one == two => Err(one),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => Err(Refusal::ClockInDoubt),
    }
}

#[cfg(test)]
mod tests;
