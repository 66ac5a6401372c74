#![allow(clippy::unwrap_used)]
use gate::{FeeClassId, Local, Who, Words};

use super::*;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn fee(id: &str, yen: u32, japanese: &str) -> FeeClass {
    let words = Words { japanese: japanese.into(), easy: japanese.into(), english: id.into() };
    FeeClass { id: FeeClassId(id.into()), yen, words, who: Who::default() }
}

/// Residents are free, visitors pay 500.
fn facility() -> Facility {
    Facility {
        fees: vec![fee("resident", 0, "市内在住　無料"), fee("visitor", 500, "市外在住　500円")],
        ..Facility::default()
    }
}

fn somebody(fee: Option<&str>) -> Visitor {
    Visitor { fee: fee.map(str::to_owned), by_hand: false, stale: false, again: false }
}

fn visit(date: &str, way: WayIn, visitors: Vec<Visitor>) -> Visit {
    let reception = (way != WayIn::Staff).then(|| Duration::from_millis(1_000));
    Visit { day: day(date), minute: 10 * 60, day_sure: true, way, ended: Ended::CameIn, reception, visitors }
}

fn refusal(date: &str, why: &str) -> Visit {
    Visit { ended: Ended::Refused(why.into()), reception: None, ..visit(date, WayIn::Face, Vec::new()) }
}

fn report(visits: &[Visit], from: &str, until: &str) -> Report {
    let aside = Aside { facility: "見本公園".into(), ..Aside::default() };
    of(visits, &facility(), (day(from), day(until)), aside)
}

/// 120 visitors on three days of two months: 60 by face, 25 by code, 35 by hand.
fn script() -> Vec<Visit> {
    let dates = ["2026-10-31", "2026-11-01", "2026-11-03"];
    let mut visits = Vec::new();
    for number in 0..120 {
        let class = if number % 3 == 0 { "visitor" } else { "resident" };
        let by_hand = number >= 85;
        let way = match number {
            0..60 => WayIn::Face,
            60..85 => WayIn::Qr,
            _ => WayIn::Staff,
        };
        let visitor = Visitor { by_hand, ..somebody(Some(class)) };
        visits.push(visit(dates[number % dates.len()], way, vec![visitor]));
    }
    visits.extend([refusal("2026-11-01", "no-match"), refusal("2026-11-03", "claim-not-confirmed")]);
    visits
}

/// A day's figures add up to the month's and the total's, and each total is the sum of its parts.
#[test]
fn a_saturday_at_the_park_is_one_count_of_120() {
    let report = report(&script(), "2026-10-01", "2026-11-30");
    let total = &report.total;
    assert_eq!(total.visitors, 120);
    assert_eq!(total.by_way, BTreeMap::from([(WayIn::Face, 60), (WayIn::Qr, 25), (WayIn::Staff, 35)]));
    assert_eq!(total.by_fee, BTreeMap::from([("resident".into(), 80), ("visitor".into(), 40)]));
    assert_eq!((total.manual, total.without_class, total.refused), (35, 0, 2));
    assert_eq!((report.days.len(), report.months.len()), (61, 2));
    for parts in [&report.days, &report.months] {
        let sum = |of: fn(&Figures) -> u64| parts.iter().map(|it| of(&it.figures)).sum::<u64>();
        assert_eq!(sum(|it| it.visitors.into()), u64::from(total.visitors));
        assert_eq!(sum(|it| it.manual.into()), u64::from(total.manual));
        assert_eq!(sum(|it| it.refused.into()), u64::from(total.refused));
        assert_eq!(sum(|it| it.computed_yen), total.computed_yen);
        assert_eq!(sum(|it| it.declined_yen), total.declined_yen);
    }
    assert_eq!(report.hours.iter().sum::<u32>(), total.visitors);
    for figures in report.days.iter().chain(&report.months).map(|it| &it.figures).chain([total]) {
        assert_eq!(figures.by_way.values().sum::<u32>(), figures.visitors);
        assert_eq!(figures.by_fee.values().sum::<u32>() + figures.without_class, figures.visitors);
        assert_eq!(figures.by_reason.values().sum::<u32>(), figures.refused);
    }
}

#[test]
fn a_family_counts_each_member_and_whoever_is_inside_counts_once() {
    let again = Visitor { again: true, ..somebody(Some("visitor")) };
    let family = vec![somebody(Some("visitor")), somebody(None), again.clone()];
    let report = report(&[visit("2026-11-01", WayIn::Face, family)], "2026-11-01", "2026-11-01");
    let total = &report.total;
    assert_eq!((total.visitors, total.again, total.without_class), (2, 1, 1));
    assert_eq!(report.hours[10], 2);
    assert_eq!(total.computed_yen, 500, "whoever is inside already does not pay twice");
}

