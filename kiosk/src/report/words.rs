//! What ways, reasons and figures are called on a report, Japanese first. Reasons come from records, and records outlive
//! programs: one that is not known here is shown as it is written.

use super::WayIn;

/// Japanese and English.
pub(crate) type Both = (&'static str, &'static str);

pub(crate) fn way(way: WayIn) -> Both {
    match way {
        WayIn::Face => ("顔", "face"),
        WayIn::Qr => ("QRコード", "QR code"),
        WayIn::FacilityCard => ("施設のカード", "facility card"),
        WayIn::MyNumberCard => ("マイナンバーカード", "MyNumber card"),
        WayIn::Staff => ("係員", "staff"),
    }
}

pub(crate) fn reason(word: &str) -> Option<Both> {
    Some(match word {
        "no-match" => ("登録が見つからない", "not found"),
        "ambiguous" => ("よく似た人がいる", "two people too alike"),
        "revoked" => ("登録が取り消されている", "enrolment revoked"),
        "presentation-attack" => ("本人の顔と確かめられない", "not a living face, as far as can be told"),
        "second-factor-required" => ("カードなども必要", "a card or code needed too"),
        "low-quality" => ("顔がよく見えない", "no clear image"),
        "abandoned" => ("途中で離れた", "left before the end"),
        "interrupted" => ("機器が止まった", "a part failed"),
        "not-turned" => ("顔の向きを変えなかった", "head not turned as asked"),
        "claim-not-confirmed" => ("カードの持ち主とちがう顔", "face unlike the card's owner"),
        "unknown-credential" => ("知らないカード・コード", "unknown card or code"),
        "credential-refused" => ("使えないカード・コード", "card or code refused"),
        "factor-missing" => ("確認がもう一つ必要", "another factor needed"),
        "not-registered" => ("ここに登録がない", "not registered here"),
        "not-yet-valid" => ("登録の期間がまだ始まらない", "registration not yet valid"),
        "expired" => ("登録の期間が過ぎている", "registration has ended"),
        "closed" => ("休み・時間外", "closed"),
        "outside-own-hours" => ("本人の利用時間でない", "outside the person's hours"),
        "no-entitlement" => ("定期券・回数券がない", "no pass and no coupon"),
        "pass-not-valid" => ("定期券の期限でない", "pass not valid today"),
        "coupons-used" => ("回数券を使い切った", "coupons used up"),
        "already-inside" => ("もう中にいる", "inside already"),
        "clock-in-doubt" => ("時計が不確か", "clock in doubt"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::AVOIDING;

    #[test]
    fn whatever_stands_for_a_fee_has_words() {
        assert!(AVOIDING.iter().all(|word| reason(word).is_some()));
    }
}
