//! Days as people and statutes count them: dates, weekdays, ages, school years, and the local time of a facility.
//!
//! A wall clock is a claim with an uncertainty. Whoever asks for a day gets both ends of the interval ([`Local::span`]), and
//! a rule that would answer differently within it has not been answered.

use std::fmt;

use thiserror::Error;

use crate::Wall;

/// Minutes of a day.
const DAY_MINUTES: i64 = 24 * 60;

/// A day of the Gregorian calendar, from the year 1 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weekday {
    /// 月曜日.
    Monday,
    /// 火曜日.
    Tuesday,
    /// 水曜日.
    Wednesday,
    /// 木曜日.
    Thursday,
    /// 金曜日.
    Friday,
    /// 土曜日.
    Saturday,
    /// 日曜日.
    Sunday,
}

impl Weekday {
    /// From Monday to Sunday.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];
}

impl Date {
    /// The day, if the calendar has it.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1..=9_999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=month_length(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// Reads `2026-11-24`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return None;
        }
        Self::new(text[..4].parse().ok()?, text[5..7].parse().ok()?, text[8..].parse().ok()?)
    }

    /// The Western year.
    #[must_use]
    pub fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    #[must_use]
    pub fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01; negative before. (Civil from days and back as in H. Hinnant's "chrono-compatible low-level
    /// date algorithms": years begin in March, 400 of them have 146,097 days.)
    #[must_use]
    pub fn days(self) -> i64 {
        let (year, month) = (i64::from(self.year) - i64::from(self.month <= 2), i64::from(self.month));
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The day that lies `days` after 1970-01-01, if it is in the years 1 to 9999.
    #[must_use]
    pub fn from_days(days: i64) -> Option<Self> {
        let days = days.checked_add(719_468)?;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// The day `days` later (earlier if negative); none outside the years 1 to 9999.
    #[must_use]
    pub fn plus_days(self, days: i64) -> Option<Self> {
        Self::from_days(self.days().checked_add(days)?)
    }

    /// The day of the week.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        Weekday::ALL[usize::try_from((self.days() + 3).rem_euclid(7)).expect("a remainder of 7 is below 7")]
    }
}

fn month_length(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The answer depends on the date, and nobody tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the answer depends on the date; set the clock")]
pub struct Undated;

/// From one day to another, both included; open where no day is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first day.
    pub from: Option<Date>,
    /// The last day.
    pub until: Option<Date>,
}

impl Period {
    /// Without beginning and end.
    pub const ALWAYS: Self = Self { from: None, until: None };

    /// Whether the day lies in it.
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether the day lies in it, as far as that can be said: of a day that is not known only [`Period::ALWAYS`] says yes.
    ///
    /// # Errors
    /// The answer depends on the day.
    pub fn holds_on(&self, day: Option<Date>) -> Result<bool, Undated> {
        match day {
            Some(day) => Ok(self.holds(day)),
            None if *self == Self::ALWAYS => Ok(true),
            None => Err(Undated),
        }
    }

    /// Whether some day lies in it.
    #[must_use]
    pub fn has_days(&self) -> bool {
        self.from.zip(self.until).is_none_or(|(from, until)| from <= until)
    }

    /// Whether some day lies in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let from = self.from.max(other.from);
        let until = match (self.until, other.until) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self { from, until }.has_days()
    }
}

/// A day and a minute at the facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Local {
    /// The day.
    pub date: Date,
    /// Minutes since its midnight, 0 to 1439.
    pub minute: u16,
}

impl Local {
    /// The local time of a wall clock's claim, `offset_minutes` east of UTC; none outside the years 1 to 9999.
    #[must_use]
    pub fn at(unix_ms: i64, offset_minutes: i32) -> Option<Self> {
        let minutes = unix_ms.div_euclid(60_000).checked_add(i64::from(offset_minutes))?;
        let date = Date::from_days(minutes.div_euclid(DAY_MINUTES))?;
        let minute = u16::try_from(minutes.rem_euclid(DAY_MINUTES)).expect("a day has 1440 minutes");
        Some(Self { date, minute })
    }