#[test]
fn whoever_did_not_come_in_is_no_visitor() {
    let party = || vec![somebody(Some("visitor")), somebody(Some("visitor"))];
    let stayed = |ended| Visit { ended, ..visit("2026-11-01", WayIn::Face, party()) };
    let visits = [stayed(Ended::NotEntered), stayed(Ended::Unknown), stayed(Ended::Refused("closed".into()))];
    let report = report(&visits, "2026-11-01", "2026-11-01");
    let total = &report.total;
    assert_eq!((total.visitors, total.not_entered, total.unknown, total.refused), (0, 2, 2, 1));
    assert_eq!((total.computed_yen, report.hours), (0, [0; 24]));
}

#[test]
fn days_outside_the_span_are_in_no_figure() {
    let visits = ["2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"]
        .map(|date| visit(date, WayIn::Face, vec![somebody(None)]));
    let report = report(&visits, "2026-11-01", "2026-11-02");
    assert_eq!((report.total.visitors, report.hours[10]), (2, 2));
    assert_eq!(report.total.reception.unwrap().visits, 2);
}

fn check_reception(measured: &[u64], expected: Option<(u64, u64)>) {
    let spans = measured.iter().rev().map(|ms| Duration::from_millis(*ms)).collect();
    assert_eq!(reception(spans).map(|it| (it.median_ms, it.p95_ms)), expected, "{measured:?}");
}

/// By nearest rank: the value at place ceil(n x p / 100) of n sorted ones.
#[test]
fn a_percentile_is_a_value_that_was_measured() {
    check_reception(&[], None);
    check_reception(&[700], Some((700, 700)));
    check_reception(&[100, 200], Some((100, 200)));
    check_reception(&[100, 200, 300], Some((200, 300)));
    let twenty: Vec<u64> = (1..=20).collect();
    check_reception(&twenty, Some((10, 19)));
    let twenty_one: Vec<u64> = (1..=21).collect();
    check_reception(&twenty_one, Some((11, 20)));
    let hundred: Vec<u64> = (1..=100).collect();
    check_reception(&hundred, Some((50, 95)));
}

#[test]
fn fees_that_staff_typed_are_not_what_the_kiosk_kept_from_being_missed() {
    let typed = Visitor { by_hand: true, ..somebody(Some("visitor")) };
    let visits = [
        visit("2026-11-01", WayIn::Staff, vec![typed]),
        visit("2026-11-01", WayIn::Face, vec![somebody(Some("visitor")), somebody(Some("resident"))]),
        refusal("2026-11-01", "claim-not-confirmed"),
        refusal("2026-11-01", "pass-not-valid"),
        refusal("2026-11-01", "no-match"),
    ];
    let total = report(&visits, "2026-11-01", "2026-11-01").total;
    assert_eq!((total.computed_yen, total.declined, total.declined_yen), (500, 2, 1_000));
    assert_eq!(total.missed_at_most_yen(), 1_500);
}

#[test]
fn a_class_that_is_no_longer_set_is_named_and_has_no_price() {
    let visits = [visit("2026-11-01", WayIn::Face, vec![somebody(Some("student"))])];
    let report = report(&visits, "2026-11-01", "2026-11-01");
    assert_eq!((report.total.visitors, report.total.unpriced, report.total.computed_yen), (1, 1, 0));
    let last = report.fees.last().unwrap();
    assert_eq!((last.id.as_str(), last.yen), ("student", None));
}

#[test]
fn what_the_vault_gives_crosses_the_socket_unchanged() {
    let visits = script();
    let text = serde_json::to_string(&visits).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Visit>>(&text).unwrap(), visits);
    assert!(serde_json::from_str::<Vec<Visit>>(&text.replace("2026-11-01", "2026-11-31")).is_err());
}

/// A reader of RFC 4180 that knows nothing of the writer.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut inside = false;
    while let Some(letter) = letters.next() {
        match (inside, letter) {
            (true, '"') if letters.next_if_eq(&'"').is_some() => cell.push('"'),
            (_, '"') => inside = !inside,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(letters.next(), Some('\n'), "a line ends in CR LF");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, '\n') => panic!("a line feed without a carriage return"),
            (_, letter) => cell.push(letter),
        }
    }
    assert!(!inside && row.is_empty() && cell.is_empty(), "the last line has no end");
    rows
}

