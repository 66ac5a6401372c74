//! A report as one page to print: A4, Japanese first, nothing loaded from elsewhere, no names.

use std::fmt::{self, Display, Write as _};

use super::{Figures, Report, Span, WayIn, days, words};

/// Beyond so many days the page lists months; the table for spreadsheets has all days.
const MOST_DAYS: usize = 31;

/// Reasons that are listed; the rarer ones are one line, so that the page stays one page.
const MOST_REASONS: usize = 8;

const STYLE: &str = "\
@page { size: A4; margin: 9mm 11mm }
body { font: 8pt/1.25 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', Meiryo, sans-serif; color: #111; margin: 0 auto; max-width: 188mm }
h1 { font-size: 14pt; margin: 0 } h2 { font-size: 9pt; margin: 2.2mm 0 0.6mm }
small, .en { color: #444; font-size: 6.5pt; font-weight: normal }
table { border-collapse: collapse; width: 100% } th, td { border: 0.2mm solid #999; padding: 0.1mm 1mm; text-align: right }
th { background: #eee; font-weight: normal; text-align: center; white-space: nowrap } td:first-child { text-align: left } td + td { white-space: nowrap }
.large td, .large td:first-child { font-size: 13pt; text-align: center } .spans td { white-space: nowrap }
.side { display: flex; gap: 4mm; align-items: flex-start } .side > div { flex: 1 }
tr, svg { break-inside: avoid } p { margin: 1mm 0 }
";

/// The whole page.
pub(crate) fn write(report: &Report) -> String {
    let mut page = String::new();
    render(&mut page, report).expect("a string takes everything");
    page
}

fn render(page: &mut String, report: &Report) -> fmt::Result {
    let facility = Escaped(&report.facility);
    writeln!(page, "<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\">")?;
    writeln!(page, "<title>受付の集計 {facility}</title>\n<style>\n{STYLE}</style></head><body>")?;
    writeln!(page, "<h1>受付の集計 <small>Reception report</small></h1>")?;
    let (from, until) = (report.from, report.until);
    writeln!(
        page,
        "<p><strong>{facility}</strong>　{}から {}まで<br><small>{} to {}</small></p>",
        days::japanese(from),
        days::japanese(until),
        days::english(from),
        days::english(until)
    )?;
    summary(page, report)?;
    page.push_str("<div class=\"side\"><div>\n");
    by_way(page, &report.total)?;
    by_fee(page, report)?;
    refusals(page, &report.total)?;
    watch(page, report)?;
    page.push_str("</div><div>\n");
    hours(page, &report.hours)?;
    spans(page, report)?;
    page.push_str("</div></div>\n");
    fees_avoided(page, &report.total)?;
    foot(page, report)
}

fn summary(page: &mut String, report: &Report) -> fmt::Result {
    let total = &report.total;
    let head = [
        ("来館者", "visitors"),
        ("手入力", "by hand"),
        ("断った件数", "refusals"),
        ("受付時間（中央値）", "reception, median"),
        ("受付時間（95%）", "95th percentile"),
    ];
    page.push_str("<table class=\"large\"><tr>");
    for (japanese, english) in head {
        write!(page, "<th>{japanese}<br><small>{english}</small></th>")?;
    }
    let (median, p95) = receptions(total);
    writeln!(
        page,
        "</tr><tr><td>{}人</td><td>{}人</td><td>{}件</td><td>{median}</td><td>{p95}</td></tr></table>",
        total.visitors, total.manual, total.refused
    )
}

fn by_way(page: &mut String, total: &Figures) -> fmt::Result {
    page.push_str("<section><h2>入り方 <small>way in</small></h2><table>");
    for way in WayIn::ALL {
        row(page, words::way(way), total.by_way.get(&way).copied().unwrap_or(0), "人")?;
    }
    page.push_str("</table></section>\n");
    Ok(())
}

fn by_fee(page: &mut String, report: &Report) -> fmt::Result {
    if report.fees.is_empty() {
        return Ok(());
    }
    page.push_str("<section><h2>料金区分 <small>fee class</small></h2><table>");
    for fee in &report.fees {
        let people = report.total.by_fee.get(&fee.id).copied().unwrap_or(0);
        row(page, (&fee.japanese, &fee.id), people, "人")?;
    }
    row(page, ("区分なし（係員が決めた）", "none; staff said"), report.total.without_class, "人")?;
    page.push_str("</table></section>\n");
    Ok(())
}

/// Bars with their numbers above them, so that nothing is told by size alone.
fn hours(page: &mut String, hours: &[u32; 24]) -> fmt::Result {
    let most = hours.iter().copied().max().unwrap_or(0);
    if most == 0 {
        return Ok(());
    }
    let open = |hour: &usize| hours[*hour] > 0;
    let (first, last) = ((0..24).find(open).unwrap_or(0), (0..24).rfind(open).unwrap_or(23));
    page.push_str("<section><h2>時間帯ごとの来館者 <small>visitors by hour</small></h2>");
    writeln!(
        page,
        "<svg viewBox=\"0 0 480 90\" width=\"100%\" role=\"img\" aria-label=\"visitors by hour\">"
    )?;
    let width = 480.0 / (last - first + 1) as f64;
    for (place, hour) in (first..=last).enumerate() {
        let (left, people) = (place as f64 * width, hours[hour]);
        let height = 56.0 * f64::from(people) / f64::from(most);
        let (top, middle, bar) = (72.0 - height, left + width / 2.0, width * 0.7);
        let bar_left = left + width * 0.15;
        writeln!(
            page,
            "<rect x=\"{bar_left:.1}\" y=\"{top:.1}\" width=\"{bar:.1}\" height=\"{height:.1}\" fill=\"#357\"/>\
             <text x=\"{middle:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"middle\">{people}</text>\
             <text x=\"{middle:.1}\" y=\"86\" font-size=\"12\" text-anchor=\"middle\">{hour}時</text>",
            top - 2.0
        )?;
    }
    page.push_str("</svg></section>\n");
    Ok(())
}

/// Days, or months where there are many days.
fn spans(page: &mut String, report: &Report) -> fmt::Result {
    let many = report.days.len() > MOST_DAYS;
    let (spans, japanese, english) =
        if many { (&report.months, "月ごと", "by month") } else { (&report.days, "日ごと", "by day") };
    writeln!(page, "<h2>{japanese} <small>{english}</small></h2><table class=\"spans\"><tr><th></th>")?;
    for (japanese, english) in [
        ("合計", "all"),
        ("顔", "face"),
        ("QR", "QR"),
        ("カード", "card"),
        ("マイナ", "MyNo."),
        ("係員", "staff"),
        ("断り", "refused"),
        ("中央値", "median"),
        ("95%", "p95"),
    ] {
        write!(page, "<th>{japanese}<br><small>{english}</small></th>")?;
    }
    page.push_str("</tr>\n");
    for span in spans {
        span_row(page, span, many)?;
    }
    page.push_str("</table>\n");
    Ok(())
}

fn span_row(page: &mut String, span: &Span, month: bool) -> fmt::Result {
    let name = if month {
        days::japanese_month(span.from)
    } else {
        format!("{}月{}日（{}）", span.from.month(), span.from.day(), days::weekday(span.from))
    };
    let it = &span.figures;
    write!(page, "<tr><td>{name}</td><td>{}</td>", it.visitors)?;
    for way in WayIn::ALL {
        write!(page, "<td>{}</td>", it.by_way.get(&way).copied().unwrap_or(0))?;
    }
    let (median, p95) = receptions(it);
    writeln!(page, "<td>{}</td><td>{median}</td><td>{p95}</td></tr>", it.refused)
}

/// The reasons that were given most often.
fn refusals(page: &mut String, total: &Figures) -> fmt::Result {
    page.push_str("<section><h2>断った理由 <small>why refused</small></h2><table>");
    let mut reasons: Vec<(&String, u32)> =
        total.by_reason.iter().map(|(word, visits)| (word, *visits)).collect();
    reasons.sort_by_key(|(_, visits)| std::cmp::Reverse(*visits));
    for (word, visits) in reasons.iter().take(MOST_REASONS) {
        row(page, words::reason(word).unwrap_or((word, "")), *visits, "件")?;
    }
    let rest: u32 = reasons.iter().skip(MOST_REASONS).map(|(_, visits)| visits).sum();
    if rest > 0 {
        row(page, ("ほかの理由（表に全部あります）", "other reasons; the table has them"), rest, "件")?;
    }
    row(page, ("合計", "all"), total.refused, "件")?;
    page.push_str("</table></section>\n");
    Ok(())
}

/// What somebody should look at.
fn watch(page: &mut String, report: &Report) -> fmt::Result {
    let total = &report.total;
    page.push_str("<section><h2>確認すること <small>to look at</small></h2><table>");
    for (both, number, unit) in [
        (("もう中にいる人の再入場", "came in again while inside"), total.again, "人"),
        (("開けたが入らなかった", "let in, did not go in"), total.not_entered, "人"),
        (("入ったかわからない", "not known whether they went in"), total.unknown, "人"),
        (("住所・年齢の確認が古い", "class rests on old attributes"), total.stale, "人"),
        (("使いすぎた回数券（今）", "coupon books overdrawn, now"), report.overdrawn.books, "冊"),
        (("使いすぎた回数（今）", "coupons too many, now"), report.overdrawn.coupons, "枚"),
        (("日付が不確かな件", "visits whose day is in doubt"), total.day_in_doubt, "件"),
        (("時計がなく集計外の件", "visits without a day, in no figure"), report.undated, "件"),
    ] {
        row(page, both, number, unit)?;
    }
    page.push_str("</table></section>\n");
    Ok(())
}

/// The estimate, with what it means: whoever reads the figure reads this.
fn fees_avoided(page: &mut String, total: &Figures) -> fmt::Result {
    page.push_str(
        "<h2>料金の取り損ねを防いだ額（推定の上限） <small>missed fees avoided, an upper bound</small></h2><table>",
    );
    let declined = total.declined;
    for (japanese, english, sum) in [
        (
            "① 受付機が区分を決めた料金の合計".to_owned(),
            "fees of classes that the kiosk computed".to_owned(),
            total.computed_yen,
        ),
        (
            format!("② 他人のカード・使えない券を断った{declined}件 × いちばん高い料金"),
            format!("{declined} cards and passes declined, each at the highest fee"),
            total.declined_yen,
        ),
        ("①＋② 上限".to_owned(), "at most".to_owned(), total.missed_at_most_yen()),
    ] {
        writeln!(page, "<tr><td>{japanese} <small>{english}</small></td><td>{}円</td></tr>", grouped(sum))?;
    }
    page.push_str(
        "</table><p>①には、受付機がなくても払われたはずの料金が入っています。②には、一人が何度か試したものや、本人を断ったものも\
         入っています。ですから実際に防げた額はこれより少なく、いくらかはわかりません。料金は今の設定で計算し、係員が手で入れた人は\
         ①に入れません。<br><span class=\"en\">① contains what would have been paid without the kiosk as well; in ② somebody who \
         tries again counts again, and so does an owner whom the kiosk did not recognise. The true amount is smaller, and nobody \
         knows it. Fees are those of today's settings; visitors entered by hand are not in ①.</span></p>\n",
    );
    if total.unpriced > 0 {
        writeln!(
            page,
            "<p>今はない区分の{}人は、①に入っていません。 <span class=\"en\">{} visitors of classes that are no longer set are \
             not in ①.</span></p>",
            total.unpriced, total.unpriced
        )?;
    }
    Ok(())
}

fn foot(page: &mut String, report: &Report) -> fmt::Result {
    page.push_str(
        "<p>この受付機だけの数です。来館者は入った人で、中にいる間の再入場は数えません。受付時間は、顔が見えてから決まるまでです\
         （受付機が入れた人だけ。95%は、100件のうち95件がこの時間までに終わったことを表します）。名前は入っていません。<br>\
         <span class=\"en\">This kiosk alone. A visitor is somebody who came in and was not inside already. Reception is from the \
         first face to the decision, where the kiosk itself let somebody in; percentiles by nearest rank. No names.</span></p>",
    );
    if let Some(made) = report.made {
        writeln!(
            page,
            "<p><small>作成 made: {} {:02}:{:02}</small></p>",
            days::japanese(made.date),
            made.minute / 60,
            made.minute % 60
        )?;
    }
    page.push_str("</body></html>\n");
    Ok(())
}

fn row(page: &mut String, (japanese, english): (&str, &str), number: u32, unit: &str) -> fmt::Result {
    let (japanese, english) = (Escaped(japanese), Escaped(english));
    writeln!(page, "<tr><td>{japanese} <small>{english}</small></td><td>{number}{unit}</td></tr>")
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(place, digit): (usize, char)| {
        let is_due = place > 0 && (digits.len() - place).is_multiple_of(3);
        is_due.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(comma).collect()
}

/// Median and 95th percentile in seconds, with one place behind the point.
fn receptions(figures: &Figures) -> (String, String) {
    let seconds = |ms: u64| format!("{:.1}秒", ms as f64 / 1_000.0);
    figures.reception.map_or_else(
        || ("－".into(), "－".into()),
        |reception| (seconds(reception.median_ms), seconds(reception.p95_ms)),
    )
}

/// Text that cannot end the place where it stands.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                other => out.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_grouped_by_thousands() {
        for (sum, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (123_456, "123,456"), (1_234_567, "1,234,567")]
        {
            assert_eq!(grouped(sum), expected);
        }
    }
}
