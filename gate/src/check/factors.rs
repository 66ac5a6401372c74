//! Whether the rules about factors open for somebody, at the times when the facility is open, and whether each of them is
//! ever what decides.

use crate::{FaceAlone, FactorRule, Policy, Schedule, Weekday};

use super::{DAY_MINUTES, PolicyFinding, opens};

pub(super) fn check(policy: &Policy) -> Vec<PolicyFinding> {
    let rules = &policy.factors.any_of;
    let numbered = || (1..).zip(rules);
    let mut findings: Vec<_> = numbered().flat_map(|(number, rule)| of_rule(policy, number, rule)).collect();
    let earlier_or_later = numbered().filter_map(|(number, rule)| {
        let weaker = |(other, it): &(usize, &FactorRule)| {
            *other != number && is_never_needed(rule, it, *other < number)
        };
        let (by, _) = numbered().find(weaker)?;
        Some(PolicyFinding::RuleNeverNeeded { rule: number, by })
    });
    findings.extend(earlier_or_later);
    let usable: Vec<_> = rules.iter().filter(|rule| is_usable(policy, rule)).collect();
    if usable.is_empty() {
        let remedy = "no rule ever opens at this door or counter; leave `factors` out, or add a rule such as [\"claim\", \"face\"]";
        findings.push(PolicyFinding::Nobody { key: "factors.rule", remedy });
    } else {
        findings.extend(without_rule(&policy.facility.hours, &usable));
    }
    findings
}

/// What is wrong with one rule by itself.
fn of_rule(policy: &Policy, number: usize, rule: &FactorRule) -> Vec<PolicyFinding> {
    let mut findings = Vec::new();
    if rule.needs.is_empty() {
        findings.push(PolicyFinding::RuleWithoutFactor { rule: number });
    } else if rule.needs.is_copyable() && rule.is_for(policy) && policy.door.is_some() {
        findings.push(PolicyFinding::CopyOpens { rule: number });
    }
    let days = Weekday::ALL.into_iter().zip(rule.hours.week);
    let wrong = days.filter(|(_, it)| it.is_some_and(|(from, until)| from >= until || until > DAY_MINUTES));
    findings.extend(wrong.map(|(day, _)| PolicyFinding::RuleHoursWrong { rule: number, day }));
    let always = rule.hours == Schedule::ALWAYS;
    if !always && !meet(&rule.hours, &policy.facility.hours) && opens(&policy.facility.hours) {
        findings.push(PolicyFinding::RuleNeverCounts { rule: number });
    }
    findings
}

/// Whether the other asks for less whenever this one counts, so that nobody is ever asked for this one. A face by itself is
/// not less than a credential and the face: the one is searched among all, the other is compared 1:1. Of two equal rules
/// the later is the one too many.
fn is_never_needed(rule: &FactorRule, other: &FactorRule, other_is_earlier: bool) -> bool {
    let alike = rule.needs.credentials().is_empty() == other.needs.credentials().is_empty();
    let wider = (other.hours == rule.hours || other.hours == Schedule::ALWAYS)
        && (other.mode.is_none() || other.mode == rule.mode)
        && (other.place == crate::Place::Anywhere || other.place == rule.place)
        && other.assurance <= rule.assurance;
    let less = !other.needs.is_empty() && rule.needs.contains_all(other.needs);
    alike && wider && less && (rule.needs != other.needs || *rule != *other || other_is_earlier)
}

/// Whether the rule opens at some time at this board.
fn is_usable(policy: &Policy, rule: &FactorRule) -> bool {
    let alone = policy.face_alone.at(policy.sensor, policy.door.is_some());
    let face_opens = match alone {
        FaceAlone::Opens | FaceAlone::OpensAfterTurn => true,
        FaceAlone::NeedsClaim => false,
    };
    !rule.needs.is_empty()
        && rule.is_for(policy)
        && (face_opens || !rule.needs.credentials().is_empty())
        && opens(&rule.hours)
}

/// Whether both hold in some minute of a week.
fn meet(one: &Schedule, other: &Schedule) -> bool {
    let days = one.week.iter().zip(other.week);
    days.filter_map(|(a, b)| Some(((*a)?, b?))).any(|(a, b)| a.0.max(b.0) < a.1.min(b.1))
}

