//! What is held about somebody as a page to read: the answer to a disclosure request (開示請求). It says the same as the JSON
//! file beside it, but for the numbers of a face, of which it says how many there are.

use std::fmt::{self, Write as _};

use gate::Local;
use serde_json::{Map, Value};

use crate::report::{days, html::Escaped};

/// What the keys are called. One that is not here is shown as it is written.
const LABELS: [(&str, &str, &str); 52] = [
    ("person", "番号", "id"),
    ("name", "名前", "name"),
    ("standing", "登録の状態", "standing"),
    ("registered", "登録の内容", "what is registered"),
    ("attributes", "属性", "attributes"),
    ("born", "生年月日", "date of birth"),
    ("residency", "住所（市内・市外）", "residency"),
    ("resident", "市内に住む期間", "resident"),
    ("confirmed", "最後に確認した日", "last confirmed"),
    ("valid", "登録の期間", "valid"),
    ("from", "から", "from"),
    ("until", "まで", "until"),
    ("schedule", "利用できる時間", "hours"),
    ("week", "曜日ごと（月曜日から、分）", "week from Monday, in minutes"),
    ("closed", "休みの日", "closed days"),
    ("household", "家族の番号", "household"),
    ("representative", "家族の代表", "representative"),
    ("protected", "保護", "protected"),
    ("assurance", "本人確認の方法", "assurance"),
    ("entitlements", "定期券・回数券", "passes and coupons"),
    ("entitlement", "番号", "id"),
    ("coupons", "回数", "coupons"),
    ("used", "使った回数", "used"),
    ("uses", "使った券", "pass or coupon used"),
    ("credentials", "カード・コード（種類だけ）", "cards and codes, their kinds alone"),
    ("consents", "同意", "consents"),
    ("version", "文章の版", "version of the text"),
    ("language", "ことば", "language"),
    ("given_by", "同意した人", "given by"),
    ("digest", "文章の要約値", "digest of the text"),
    ("references", "顔の特徴（数字）", "references of the face"),
    ("model", "作ったモデル", "model"),
    ("vector", "数字", "numbers"),
    ("templates", "顔の特徴（数字）", "templates"),
    ("visits", "来館", "visits"),
    ("day", "日", "day"),
    ("minute", "時刻", "time"),
    ("way", "入り方", "way in"),
    ("outcome", "結果", "outcome"),
    ("detail", "くわしく", "detail"),
    ("door", "ドア", "door"),
    ("recognised", "本人が認識された", "recognised"),
    ("fee", "料金区分", "fee class"),
    ("records", "記録", "records"),
    ("record", "記録の番号", "record"),
    ("kind", "種類", "kind"),
    ("personal", "本人の鍵で封をした内容", "sealed under the person's key"),
    ("accesses", "だれが見たか", "who looked"),
    ("what", "何を", "what"),
    ("by", "だれが（空欄は本体のコンソール）", "by; empty is the device's console"),
    ("why", "理由", "why"),
    ("wall_ms", "いつ", "when"),
];

/// The order of the page; other keys follow.
const ORDER: [&str; 11] = [
    "name",
    "person",
    "standing",
    "registered",
    "entitlements",
    "credentials",
    "consents",
    "references",
    "visits",
    "accesses",
    "records",
];

