//! From what is written to what is meant: every number in its range, every text fit for a screen.

use std::{collections::BTreeSet, ops::RangeInclusive, sync::Arc, time::Duration};

use gate::{
    ClaimRule, CodePlace, Date, DoorTimes, FaceRules, Facility, FeeClass, FeeClassId, Policy, Schedule, Who,
    Words,
};
use store::Retention;
use toml::value::Datetime;

use super::{
    FacilityError, FacilityFile,
    sections::{Admission, Claim, Codes, Days, Door, Face, FaceAloneRules, Fee, Hours, Visit, Whole},
};

/// Fee classes of one facility. A screen shows a few; a report has a row for each.
const MOST_FEES: usize = 64;
/// Closed days of one file: more than ten years of New Year, holidays and works.
const MOST_CLOSED: usize = 1_000;
/// Characters of a text on the screen: what fits in two lines at the size that can be read from 1.5 m.
const LONGEST_WORDS: usize = 48;
/// Characters of a fee class's name in records.
const LONGEST_ID: usize = 40;
/// A code names its zones by the bits of a positive whole number.
const MOST_ZONE: u64 = 62;
/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;

const HOURS: &str = "\"09:00-17:00\", \"00:00-24:00\" and \"closed\" are, the end after the beginning";

pub(super) fn facility_of(file: &str, whole: Whole) -> Result<FacilityFile, FacilityError> {
    let file = File { name: file };
    let Whole {
        admission,
        hours,
        fee,
        face,
        face_alone,
        factors,
        claim,
        codes,
        card_photo,
        visit,
        door,
        retention,
    } = whole;
    let policy = Policy { facility: file.facility(admission, hours, fee)?, ..Policy::default() };
    let policy = file.visit(visit, file.face(face, policy)?)?;
    let FaceAloneRules { simulated, rgb, nir, depth, counter, registry_old } = face_alone;
    let policy = Policy {
        face_alone: FaceRules { simulated, rgb, nir, depth, counter, registry_old },
        factors: file.factors(factors)?,
        claim: file.claim(claim)?,
        codes: file.codes(codes)?,
        door_times: file.door(door)?,
        ..policy
    };
    let card_photo = file.card_photo(&card_photo)?;
    Ok(FacilityFile { policy, card_photo, retention: file.retention(retention)? })
}

/// What errors call the file.
pub(super) struct File<'a> {
    name: &'a str,
}