    /// The minute after this one; none after the year 9999.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let minute = self.minute + 1;
        if i64::from(minute) < DAY_MINUTES {
            return Some(Self { minute, ..self });
        }
        self.date.plus_days(1).map(|date| Self { date, minute: 0 })
    }

    /// Minutes from `earlier` to this one; negative if it lies ahead.
    #[must_use]
    pub fn minutes_since(self, earlier: Self) -> i64 {
        (self.date.days() - earlier.date.days()) * DAY_MINUTES + i64::from(self.minute)
            - i64::from(earlier.minute)
    }

    /// The earliest and the latest local time that the claim allows; none if there is no clock, or none that can be true.
    #[must_use]
    pub fn span(wall: Option<Wall>, offset_minutes: i32) -> Option<(Self, Self)> {
        let Wall { unix_ms, uncertainty_s } = wall?;
        let half = i64::from(uncertainty_s) * 1_000;
        let earliest = Self::at(unix_ms.checked_sub(half)?, offset_minutes)?;
        Some((earliest, Self::at(unix_ms.checked_add(half)?, offset_minutes)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn date(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    fn local(day: &str, minute: u16) -> Local {
        Local { date: date(day), minute }
    }

    #[test]
    fn days_follow_each_other_through_four_centuries_and_back() {
        let mut day = date("1899-12-31");
        let mut counted = day.days();
        assert_eq!((date("1970-01-01").days(), date("1970-01-01").weekday()), (0, Weekday::Thursday));
        while day < date("2301-01-01") {
            let next = day.plus_days(1).unwrap();
            let same_month = Date::new(day.year(), day.month(), day.day() + 1);
            let next_month = Date::new(day.year(), day.month() + 1, 1);
            let expected = same_month.or(next_month).or(Date::new(day.year() + 1, 1, 1)).unwrap();
            counted += 1;
            assert_eq!((next, next.days(), next.plus_days(-1)), (expected, counted, Some(day)));
            let weekday = Weekday::ALL.iter().position(|it| *it == day.weekday()).unwrap();
            assert_eq!(next.weekday(), Weekday::ALL[(weekday + 1) % 7]);
            day = next;
        }
    }

    #[test]
    fn a_date_that_no_calendar_has_is_none() {
        for text in
            ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-04-00", "0000-01-01"]
        {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        for text in ["2026-4-01", "2026/04/01", "2026-04-01 ", "２026-04-01", "+026-04-01"] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
        assert_eq!(Date::parse("2000-02-29").map(|it| it.to_string()), Some("2000-02-29".into()));
        assert_eq!(date("9999-12-31").plus_days(1), None);
        assert_eq!(date("0001-01-01").plus_days(-1), None);
        assert_eq!(Date::from_days(i64::MAX), None);
    }

    #[test]
    fn the_day_in_japan_begins_at_fifteen_in_greenwich() {
        let fifteen = date("2026-11-23").days() * 86_400_000 + 15 * 3_600_000;
        assert_eq!(Local::at(fifteen - 1, 540), Some(local("2026-11-23", 1_439)));
        assert_eq!(Local::at(fifteen, 540), Some(local("2026-11-24", 0)));
        assert_eq!(Local::at(-1, 0), Some(local("1969-12-31", 1_439)));
        assert_eq!(Local::at(i64::MAX, 540), None);
    }

    #[test]
    fn the_minutes_of_a_span_follow_each_other_through_midnight() {
        let wall = Wall { unix_ms: date("2026-12-31").days() * 86_400_000 + 86_399_000, uncertainty_s: 61 };
        let (first, last) = Local::span(Some(wall), 0).unwrap();
        assert_eq!((first, last), (local("2026-12-31", 1_438), local("2027-01-01", 1)));
        assert_eq!(last.minutes_since(first), 3);
        let all: Vec<_> = std::iter::successors(Some(first), |at| at.next()).take(4).collect();
        let expected = [first, local("2026-12-31", 1_439), local("2027-01-01", 0), last];
        assert_eq!(all, expected);
        assert_eq!(local("9999-12-31", 1_439).next(), None);
        assert_eq!(Local::span(Some(Wall { unix_ms: i64::MIN, uncertainty_s: 1 }), 0), None);
        assert_eq!(Local::span(None, 0), None);
    }

    #[test]
    fn a_period_holds_its_first_and_its_last_day() {
        let period = |from, until| Period { from: Date::parse(from), until: Date::parse(until) };
        let november = period("2026-11-01", "2026-11-30");
        for (day, holds) in
            [("2026-10-31", false), ("2026-11-01", true), ("2026-11-30", true), ("2026-12-01", false)]
        {
            assert_eq!(november.holds(date(day)), holds, "{day}");
        }
        for (from, until, overlaps) in [
            ("", "2026-10-31", false),
            ("", "2026-11-01", true),
            ("2026-11-30", "", true),
            ("2026-12-01", "2026-12-31", false),
            ("", "", true),
            ("2026-11-10", "2026-11-09", false),
        ] {
            assert_eq!(november.overlaps(&period(from, until)), overlaps, "{from} to {until}");
            assert_eq!(period(from, until).overlaps(&november), overlaps, "{from} to {until}");
        }
        assert_eq!((november.holds_on(None), Period::ALWAYS.holds_on(None)), (Err(Undated), Ok(true)));
    }
}
