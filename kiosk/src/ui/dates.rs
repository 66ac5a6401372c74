//! Dates as people read them: the full date with its weekday, in each language of the screens.
//!
//! The year stands where the day may lie far from today. The year of the era (令和8年) belongs on municipal forms, not here.

use gate::Date;

use super::generated::Spoken;
use crate::day_names::{english_month, weekday};

/// 「12月31日（木）」 / "Thu 31 December".
pub(super) fn day(date: Date) -> Spoken {
    spoken(date, "", "", "")
}

/// The same with the Western year.
pub(super) fn day_of_year(date: Date) -> Spoken {
    let year = date.year();
    spoken(date, &format!("{year}年"), &format!("{year}年《ねん》"), &format!(" {year}"))
}

fn spoken(date: Date, japanese_year: &str, easy_year: &str, english_year: &str) -> Spoken {
    let (month, day) = (date.month(), date.day());
    let (kanji, kana, english) = weekday(date);
    let easy_day = day_reading(day)
        .map_or_else(|| format!("{day}日《にち》"), |reading| format!("｜{day}日《{reading}》"));
    let month_name = english_month(date);
    Spoken {
        japanese: format!("{japanese_year}{month}月{day}日（{kanji}）").into(),
        easy: format!("{easy_year}{month}月《がつ》{easy_day}（{kanji}《{kana}》）").into(),
        english: format!("{english} {day} {month_name}{english_year}").into(),
    }
}

/// Days of the month that are not read as their number and にち.
fn day_reading(day: u8) -> Option<&'static str> {
    Some(match day {
        1 => "ついたち",
        2 => "ふつか",
        3 => "みっか",
        4 => "よっか",
        5 => "いつか",
        6 => "むいか",
        7 => "なのか",
        8 => "ようか",
        9 => "ここのか",
        10 => "とおか",
        14 => "じゅうよっか",
        20 => "はつか",
        24 => "にじゅうよっか",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn check(date: &str, [japanese, easy, english]: [&str; 3], of: fn(Date) -> Spoken) {
        let said = of(Date::parse(date).unwrap());
        assert_eq!([said.japanese, said.easy, said.english], [japanese, easy, english]);
    }

    #[test]
    fn a_date_is_read_with_its_weekday() {
        check(
            "2026-12-31",
            ["12月31日（木）", "12月《がつ》31日《にち》（木《もく》）", "Thu 31 December"],
            day,
        );
        check(
            "2027-01-01",
            ["1月1日（金）", "1月《がつ》｜1日《ついたち》（金《きん》）", "Fri 1 January"],
            day,
        );
    }

    #[test]
    fn a_day_that_may_lie_far_away_has_its_year() {
        check(
            "2028-02-20",
            [
                "2028年2月20日（日）",
                "2028年《ねん》2月《がつ》｜20日《はつか》（日《にち》）",
                "Sun 20 February 2028",
            ],
            day_of_year,
        );
    }
}
