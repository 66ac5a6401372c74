//! `kiosk report`: the figures of a day, a month or another span, on the screen, as a table and as a page to print.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use gate::{Date, Local};
use thiserror::Error;

use super::{Outcome, vault::Vault};
use crate::{
    arguments::{self, Common},
    facility_file,
    office::{Ask, Told, figures::Standing},
    output::Format,
    report::{self, Aside, Report, days},
};

/// The report cannot be made.
#[derive(Debug, Error)]
enum ReportError {
    #[error("{0} is no day; write it like 2026-11-24")]
    NoDay(String),
    #[error("{0} is no month; write it like 2026-11")]
    NoMonth(String),
    #[error("the first day, {from}, lies after the last, {until}")]
    Backwards { from: Date, until: Date },
    #[error("from {from} until {until} is longer than {} days; ask for less at a time", report::LONGEST_SPAN)]
    TooLong { from: Date, until: Date },
    #[error("there is no clock to say what today is; give --day, --month, or --from and --until")]
    NoClock,
    #[error("cannot write {file}: check the folder and its space")]
    Write { file: PathBuf, source: std::io::Error },
}

pub(crate) fn report(common: &Common, format: Format, asked: &arguments::Report) -> Outcome {
    let mut vault = Vault::open(&common.data)?;
    let Told::Standing(standing) = vault.office(Ask::Standing)? else { return Err("no answer".into()) };
    let now = local(&standing);
    let (from, until) = span(asked, now)?;
    let mut visits = Vec::new();
    for day in days::each(from, until) {
        if let Told::Visits { visits: these } = vault.office(Ask::Visits { day: day.to_string() })? {
            visits.extend(these);
        }
    }
    let report = of(&visits, standing, (from, until), now)?;
    if let Some(file) = &asked.csv {
        write(file, &report::csv::write(&report))?;
    }
    if let Some(file) = &asked.html {
        write(file, &report::html::write(&report))?;
    }
    format.print(&report, text);
    Ok(())
}

fn of(
    visits: &[report::Visit],
    standing: Standing,
    span: (Date, Date),
    made: Option<Local>,
) -> Result<Report, Box<dyn Error>> {
    let Standing { facility, file, overdrawn, undated, now: _ } = standing;
    let rules = facility_file::parse("of the vault", file.as_deref().unwrap_or_default())?;
    let aside = Aside { facility, made, overdrawn, undated };
    Ok(report::of(visits, rules.facility(), span, aside))
}

fn local(standing: &Standing) -> Option<Local> {
    let (day, minute) = standing.now.as_ref()?;
    Some(Local { date: Date::parse(day)?, minute: *minute })
}

/// The days that are asked for; today if none are.
fn span(asked: &arguments::Report, now: Option<Local>) -> Result<(Date, Date), ReportError> {
    let day = |text: &String| Date::parse(text).ok_or_else(|| ReportError::NoDay(text.clone()));
    let today = || now.map(|now| now.date).ok_or(ReportError::NoClock);
    let (from, until) = match (&asked.day, &asked.month, &asked.from) {
        (Some(one), _, _) => (day(one)?, day(one)?),
        (None, Some(month), _) => {
            days::parse_month(month).ok_or_else(|| ReportError::NoMonth(month.clone()))?
        }
        (None, None, Some(from)) => (day(from)?, asked.until.as_ref().map_or_else(today, day)?),
        (None, None, None) => (today()?, today()?),
    };
    match until.days() - from.days() {
        ..0 => Err(ReportError::Backwards { from, until }),
        report::LONGEST_SPAN.. => Err(ReportError::TooLong { from, until }),
        _ => Ok((from, until)),
    }
}

fn write(file: &Path, text: &str) -> Result<(), ReportError> {
    fs::write(file, text).map_err(|source| ReportError::Write { file: file.into(), source })
}

fn text(report: &Report) -> String {
    let total = &report.total;
    let mut text = format!(
        "{}　{}から{}まで\n来館者 visitors {}　手入力 by hand {}　断り refusals {}　再入場 again {}",
        report.facility,
        days::japanese(report.from),
        days::japanese(report.until),
        total.visitors,
        total.manual,
        total.refused,
        total.again
    );
    let mut add = |line: String| write!(text, "\n{line}").expect("a string takes everything");
    for way in report::WayIn::ALL {
        let (japanese, english) = report::words::way(way);
        add(format!("  {japanese} {english}: {}", total.by_way.get(&way).copied().unwrap_or(0)));
    }
    for fee in &report.fees {
        add(format!("  {} {}: {}", fee.japanese, fee.id, total.by_fee.get(&fee.id).copied().unwrap_or(0)));
    }
    if let Some(reception) = total.reception {
        let (median, p95) = (reception.median_ms, reception.p95_ms);
        add(format!("受付時間 reception: 中央値 median {median} ms, 95% {p95} ms"));
    }
    for (word, visits) in &total.by_reason {
        let (japanese, _) = report::words::reason(word).unwrap_or((word, ""));
        add(format!("  断り refused, {japanese} {word}: {visits}"));
    }
    add(format!(
        "料金の取り損ねを防いだ額（推定の上限） missed fees avoided, at most: {} 円 yen",
        total.missed_at_most_yen()
    ));
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// `--day`, `--month`, `--from`, `--until`, each if it is not empty.
    fn asked(options: [&str; 4]) -> arguments::Report {
        let [day, month, from, until] =
            options.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
        arguments::Report { day, month, from, until, csv: None, html: None }
    }

    fn check(options: [&str; 4], expected: &str) {
        let now = Local { date: Date::parse("2026-11-24").unwrap(), minute: 0 };
        let found = span(&asked(options), Some(now)).map(|(from, until)| format!("{from}..{until}"));
        let found = found.unwrap_or_else(|error| error.to_string());
        assert!(found.contains(expected), "{options:?} gave {found}");
    }

    #[test]
    fn a_report_is_of_the_days_that_were_asked_for() {
        check(["2026-11-03", "", "", ""], "2026-11-03..2026-11-03");
        check(["", "2026-02", "", ""], "2026-02-01..2026-02-28");
        check(["", "", "2026-04-01", "2027-03-31"], "2026-04-01..2027-03-31");
        check(["", "", "2026-11-01", ""], "2026-11-01..2026-11-24");
        check(["", "", "", ""], "2026-11-24..2026-11-24");
    }

    #[test]
    fn days_that_make_no_span_are_refused_by_name() {
        check(["2026-02-29", "", "", ""], "2026-02-29 is no day");
        check(["", "2026-13", "", ""], "2026-13 is no month");
        check(["", "", "2026-11-02", "2026-11-01"], "lies after");
        check(["", "", "2020-01-01", "2026-11-01"], "ask for less");
        let none = span(&asked(["", "", "", ""]), None).unwrap_err().to_string();
        assert!(none.contains("no clock"), "{none}");
    }
}
