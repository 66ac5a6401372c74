//! Days as people ask for them and read them: spans, months, weekdays, and the era year beside the Western one.

use gate::Date;

use crate::day_names;

/// Every day from one to another, both included.
pub(crate) fn each(from: Date, until: Date) -> impl Iterator<Item = Date> {
    (from.days()..=until.days()).filter_map(Date::from_days)
}

/// The months of a span, each cut to it.
pub(crate) fn months(from: Date, until: Date) -> impl Iterator<Item = (Date, Date)> {
    let mut next = Some(from).filter(|from| *from <= until);
    std::iter::from_fn(move || {
        let first = next?;
        let last = month(first.year(), first.month()).map_or(until, |(_, last)| last.min(until));
        next = last.plus_days(1).filter(|day| *day <= until);
        Some((first, last))
    })
}

/// First and last day of a month, if the calendar has it.
pub(crate) fn month(year: u16, month: u8) -> Option<(Date, Date)> {
    let first = Date::new(year, month, 1)?;
    let last = (28..=31).rev().find_map(|day| Date::new(year, month, day))?;
    Some((first, last))
}

/// Reads `2026-11` as a month's first and last day.
pub(crate) fn parse_month(text: &str) -> Option<(Date, Date)> {
    let first = Date::parse(&format!("{text}-01"))?;
    month(first.year(), first.month())
}

/// 「2026年（令和8年）11月24日（火）」.
pub(crate) fn japanese(day: Date) -> String {
    format!("{}年{}{}月{}日（{}）", day.year(), era(day), day.month(), day.day(), weekday(day))
}

/// 「2026年（令和8年）11月」.
pub(crate) fn japanese_month(day: Date) -> String {
    format!("{}年{}{}月", day.year(), era(day), day.month())
}

/// "Tue 24 November 2026".
pub(crate) fn english(day: Date) -> String {
    let (_, _, weekday) = day_names::weekday(day);
    format!("{weekday} {} {} {}", day.day(), day_names::english_month(day), day.year())
}

/// 「火」.
pub(crate) fn weekday(day: Date) -> &'static str {
    day_names::weekday(day).0
}

/// 「（令和8年）」 by the day on which each era began (元号法 and 元号を改める政令); nothing before 1926-12-25.
fn era(day: Date) -> String {
    const ERAS: [(&str, (u16, u8, u8)); 3] =
        [("令和", (2019, 5, 1)), ("平成", (1989, 1, 8)), ("昭和", (1926, 12, 25))];
    let begun = |(_, (year, month, first)): &&(&str, (u16, u8, u8))| {
        Date::new(*year, *month, *first).is_some_and(|first| first <= day)
    };
    ERAS.iter().find(begun).map_or_else(String::new, |(name, (first, ..))| match day.year() - first + 1 {
        1 => format!("（{name}元年）"),
        year => format!("（{name}{year}年）"),
    })
}

/// A day as `2026-11-24`, for serde.
pub(crate) mod as_text {
    use gate::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        let text = String::deserialize(from)?;
        Date::parse(&text).ok_or_else(|| D::Error::custom("a day like 2026-11-24 is expected"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn the_era_year_stands_beside_the_western_year_from_its_first_day() {
        for (date, expected) in [
            ("2026-11-24", "2026年（令和8年）11月24日（火）"),
            ("2019-05-01", "2019年（令和元年）5月1日（水）"),
            ("2019-04-30", "2019年（平成31年）4月30日（火）"),
            ("1989-01-08", "1989年（平成元年）1月8日（日）"),
            ("1989-01-07", "1989年（昭和64年）1月7日（土）"),
            ("1926-12-24", "1926年12月24日（金）"),
        ] {
            assert_eq!(japanese(day(date)), expected);
        }
        assert_eq!(english(day("2026-12-31")), "Thu 31 December 2026");
    }

    #[test]
    fn a_month_has_its_own_length_and_no_thirteenth_follows() {
        let ends = |text: &str| parse_month(text).map(|(first, last)| (first.to_string(), last.to_string()));
        assert_eq!(ends("2028-02"), Some(("2028-02-01".into(), "2028-02-29".into())));
        assert_eq!(ends("2026-02"), Some(("2026-02-01".into(), "2026-02-28".into())));
        assert_eq!(ends("2026-12"), Some(("2026-12-01".into(), "2026-12-31".into())));
        for bad in ["2026-13", "2026-00", "2026-1", "2026", "2026-11-24", ""] {
            assert_eq!(ends(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_span_is_cut_into_its_months_without_gap_or_overlap() {
        let text = |(from, until): (Date, Date)| format!("{from}..{until}");
        let cut: Vec<_> = months(day("2026-11-24"), day("2027-01-02")).map(text).collect();
        assert_eq!(cut, ["2026-11-24..2026-11-30", "2026-12-01..2026-12-31", "2027-01-01..2027-01-02"]);
        assert_eq!(months(day("2026-11-24"), day("2026-11-24")).count(), 1);
        assert_eq!(months(day("2026-11-24"), day("2026-11-23")).count(), 0);
        assert_eq!(each(day("2026-12-30"), day("2027-01-02")).count(), 4);
    }
}