const STYLE: &str = "\
@page { size: A4; margin: 12mm }
body { font: 10pt/1.4 'Noto Sans JP', 'Hiragino Sans', 'Yu Gothic', Meiryo, sans-serif; color: #111; margin: 0 auto; max-width: 186mm }
h1 { font-size: 15pt } h2 { font-size: 11.5pt; margin: 5mm 0 1mm; border-bottom: 0.3mm solid #888 } small { color: #444 }
table { border-collapse: collapse; margin: 1mm 0 } th, td { border: 0.2mm solid #aaa; padding: 0.5mm 1.5mm; text-align: left; vertical-align: top }
th { background: #f2f2f2; font-weight: normal } td { word-break: break-all } tr { break-inside: avoid }
";

/// The whole page.
pub(super) fn write(held: &Value) -> String {
    let mut page = String::new();
    render(&mut page, held).expect("a string takes everything");
    page
}

fn render(page: &mut String, held: &Value) -> fmt::Result {
    writeln!(page, "<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\">")?;
    writeln!(
        page,
        "<title>保有している個人情報 Personal data held</title>\n<style>\n{STYLE}</style></head><body>"
    )?;
    page.push_str(
        "<h1>この受付機が持っている、あなたの情報<br><small>What this kiosk holds about you</small></h1>\n\
         <p>家族やほかの人についての情報は入っていません。顔の特徴は数字で、写真はありません。<br>\
         <small>What is held about your family or others is not in it. A face is held as numbers; there is no photograph.\
         </small></p>\n",
    );
    match held {
        Value::Object(held) => sections(page, held)?,
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            value(page, "", other)?;
        }
    }
    page.push_str("</body></html>\n");
    Ok(())
}

fn sections(page: &mut String, held: &Map<String, Value>) -> fmt::Result {
    let rest = held.keys().map(String::as_str).filter(|key| !ORDER.contains(key) && *key != "other_ids");
    for key in ORDER.into_iter().chain(rest) {
        if let Some(part) = held.get(key) {
            write!(page, "<h2>{}</h2>", label(key))?;
            value(page, key, part)?;
            page.push('\n');
        }
    }
    for other in held.get("other_ids").and_then(Value::as_array).into_iter().flatten() {
        page.push_str("<h1>前の登録 <small>an earlier enrolment</small></h1>\n");
        if let Value::Object(other) = other {
            sections(page, other)?;
        }
    }
    Ok(())
}

fn label(key: &str) -> String {
    LABELS.iter().find(|(known, ..)| *known == key).map_or_else(
        || Escaped(key).to_string(),
        |(_, japanese, english)| format!("{japanese} <small>{english}</small>"),
    )
}

fn value(page: &mut String, key: &str, held: &Value) -> fmt::Result {
    match (key, held) {
        ("vector" | "templates", Value::Array(numbers)) => write!(page, "{} 個", numbers.len()),
        (_, Value::Null) => page.write_str("－"),
        (_, Value::Bool(truth)) => page.write_str(if *truth { "はい yes" } else { "いいえ no" }),
        ("wall_ms", Value::Number(unix_ms)) => page.write_str(&moment(unix_ms.as_i64())),
        ("minute", Value::Number(minute)) => {
            let minute = minute.as_u64().unwrap_or_default();
            write!(page, "{:02}:{:02}", minute / 60, minute % 60)
        }
        (_, Value::Number(number)) => write!(page, "{number}"),
        (_, Value::String(text)) => write!(page, "{}", Escaped(text)),
        (_, Value::Array(items)) if items.is_empty() => page.write_str("なし none"),
        (_, Value::Array(items)) => items.iter().try_for_each(|item| {
            page.push_str("<div>");
            value(page, key, item)?;
            page.write_str("</div>")
        }),
        (_, Value::Object(entries)) => {
            page.push_str("<table>");
            for (key, held) in entries {
                write!(page, "<tr><th>{}</th><td>", label(key))?;
                value(page, key, held)?;
                page.push_str("</td></tr>");
            }
            page.write_str("</table>")
        }
    }
}

fn moment(unix_ms: Option<i64>) -> String {
    let local = unix_ms.and_then(|unix_ms| Local::at(unix_ms, gate::facility::JAPAN_OFFSET_MINUTES));
    local.map_or_else(
        || "－".into(),
        |at| format!("{} {:02}:{:02}", days::japanese(at.date), at.minute / 60, at.minute % 60),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn held() -> Value {
        json!({
            "name": "<b>見本</b> \"太郎\"",
            "person": "0123",
            "registered": { "protected": true, "attributes": { "born": "2020-02-29" } },
            "references": [{ "model": "sface", "vector": vec![0.123; 128] }],
            "visits": [{ "day": "2026-11-24", "minute": 605, "outcome": "granted" }],
            "accesses": [{ "why": "開示請求", "wall_ms": 1_795_478_400_000_i64 }],
            "something_new": "x<y",
            "consents": [],
            "other_ids": [{ "name": "見本 元", "person": "4567" }],
        })
    }

    #[test]
    fn everything_that_is_held_is_on_the_page_and_the_face_is_only_counted() {
        let page = write(&held());
        for part in [
            "2020-02-29",
            "128 個",
            "10:05",
            "granted",
            "開示請求",
            "2026年（令和8年）11月24日（火） 09:00",
            "something_new",
            "x&lt;y",
            "なし none",
            "見本 元",
            "4567",
            "生年月日",
            "はい yes",
        ] {
            assert!(page.contains(part), "{part} is missing in {page}");
        }
        assert!(!page.contains("0.123"));
    }

    #[test]
    fn a_name_cannot_end_the_place_where_it_stands() {
        let page = write(&held());
        assert!(page.contains("&lt;b&gt;見本&lt;/b&gt; &quot;太郎&quot;") && !page.contains("<b>"));
        for reach in ["http", "src=", "href", "url(", "<script"] {
            assert!(!page.contains(reach), "{reach}");
        }
    }
}
