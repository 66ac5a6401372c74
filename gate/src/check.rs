//! What is wrong with a policy or a roster before anybody stands at the door: to be read by the technician who starts the
//! kiosk and by the staff, so every finding says what to do.
//!
//! A policy that would let nobody in or everybody, or that cannot be meant, is fatal: the kiosk does not run with it. The
//! rest is pointed out. Keys are those of the facility's file; people are named by their ids alone.

mod classes;
mod factors;
mod roster;

use thiserror::Error;

pub use roster::RosterFinding;

use crate::{FaceAlone, Facility, FeeClassId, Policy, Schedule, SchoolStage, SensorTier, Weekday};

/// If more than one visit in a hundred with a lent card is let in, the face that confirms a claim confirms little.
const MOST_FMR: f64 = 0.01;

/// Scores lie between -1 and 1, so nobody is farther ahead of the second than this.
const MOST_MARGIN: f32 = 2.0;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

/// Minutes east of UTC of all clocks in the world.
const OFFSETS: std::ops::RangeInclusive<i32> = -12 * 60..=14 * 60;

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PolicyFinding {
    /// A value that lets nobody in.
    #[error("`{key}` lets nobody in; {remedy}")]
    Nobody {
        /// The policy's key.
        key: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A value that lets everybody in, or nearly.
    #[error("`{key}` lets in people who should stay outside; {remedy}")]
    Everybody {
        /// The policy's key.
        key: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A photograph opens the door.
    #[error(
        "WARNING: a photograph opens this door, because its colour camera cannot tell one from a face; set \
         `face_alone.rgb` to `opens-after-turn` or `needs-claim`, or fit a near infrared or depth camera"
    )]
    PhotographOpens,
    /// Hours that end before they begin.
    #[error(
        "the hours of {day:?} end before they begin, so it counts as closed; write them as from, until, or leave the day out"
    )]
    HoursBackwards {
        /// Which day.
        day: Weekday,
    },
    /// Hours beyond midnight.
    #[error("the hours of {day:?} end after midnight; end them at 24:00 and begin the next day's at 0:00")]
    HoursBeyondMidnight {
        /// Which day.
        day: Weekday,
    },
    /// No clock on earth shows such a time.
    #[error("`admission.utc_offset_min` is {minutes}; Japan is 540 minutes east of UTC")]
    OffsetImpossible {
        /// As written.
        minutes: i32,
    },
    /// A rule that asks for nothing.
    #[error(
        "rule {rule} of `factors.rule` asks for nothing, so everybody comes in by it; write what it `needs`"
    )]
    RuleWithoutFactor {
        /// Which, counted from 1.
        rule: usize,
    },
    /// A number that can be copied opens a door.
    #[error(
        "WARNING: rule {rule} of `factors.rule` opens this door for whoever copied a card's number or a printed code; \
         add `face` to it, or ask for `fresh-code` or `card-pin`"
    )]
    CopyOpens {
        /// Which, counted from 1.
        rule: usize,
    },
    /// Hours of a rule that no day has.
    #[error(
        "the hours of {day:?} in rule {rule} of `factors.rule` end before they begin or after midnight; write them as \
         from, until, and a night as two rules"
    )]
    RuleHoursWrong {
        /// Which, counted from 1.
        rule: usize,
        /// Which day.
        day: Weekday,
    },
    /// A rule for times at which the facility is closed.
    #[error(
        "rule {rule} of `factors.rule` never counts, because the facility is closed in its hours; correct one of them"
    )]
    RuleNeverCounts {
        /// Which, counted from 1.
        rule: usize,
    },
    /// A rule that another makes needless.
    #[error(
        "rule {rule} of `factors.rule` decides nothing, because rule {by} asks for less whenever it counts; take one of \
         them out"
    )]
    RuleNeverNeeded {
        /// Which, counted from 1.
        rule: usize,
        /// The one that asks for less.
        by: usize,
    },
    /// The facility is open and nothing opens.
    #[error(
        "from {:02}:{:02} on {day:?} the facility is open and no rule of `factors.rule` counts, so only staff let people \
         in; add a rule for that time", minute / 60, minute % 60
    )]
    NoRuleAt {
        /// Which day.
        day: Weekday,
        /// Minutes since midnight.
        minute: u16,
    },
    /// The time in which the door must be closed again is none.
    #[error("`door.held_open_s` is zero, so every opening is an alarm; 30 seconds is usual")]
    HeldOpenAtOnce,
    /// Nobody ever counts as inside.
    #[error(
        "`admission.longest_stay_h` is zero, so nobody counts as inside, in a fire neither; 16 hours is usual"
    )]
    NobodyInside,
    /// No kiosk spends coupons.
    #[error(
        "`admission.kiosks` is zero; write how many kiosks spend from the same coupons, 1 if there is only this one"
    )]
    NoKiosks,
    /// Two fee classes with one name.
    #[error("two fee classes are called `{}`, so nobody can tell them apart in the report; rename one", class.0)]
    FeeClassTwice {
        /// The name.
        class: FeeClassId,
    },
    /// An age range without ages.
    #[error("fee class `{}` is for nobody: `below_age` must be more than `from_age`", class.0)]
    AgesBackwards {
        /// Which class.
        class: FeeClassId,
    },
    /// Nobody is ever put into the class.
    #[error("fee class `{}` is never reached; {}", class.0, reached_by(earlier.as_ref()))]
    FeeClassNeverReached {
        /// Which class.
        class: FeeClassId,
        /// The earlier class that takes one of those whom it is for; none if its own conditions exclude each other.
        earlier: Option<FeeClassId>,
    },
    /// Somebody of whom all is known has no class.
    #[error(
        "no fee class fits {} of age {age} ({}), for one, so staff must say each time; add a class, for instance a last \
         one without conditions", lives(*resident), school(*stage)
    )]
    NoFeeClass {
        /// An example.
        age: u16,
        /// Whether the person lives in the city.
        resident: bool,
        /// The person's stage of school.
        stage: SchoolStage,
    },
}

