//! Days and times on the staff screens.

use gate::Date;
use zeroize::Zeroizing;

use crate::desk::CODE_DIGITS;

/// The eras that a living person may be born in, the newest first, with their first days.
const ERAS: [(&str, u16, u8, u8); 4] =
    [("令和", 2019, 5, 1), ("平成", 1989, 1, 8), ("昭和", 1926, 12, 25), ("大正", 1912, 7, 30)];

/// The year of the era on this day, for instance 令和8年; nothing before the first of the eras here.
fn era(day: Date) -> Option<String> {
    let (name, year, ..) = ERAS
        .into_iter()
        .find(|(_, year, month, first)| (day.year(), day.month(), day.day()) >= (*year, *month, *first))?;
    let nth = day.year() - year + 1;
    Some(if nth == 1 { format!("{name}元年") } else { format!("{name}{nth}年") })
}

/// A day as staff read it: the Western year, and in Japanese the year of the era beside it.
pub(super) fn date_text(day: Date, english: bool) -> String {
    if english {
        return day.to_string();
    }
    let era = era(day).map(|era| format!("（{era}）")).unwrap_or_default();
    format!("{}年{era}{}月{}日", day.year(), day.month(), day.day())
}

/// A date while it is typed: 2019-04-0.
pub(super) fn typed_date(digits: &str) -> String {
    let part = |from: usize, to: usize| digits.get(from..to.min(digits.len())).unwrap_or_default();
    match digits.len() {
        0..=4 => digits.to_owned(),
        5..=6 => format!("{}-{}", part(0, 4), part(4, 6)),
        _ => format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
    }
}

/// The code on the front of a card while it is typed, in its parts: 550217  2035  22__.
pub(super) fn typed_code(digits: &str) -> Zeroizing<String> {
    let places = digits.chars().chain(std::iter::repeat('_')).take(CODE_DIGITS);
    let mut text = Zeroizing::new(String::with_capacity(CODE_DIGITS + 4));
    for (at, place) in places.enumerate() {
        if matches!(at, 6 | 10) {
            text.push_str("  ");
        }
        text.push(place);
    }
    text
}

/// Hour and minute; a dash where the clock did not tell.
pub(super) fn clock_text(at: Option<(u8, u8)>) -> String {
    at.map_or("-".to_owned(), |(hour, minute)| format!("{hour}:{minute:02}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_year_of_the_era_stands_beside_the_western_year() {
        let text = |year, month, day| date_text(Date::new(year, month, day).unwrap(), false);
        assert_eq!(text(2019, 4, 30), "2019年（平成31年）4月30日");
        assert_eq!(text(2019, 5, 1), "2019年（令和元年）5月1日");
        assert_eq!(text(1989, 1, 7), "1989年（昭和64年）1月7日");
        assert_eq!(text(1926, 12, 25), "1926年（昭和元年）12月25日");
        assert_eq!(text(1912, 7, 29), "1912年7月29日");
        assert_eq!(date_text(Date::new(2026, 11, 4).unwrap(), true), "2026-11-04");
    }

    #[test]
    fn a_code_is_typed_into_its_three_parts() {
        for (digits, shown) in [
            ("", "______  ____  ____"),
            ("5502172", "550217  2___  ____"),
            ("55021720352285", "550217  2035  2285"),
        ] {
            assert_eq!(*typed_code(digits), shown);
        }
    }

    #[test]
    fn a_date_takes_shape_while_it_is_typed() {
        for (digits, shown) in [
            ("", ""),
            ("2019", "2019"),
            ("20190", "2019-0"),
            ("201904", "2019-04"),
            ("20190401", "2019-04-01"),
        ] {
            assert_eq!(typed_date(digits), shown);
        }
    }
}
