//! A report as a table for spreadsheets: UTF-8 with a byte order mark, because Excel guesses otherwise, and lines that end
//! in CR LF (RFC 4180). One header; a row for each day, each month and the whole; the first column says which.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe.

use std::fmt::Write as _;

use super::{Fee, Figures, Report, Span, WayIn, words};

/// What a spreadsheet takes for the beginning of a formula; a Japanese one also in full width.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// One column: its header, and what stands in it for these figures.
struct Column<'a> {
    header: String,
    value: Box<dyn Fn(&Figures) -> u64 + 'a>,
}

/// The whole table.
pub(crate) fn write(report: &Report) -> String {
    let columns = columns(report);
    let mut text = String::from("\u{feff}");
    let fixed = ["施設 [facility]", "期間 [span]", "初日 [first day]", "最終日 [last day]", "曜日 [weekday]"];
    let headers = columns.iter().map(|column| column.header.clone());
    line(&mut text, fixed.iter().map(ToString::to_string).chain(headers));
    let mut row = |span: &str, from: gate::Date, until: gate::Date, figures: &Figures| {
        let weekday = if from == until { super::days::weekday(from) } else { "" };
        let name = report.facility.clone();
        let fixed = [name, span.to_owned(), from.to_string(), until.to_string(), weekday.to_owned()];
        let numbers = columns.iter().map(|column| (column.value)(figures).to_string());
        line(&mut text, fixed.into_iter().chain(numbers));
    };
    for Span { from, until, figures } in &report.days {
        row("日 [day]", *from, *until, figures);
    }
    for Span { from, until, figures } in &report.months {
        row("月 [month]", *from, *until, figures);
    }
    row("合計 [total]", report.from, report.until, &report.total);
    text
}

fn columns(report: &Report) -> Vec<Column<'_>> {
    let mut columns = vec![plain("来館者", "visitors", |it| it.visitors.into())];
    columns.extend(WayIn::ALL.map(by_way));
    columns.extend(report.fees.iter().map(by_fee));
    columns.extend([
        plain("料金区分なし", "no fee class", |it| it.without_class.into()),
        plain("手入力", "entered by hand", |it| it.manual.into()),
        plain("属性が古い", "old attributes", |it| it.stale.into()),
        plain("再入場", "came in again", |it| it.again.into()),
        plain("入らなかった", "did not go in", |it| it.not_entered.into()),
        plain("入ったか不明", "not known whether in", |it| it.unknown.into()),
        plain("断った件数", "refusals", |it| it.refused.into()),
    ]);
    columns.extend(report.total.by_reason.keys().map(|word| by_reason(word)));
    columns.extend([
        plain("受付時間を測った件数", "receptions measured", |it| {
            it.reception.map_or(0, |reception| reception.visits.into())
        }),
        plain("受付時間の中央値 ミリ秒", "median reception, ms", |it| {
            it.reception.map_or(0, |reception| reception.median_ms)
        }),
        plain("受付時間の95% ミリ秒", "95th percentile of reception, ms", |it| {
            it.reception.map_or(0, |reception| reception.p95_ms)
        }),
        plain("自動で区分した料金 円", "fees computed, yen", |it| it.computed_yen),
        plain("料金が今はない区分", "class without a fee now", |it| it.unpriced.into()),
        plain("他人のカード・使えない券を断った件数", "cards and passes declined", |it| {
            it.declined.into()
        }),
        plain("取り損ねを防いだ額の上限 円", "missed fees avoided, at most, yen", |it| {
            it.missed_at_most_yen()
        }),
        plain("日付が不確か", "day in doubt", |it| it.day_in_doubt.into()),
    ]);
    columns
}

fn plain<'a>(japanese: &str, english: &str, value: impl Fn(&Figures) -> u64 + 'a) -> Column<'a> {
    Column { header: format!("{japanese} [{english}]"), value: Box::new(value) }
}

fn by_way(way: WayIn) -> Column<'static> {
    let (japanese, english) = words::way(way);
    plain(japanese, english, move |it| it.by_way.get(&way).copied().unwrap_or(0).into())
}

fn by_fee(fee: &Fee) -> Column<'_> {
    plain(&fee.japanese, &fee.id, |it| it.by_fee.get(&fee.id).copied().unwrap_or(0).into())
}

fn by_reason(word: &str) -> Column<'_> {
    let japanese = words::reason(word).map_or(word, |(japanese, _)| japanese);
    let japanese = format!("断り：{japanese}");
    plain(&japanese, word, move |it| it.by_reason.get(word).copied().unwrap_or(0).into())
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.map(|cell| quoted(&cell)).collect();
    write!(text, "{}\r\n", cells.join(",")).expect("a string takes everything");
}

/// A cell as it is written.
fn quoted(cell: &str) -> String {
    let guarded = if cell.starts_with(FORMULA) { format!("'{cell}") } else { cell.to_owned() };
    if guarded.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}