fn reached_by(earlier: Option<&FeeClassId>) -> String {
    match earlier {
        Some(earlier) => format!("put it before `{}`, which takes its people", earlier.0),
        None => "its conditions exclude each other; loosen one".into(),
    }
}

fn lives(resident: bool) -> &'static str {
    if resident { "a resident" } else { "a non-resident" }
}

fn school(stage: SchoolStage) -> &'static str {
    match stage {
        SchoolStage::Preschool => "before school",
        SchoolStage::Elementary => "elementary school",
        SchoolStage::JuniorHigh => "junior high school",
        SchoolStage::HighSchool => "high school age",
        SchoolStage::Beyond => "past school",
    }
}

impl PolicyFinding {
    /// Whether a kiosk must not run with it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Nobody { .. }
            | Self::Everybody { .. }
            | Self::HoursBackwards { .. }
            | Self::HoursBeyondMidnight { .. }
            | Self::OffsetImpossible { .. }
            | Self::NoKiosks
            | Self::RuleWithoutFactor { .. }
            | Self::RuleHoursWrong { .. }
            | Self::FeeClassTwice { .. }
            | Self::AgesBackwards { .. } => true,
            Self::PhotographOpens
            | Self::CopyOpens { .. }
            | Self::RuleNeverCounts { .. }
            | Self::RuleNeverNeeded { .. }
            | Self::NoRuleAt { .. }
            | Self::HeldOpenAtOnce
            | Self::NobodyInside
            | Self::FeeClassNeverReached { .. }
            | Self::NoFeeClass { .. } => false,
        }
    }
}

/// Everything that is wrong with a policy, the fatal first.
#[must_use]
pub fn check(policy: &Policy) -> Vec<PolicyFinding> {
    let mut findings = thresholds(policy);
    findings.extend(spans(policy));
    findings.extend(hours(&policy.facility.hours));
    findings.extend(counts(&policy.facility));
    findings.extend(classes::check(&policy.facility));
    findings.extend(factors::check(policy));
    if policy.door.is_some() && policy.door_times.held_open.is_zero() {
        findings.push(PolicyFinding::HeldOpenAtOnce);
    }
    let rgb_door = policy.sensor == SensorTier::Rgb && policy.door.is_some();
    let by_face = policy
        .factors
        .any_of
        .iter()
        .any(|rule| !rule.needs.is_empty() && rule.needs.credentials().is_empty() && rule.is_for(policy));
    if rgb_door && by_face && policy.face_alone.at(policy.sensor, true) == FaceAlone::Opens {
        findings.push(PolicyFinding::PhotographOpens);
    }
    findings.sort_by_key(|finding| !finding.is_fatal());
    findings
}