/// The first minute of a week in which the facility is open and no rule counts: coverage changes only where hours begin or
/// end.
fn without_rule(hours: &Schedule, rules: &[&FactorRule]) -> Option<PolicyFinding> {
    let days = Weekday::ALL.into_iter().zip(hours.week).enumerate();
    let mut gaps = days.filter_map(|(place, (day, open))| {
        let (from, until) = open.map(|(from, until)| (from, until.min(DAY_MINUTES)))?;
        let theirs = || rules.iter().filter_map(|rule| rule.hours.week[place]);
        let ends = theirs().map(|(_, end)| end).chain([from]);
        let bare =
            ends.filter(|at| (from..until).contains(at) && !theirs().any(|(a, b)| (a..b).contains(at)));
        Some(PolicyFinding::NoRuleAt { day, minute: bare.min()? })
    });
    gaps.next()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        Assurance, FaceRules, Facility, Factor, FactorRules, FactorSet, Mode, Place, SensorTier,
        check as check_all,
    };

    const FACE: &[Factor] = &[Factor::Face];
    const CLAIM_FACE: &[Factor] = &[Factor::Claim, Factor::Face];
    const CODE: &[Factor] = &[Factor::FreshCode];

    fn rule(needs: &[Factor]) -> FactorRule {
        FactorRule::always(FactorSet::of(needs))
    }

    fn with(rules: Vec<FactorRule>) -> Policy {
        Policy { factors: FactorRules { any_of: rules }, ..Policy::default() }
    }

    fn by_day(from: u16, until: u16) -> Schedule {
        Schedule { week: [Some((from * 60, until * 60)); 7], closed: Vec::new() }
    }

    fn found(policy: &Policy) -> Vec<(bool, PolicyFinding)> {
        check_all(policy).into_iter().map(|it| (it.is_fatal(), it)).collect()
    }

    #[test]
    fn a_rule_without_a_factor_lets_everybody_in_and_is_fatal() {
        let policy = with(vec![rule(FACE), rule(&[])]);
        assert_eq!(found(&policy), [(true, PolicyFinding::RuleWithoutFactor { rule: 2 })]);
    }

    #[test]
    fn rules_that_open_for_nobody_are_fatal() {
        let hours = Schedule { week: [None; 7], closed: Vec::new() };
        let counter = FactorRule { place: Place::Counter, ..rule(CODE) };
        let shelter = FactorRule { mode: Some(Mode::Shelter), ..rule(CODE) };
        let nobody = |policy: &Policy| {
            let first = found(policy).remove(0);
            assert!(matches!(first, (true, PolicyFinding::Nobody { key: "factors.rule", .. })), "{first:?}");
        };
        for rules in [vec![], vec![FactorRule { hours, ..rule(FACE) }], vec![counter], vec![shelter]] {
            nobody(&with(rules));
        }
        let face_alone = FaceRules { rgb: FaceAlone::NeedsClaim, ..FaceRules::default() };
        let strict = Policy { sensor: SensorTier::Rgb, face_alone, ..with(vec![rule(FACE)]) };
        nobody(&strict);
        assert_eq!(found(&Policy { factors: FactorRules::default(), ..strict }), []);
    }

    #[test]
    fn what_can_be_copied_opens_a_door_with_a_warning_and_a_counter_without() {
        for needs in [&[Factor::CardShown][..], &[Factor::Claim], &[Factor::Claim, Factor::CardShown]] {
            let policy = with(vec![rule(needs)]);
            assert_eq!(found(&policy), [(false, PolicyFinding::CopyOpens { rule: 1 })]);
            assert_eq!(found(&Policy { door: None, ..policy }), []);
        }
        for needs in [CODE, CLAIM_FACE, &[Factor::CardPin], &[Factor::CardShown, Factor::FreshCode]] {
            assert_eq!(found(&with(vec![rule(needs)])), [], "{needs:?}");
        }
    }

    #[test]
    fn hours_that_cannot_be_meant_are_fatal_and_hours_that_never_come_are_pointed_out() {
        let backwards = FactorRule { hours: by_day(18, 8), ..rule(CODE) };
        let first = found(&with(vec![rule(FACE), backwards])).remove(0);
        assert_eq!(first, (true, PolicyFinding::RuleHoursWrong { rule: 2, day: Weekday::Monday }));
        let night = FactorRule { hours: by_day(20, 24), ..rule(CODE) };
        let facility = Facility { hours: by_day(8, 20), ..Facility::default() };
        let policy = Policy { facility, ..with(vec![rule(FACE), night]) };
        assert_eq!(found(&policy), [(false, PolicyFinding::RuleNeverCounts { rule: 2 })]);
    }

    #[test]
    fn an_hour_without_a_rule_is_pointed_out() {
        let morning = FactorRule { hours: by_day(8, 12), ..rule(FACE) };
        let evening = FactorRule { hours: by_day(13, 20), ..rule(CODE) };
        let facility = Facility { hours: by_day(8, 20), ..Facility::default() };
        let policy = Policy { facility, ..with(vec![morning.clone(), evening]) };
        let gap = PolicyFinding::NoRuleAt { day: Weekday::Monday, minute: 12 * 60 };
        assert_eq!(found(&policy), [(false, gap)]);
        let evening = FactorRule { hours: by_day(12, 20), ..rule(CODE) };
        let factors = FactorRules { any_of: vec![morning, evening] };
        assert_eq!(found(&Policy { factors, ..policy }), []);
    }

    #[test]
    fn a_rule_that_a_weaker_one_makes_needless_is_named() {
        let strict = rule(&[Factor::CardShown, Factor::CardPin]);
        let never = |rules, rule, by| {
            let findings = found(&with(rules));
            assert!(findings.contains(&(false, PolicyFinding::RuleNeverNeeded { rule, by })), "{findings:?}");
        };
        never(vec![rule(&[Factor::CardShown]), strict.clone()], 2, 1);
        never(vec![strict.clone(), rule(&[Factor::CardPin])], 1, 2);
        never(vec![rule(CODE), rule(CODE)], 2, 1);
        never(vec![FactorRule { hours: by_day(8, 20), ..rule(CODE) }, rule(CODE)], 1, 2);
        let surely = FactorRule { assurance: Assurance::JpkiVerified, ..rule(&[Factor::CardPin]) };
        assert_eq!(found(&with(vec![surely, strict, rule(CLAIM_FACE), rule(FACE)])), []);
    }
}