impl File<'_> {
    fn facility(
        &self,
        admission: Admission,
        hours: Option<Hours>,
        fees: Vec<Fee>,
    ) -> Result<Facility, FacilityError> {
        self.check(fees.len() <= MOST_FEES, "[[fee]]", fees.len(), "at most 64 fee classes are")?;
        let offset = admission.utc_offset_min;
        self.check(
            (-720..=840).contains(&offset),
            "admission.utc_offset_min",
            offset,
            "-720 to 840 minutes are; Japan has 540",
        )?;
        let stay = admission.longest_stay_h;
        let stay: u64 = self.whole(stay, 1..=24, "admission.longest_stay_h", "1 to 24 hours are")?;
        let fresh = admission.attributes_fresh_days;
        let kiosks = admission.kiosks;
        Ok(Facility {
            offset_minutes: i32::try_from(offset).expect("in range"),
            hours: hours.map_or(Ok(Schedule::ALWAYS), |hours| self.hours(&hours))?,
            admits: admission.admits,
            party: admission.party,
            inside: admission.inside,
            longest_stay: Duration::from_hours(stay),
            attributes_fresh_days: self.whole(
                fresh,
                1..=3_660,
                "admission.attributes_fresh_days",
                "1 to 3660 days are",
            )?,
            age: admission.age,
            fees: self.fees(fees)?,
            names: admission.names,
            greeting: admission.greeting,
            kiosks: self.whole(kiosks, 1..=1_000, "admission.kiosks", "1 to 1000 are")?,
        })
    }

    pub(super) fn hours(&self, hours: &Hours) -> Result<Schedule, FacilityError> {
        self.check(
            hours.closed.len() <= MOST_CLOSED,
            "hours.closed",
            format!("{} days", hours.closed.len()),
            "at most 1000 days are",
        )?;
        Ok(Schedule {
            week: [
                self.day("hours.monday", &hours.monday)?,
                self.day("hours.tuesday", &hours.tuesday)?,
                self.day("hours.wednesday", &hours.wednesday)?,
                self.day("hours.thursday", &hours.thursday)?,
                self.day("hours.friday", &hours.friday)?,
                self.day("hours.saturday", &hours.saturday)?,
                self.day("hours.sunday", &hours.sunday)?,
            ],
            closed: hours.closed.iter().map(|day| self.closed(day)).collect::<Result<_, _>>()?,
        })
    }

    /// `09:00-17:00`, or `closed`.
    pub(super) fn day(&self, key: &str, text: &str) -> Result<Option<(u16, u16)>, FacilityError> {
        if text == "closed" {
            return Ok(None);
        }
        let span = text.split_once('-').and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
        let span = span.filter(|(from, until)| from < until);
        span.map(Some).ok_or_else(|| self.value(key, quoted(text), HOURS))
    }

    fn closed(&self, day: &Datetime) -> Result<Date, FacilityError> {
        let plain = day.date.filter(|_| day.time.is_none() && day.offset.is_none());
        let date = plain.and_then(|date| Date::new(date.year, date.month, date.day));
        date.ok_or_else(|| {
            self.value("hours.closed", day.to_string(), "days of the calendar like 2026-12-29 are")
        })
    }

    fn fees(&self, fees: Vec<Fee>) -> Result<Vec<FeeClass>, FacilityError> {
        let mut known = BTreeSet::new();
        let mut classes = Vec::new();
        for fee in fees {
            let class = self.fee(fee)?;
            self.check(known.insert(class.id.clone()), "fee.id", quoted(&class.id.0), "each name once is")?;
            classes.push(class);
        }
        Ok(classes)
    }

    fn fee(&self, fee: Fee) -> Result<FeeClass, FacilityError> {
        let key = |name: &str| format!("{name} of the fee {}", quoted(&fee.id));
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        self.check(
            (1..=LONGEST_ID).contains(&fee.id.len()) && fee.id.chars().all(plain),
            "fee.id",
            quoted(&fee.id),
            "1 to 40 of a to z, 0 to 9 and - are, for instance \"resident-child\"",
        )?;
        let yen = self.whole(fee.yen, 0..=1_000_000, &key("yen"), "0 to 1000000 yen are")?;
        let age = |age: Option<u64>, name: &str| {
            age.map(|age| self.whole(age, 0..=150, &key(name), "0 to 150 years are")).transpose()
        };
        let (from_age, below_age) = (age(fee.from_age, "from_age")?, age(fee.below_age, "below_age")?);
        let words = |text: &str, name: &str| self.words(&key(name), text);
        Ok(FeeClass {
            yen,
            words: Words {
                japanese: words(&fee.ja, "ja")?,
                easy: words(&fee.easy, "easy")?,
                english: words(&fee.en, "en")?,
            },
            who: Who { resident: fee.resident, from_age, below_age, school: fee.school },
            id: FeeClassId(fee.id.into()),
        })
    }

    fn words(&self, key: &str, text: &str) -> Result<Arc<str>, FacilityError> {
        let text = text.trim();
        let good = (1..=LONGEST_WORDS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        self.check(good, key, quoted(text), "1 to 48 characters in one line are")?;
        Ok(text.into())
    }

    fn face(&self, face: Face, policy: Policy) -> Result<Policy, FacilityError> {
        let Face { frames, attempts, pad_floor, target_fpir, margin, patience_s, absence_ms, freshness_ms } =
            face;
        Ok(Policy {
            frames: self.whole(frames, 1..=30, "face.frames", "1 to 30 frames are")?,
            attempts: self.whole(attempts, 1..=10, "face.attempts", "1 to 10 attempts are")?,
            pad_floor: score(self.share(
                pad_floor,
                "face.pad_floor",
                "above 0 and below 1 is; 0.5 is usual",
            )?),
            target_fpir: self.share(
                target_fpir,
                "face.target_fpir",
                "above 0 and below 1 is; 0.01 is one visit of an unknown person in a hundred",
            )?,
            margin: score(self.share(margin, "face.margin", "above 0 and below 1 is; 0.08 is usual")?),
            patience: self.seconds(patience_s, 2..=600, "face.patience_s", "2 to 600 seconds are")?,
            absence: self.milliseconds(
                absence_ms,
                500..=10_000,
                "face.absence_ms",
                "500 to 10000 milliseconds are",
            )?,
            freshness: self.milliseconds(
                freshness_ms,
                200..=10_000,
                "face.freshness_ms",
                "200 to 10000 milliseconds are",
            )?,
            ..policy
        })
    }

    fn claim(&self, claim: Claim) -> Result<ClaimRule, FacilityError> {
        let allowed = "above 0 and below 1 is; 0.0005 is one visit with a lent card in two thousand";
        Ok(ClaimRule {
            target_fmr: self.share(claim.target_fmr, "claim.target_fmr", allowed)?,
            patience: self.seconds(claim.patience_s, 2..=600, "claim.patience_s", "2 to 600 seconds are")?,
            reader_patience: self.seconds(
                claim.reader_patience_s,
                10..=600,
                "claim.reader_patience_s",
                "10 to 600 seconds are",
            )?,
        })
    }

    fn codes(&self, Codes { site, zone, old_denylist_counts }: Codes) -> Result<CodePlace, FacilityError> {
        let usable = site.len() <= credentials::MAX_NAME && !site.chars().any(char::is_control);
        self.check(usable, "codes.site", &site, "at most 64 bytes without control characters are")?;
        self.check(zone <= MOST_ZONE, "codes.zone", zone, "0 to 62 are")?;
        Ok(CodePlace { site: site.into(), zone: zone as u8, old_denylist_counts })
    }

    fn visit(&self, visit: Visit, policy: Policy) -> Result<Policy, FacilityError> {
        let Visit { outcome_shown_s, grant_life_ms, refusals_before_pause, pause_s, longest_pause_s } = visit;
        let pause = self.seconds(pause_s, 0..=60, "visit.pause_s", "0 to 60 seconds are")?;
        self.check(
            longest_pause_s >= pause_s,
            "visit.longest_pause_s",
            longest_pause_s,
            "at least visit.pause_s is",
        )?;
        Ok(Policy {
            outcome_shown: self.seconds(
                outcome_shown_s,
                1..=60,
                "visit.outcome_shown_s",
                "1 to 60 seconds are",
            )?,
            grant_life: self.milliseconds(
                grant_life_ms,
                200..=10_000,
                "visit.grant_life_ms",
                "200 to 10000 milliseconds are",
            )?,
            refusals_before_pause: self.whole(
                refusals_before_pause,
                1..=100,
                "visit.refusals_before_pause",
                "1 to 100 are",
            )?,
            pause,
            longest_pause: self.seconds(
                longest_pause_s,
                0..=600,
                "visit.longest_pause_s",
                "0 to 600 seconds are",
            )?,
            ..policy
        })
    }

    fn door(&self, door: Door) -> Result<DoorTimes, FacilityError> {
        let Door { open_within_s, held_open_s, exit_within_s } = door;
        let within = "1 to 60 seconds are";
        Ok(DoorTimes {
            open_within: self.seconds(open_within_s, 1..=60, "door.open_within_s", within)?,
            held_open: self.seconds(held_open_s, 2..=600, "door.held_open_s", "2 to 600 seconds are")?,
            exit_within: self.seconds(exit_within_s, 1..=60, "door.exit_within_s", within)?,
        })
    }

    fn retention(&self, days: Days) -> Result<Retention, FacilityError> {
        let kept =
            |days, key| self.whole(days, 0..=3_660, key, "0 to 3660 days are; 0 is until the next day");
        Ok(Retention {
            decisions_days: kept(days.decisions_days, "retention.decisions_days")?,
            refusals_days: kept(days.refusals_days, "retention.refusals_days")?,
            visits_person_days: kept(days.visits_person_days, "retention.visits_person_days")?,
            accesses_days: kept(days.accesses_days, "retention.accesses_days")?,
            removed_staff_days: kept(days.removed_staff_days, "retention.removed_staff_days")?,
        })
    }

    pub(super) fn whole<T: TryFrom<u64>>(
        &self,
        value: u64,
        range: RangeInclusive<u64>,
        key: &str,
        allowed: &'static str,
    ) -> Result<T, FacilityError> {
        let inside = range.contains(&value).then_some(value).and_then(|value| T::try_from(value).ok());
        inside.ok_or_else(|| self.value(key, value, allowed))
    }

    /// Above 0 and below 1; what is not a number is neither.
    pub(super) fn share(&self, value: f64, key: &str, allowed: &'static str) -> Result<f64, FacilityError> {
        self.check(value > 0.0 && value < 1.0, key, value, allowed)?;
        Ok(value)
    }

    fn seconds(
        &self,
        value: u64,
        range: RangeInclusive<u64>,
        key: &str,
        allowed: &'static str,
    ) -> Result<Duration, FacilityError> {
        self.whole(value, range, key, allowed).map(Duration::from_secs)
    }

    fn milliseconds(
        &self,
        value: u64,
        range: RangeInclusive<u64>,
        key: &str,
        allowed: &'static str,
    ) -> Result<Duration, FacilityError> {
        self.whole(value, range, key, allowed).map(Duration::from_millis)
    }

    pub(super) fn check(
        &self,
        good: bool,
        key: &str,
        value: impl ToString,
        allowed: &'static str,
    ) -> Result<(), FacilityError> {
        if good { Ok(()) } else { Err(self.value(key, value, allowed)) }
    }

    pub(super) fn value(&self, key: &str, value: impl ToString, allowed: &'static str) -> FacilityError {
        FacilityError::Value { file: self.name.into(), key: key.into(), value: value.to_string(), allowed }
    }
}

/// Scores are compared in 32 bits.
#[expect(clippy::cast_possible_truncation, reason = "a share keeps seven digits")]
fn score(share: f64) -> f32 {
    share as f32
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// `09:00` as minutes since midnight; `24:00` is the end of the day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| digits.len() == 2 && digits.bytes().all(|it| it.is_ascii_digit());
    if !two(hour) || !two(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= DAY_MINUTES).then_some(minutes)
}