/// What the numbers of recognition let in. Each good case is stated, so what is not a number is refused.
fn thresholds(policy: &Policy) -> Vec<PolicyFinding> {
    let (pad, margin) = (policy.pad_floor, policy.margin);
    let (fpir, fmr) = (policy.target_fpir, policy.claim.target_fmr);
    // The key; whether it is good; whether it lets in too many, and then what to do, else what to do.
    let rows = [
        (
            "face.pad_floor",
            pad > 0.0 && pad <= 1.0,
            (pad <= 0.0, "a photograph reaches it; 0.5 is usual"),
            "no face reaches more than 1; 0.5 is usual",
        ),
        (
            "face.target_fpir",
            fpir > 0.0 && fpir < 1.0,
            (fpir >= 1.0, "it accepts every stranger; 0.01 is usual"),
            "no search is free of false alarms; 0.01 is usual",
        ),
        (
            "face.margin",
            (0.0..=MOST_MARGIN).contains(&margin),
            (margin < 0.0, "it accepts people who are too alike to tell apart; 0.08 is usual"),
            "nobody is ahead of the second by more than 2; 0.08 is usual",
        ),
        (
            "claim.target_fmr",
            fmr > 0.0 && fmr < MOST_FMR,
            (fmr >= MOST_FMR, "one lent card in a hundred works, or more; 0.0005 is usual"),
            "no comparison is free of false matches; 0.0005 is usual",
        ),
    ];
    let bad = rows.into_iter().filter(|(_, good, ..)| !good);
    bad.map(|(key, _, (everybody, less), more)| match everybody {
        true => PolicyFinding::Everybody { key, remedy: less },
        false => PolicyFinding::Nobody { key, remedy: more },
    })
    .collect()
}

/// Numbers and times without which no visit gets to its end.
fn spans(policy: &Policy) -> Vec<PolicyFinding> {
    let late = policy.door.is_some() && policy.grant_life.is_zero();
    let zeroes = [
        (policy.frames == 0, "face.frames", "an attempt needs a frame; 3 is usual"),
        (policy.attempts == 0, "face.attempts", "a visit needs an attempt; 3 is usual"),
        (policy.patience.is_zero(), "face.patience_s", "a visit needs time; 8 seconds is usual"),
        (policy.absence.is_zero(), "face.absence_ms", "everybody is gone between two frames; 1500 is usual"),
        (policy.freshness.is_zero(), "face.freshness_ms", "every frame is too old; 2000 is usual"),
        (policy.claim.patience.is_zero(), "claim.patience_s", "nobody looks up so fast; 20 is usual"),
        (
            policy.claim.reader_patience.is_zero(),
            "claim.reader_patience_s",
            "nobody types a PIN so fast; 60 is usual",
        ),
        (late, "visit.grant_life_ms", "every grant is too old for the strike; 2000 is usual"),
    ];
    let found = zeroes.into_iter().filter(|(is_zero, ..)| *is_zero);
    found.map(|(_, key, remedy)| PolicyFinding::Nobody { key, remedy }).collect()
}

fn hours(hours: &Schedule) -> Vec<PolicyFinding> {
    let mut findings = Vec::new();
    for (day, (from, until)) in
        Weekday::ALL.into_iter().zip(hours.week).filter_map(|(day, it)| Some((day, it?)))
    {
        if from >= until {
            findings.push(PolicyFinding::HoursBackwards { day });
        } else if until > DAY_MINUTES {
            findings.push(PolicyFinding::HoursBeyondMidnight { day });
        }
    }
    if !opens(hours) {
        let remedy = "the facility is closed on all days of the week; write its hours, or leave `hours` out";
        findings.push(PolicyFinding::Nobody { key: "hours", remedy });
    }
    findings
}

/// Whether any weekday has a minute that is open.
pub(super) fn opens(hours: &Schedule) -> bool {
    hours.week.iter().flatten().any(|(from, until)| from < until && *from < DAY_MINUTES)
}

/// Numbers by which people and coupons are counted.
fn counts(facility: &Facility) -> Vec<PolicyFinding> {
    let mut findings = Vec::new();
    if !OFFSETS.contains(&facility.offset_minutes) {
        findings.push(PolicyFinding::OffsetImpossible { minutes: facility.offset_minutes });
    }
    if facility.kiosks == 0 {
        findings.push(PolicyFinding::NoKiosks);
    }
    if facility.longest_stay.is_zero() {
        findings.push(PolicyFinding::NobodyInside);
    }
    findings
}

#[cfg(test)]
mod tests;