#[test]
fn a_spreadsheet_reads_what_was_counted() {
    let report = report(&script(), "2026-10-01", "2026-11-30");
    let text = csv::write(&report);
    let body = text.strip_prefix('\u{feff}').expect("Excel needs the mark");
    let rows = read_csv(body);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    assert_eq!(rows.len(), 1 + 61 + 2 + 1);
    let place =
        |header: &str| rows[0].iter().position(|it| it == header).unwrap_or_else(|| panic!("{header}"));
    let sum = |span: &str, header: &str| {
        let these = rows.iter().filter(|row| row[place("期間 [span]")] == span);
        these.map(|row| row[place(header)].parse::<u32>().unwrap()).sum::<u32>()
    };
    for (header, expected) in [
        ("来館者 [visitors]", 120),
        ("顔 [face]", 60),
        ("QRコード [QR code]", 25),
        ("係員 [staff]", 35),
        ("市外在住　500円 [visitor]", 40),
        ("手入力 [entered by hand]", 35),
        ("断り：登録が見つからない [no-match]", 1),
        ("自動で区分した料金 円 [fees computed, yen]", report.total.computed_yen as u32),
    ] {
        for span in ["日 [day]", "月 [month]", "合計 [total]"] {
            assert_eq!(sum(span, header), expected, "{header}, {span}");
        }
    }
    let sunday = rows.iter().find(|row| row[place("初日 [first day]")] == "2026-11-01").unwrap();
    assert_eq!(sunday[place("曜日 [weekday]")], "日");
}

#[test]
fn no_cell_is_a_formula_and_no_cell_leaves_its_place() {
    let bad = "=cmd|' /C calc'!A0";
    let facility = Facility {
        fees: vec![
            fee("a", 1, "@SUM(1)"),
            fee("b", 1, "-1,\"x\"\r\n"),
            fee("c", 1, "＝1"),
            fee("d", 1, "+1"),
        ],
        ..Facility::default()
    };
    let aside = Aside { facility: bad.into(), ..Aside::default() };
    let (date, visits) = (day("2026-11-01"), [visit("2026-11-01", WayIn::Face, vec![somebody(Some("a"))])]);
    let text = csv::write(&of(&visits, &facility, (date, date), aside));
    let rows = read_csv(text.strip_prefix('\u{feff}').unwrap());
    assert!(rows.iter().all(|row| row.len() == rows[0].len()));
    for cell in rows.iter().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']), "{cell}");
    }
    assert_eq!(rows[1][0], format!("'{bad}"));
    assert!(rows[0].contains(&"'-1,\"x\"\r\n [b]".to_owned()), "{:?}", rows[0]);
}

#[test]
fn the_page_stands_alone_and_shows_both_years() {
    let aside = Aside {
        facility: "見本公園".into(),
        made: Some(Local { date: day("2026-12-01"), minute: 545 }),
        overdrawn: Overdrawn { books: 2, coupons: 3 },
        undated: 4,
    };
    let report = of(&script(), &facility(), (day("2026-11-01"), day("2026-11-30")), aside);
    let page = html::write(&report);
    for part in [
        "2026年（令和8年）11月1日（日）から 2026年（令和8年）11月30日（月）まで",
        "Sun 1 November 2026 to Mon 30 November 2026",
        "size: A4",
        "<svg",
        "10時",
        "市外在住　500円",
        "登録が見つからない",
        "実際に防げた額はこれより少なく",
        "<td>500円</td>",
        "2026年（令和8年）12月1日（火） 09:05",
        "2冊",
        "3枚",
        "4件",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    for reach in ["http", "src=", "href", "url(", "@import", "<script"] {
        assert!(!page.contains(reach), "the page reaches outside: {reach}");
    }
}

#[test]
fn nothing_that_is_written_ends_the_place_where_it_stands() {
    let nasty = "<script>\"&'</script>";
    let facility = Facility { fees: vec![fee("a", 1, nasty)], ..Facility::default() };
    let aside = Aside { facility: nasty.into(), ..Aside::default() };
    let date = day("2026-11-01");
    let visits =
        [refusal("2026-11-01", "<b>new</b>"), visit("2026-11-01", WayIn::Face, vec![somebody(Some("<i>"))])];
    let page = html::write(&of(&visits, &facility, (date, date), aside));
    for raw in ["<script", "</script", "<b>", "<i>", "\"&'"] {
        assert!(!page.contains(raw), "{raw}");
    }
    assert!(page.contains("&lt;script&gt;&quot;&amp;&#39;&lt;/script&gt;"));
    assert!(page.contains("&lt;b&gt;new&lt;/b&gt;"));
}

#[test]
fn rare_reasons_are_one_line_and_no_refusal_is_lost() {
    let words = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let mut visits: Vec<_> = words.iter().map(|word| refusal("2026-11-01", word)).collect();
    visits.push(refusal("2026-11-01", "k"));
    let page = html::write(&report(&visits, "2026-11-01", "2026-11-01"));
    assert!(page.contains("<td>k <small></small></td><td>2件</td>"), "the most frequent are named");
    assert!(page.contains("other reasons; the table has them</small></td><td>3件</td>"));
    assert!(page.contains("<td>合計 <small>all</small></td><td>12件</td>"));
}

#[test]
fn a_year_is_listed_by_months() {
    let report = report(&script(), "2026-01-01", "2026-12-31");
    let page = html::write(&report);
    assert!(page.contains("月ごと") && page.contains("<td>2026年（令和8年）10月</td><td>40</td>"));
    assert!(!page.contains("日ごと"));
    assert_eq!(page.matches("<tr><td>2026年").count(), 12);
}
