//! What days and months are called, for screens and for reports alike.

use gate::{Date, Weekday};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// "December".
pub(crate) fn english_month(day: Date) -> &'static str {
    MONTHS[usize::from(day.month() - 1)]
}

/// The day of the week: 「火」, its reading and "Tue".
pub(crate) fn weekday(day: Date) -> (&'static str, &'static str, &'static str) {
    match day.weekday() {
        Weekday::Monday => ("月", "げつ", "Mon"),
        Weekday::Tuesday => ("火", "か", "Tue"),
        Weekday::Wednesday => ("水", "すい", "Wed"),
        Weekday::Thursday => ("木", "もく", "Thu"),
        Weekday::Friday => ("金", "きん", "Fri"),
        Weekday::Saturday => ("土", "ど", "Sat"),
        Weekday::Sunday => ("日", "にち", "Sun"),
    }
}
