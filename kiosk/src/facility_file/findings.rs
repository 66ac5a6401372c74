//! What `gate::check` finds wrong with rules, in the words of technicians and staff: Japanese first.

use std::fmt;

use gate::{FeeClassId, Policy, PolicyFinding, SchoolStage, Weekday};
use serde::{Deserialize, Serialize};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    /// The door does not open for people with it.
    pub(crate) fatal: bool,
    pub(crate) japanese: String,
    pub(crate) english: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, japanese, english) = if self.fatal {
            ("×", "使えません", "refused")
        } else {
            ("△", "確認してください", "to look at")
        };
        write!(out, "{mark} {japanese}：{}\n  {english}: {}", self.japanese, self.english)
    }
}

/// Everything that is wrong with these rules at a board, the fatal first.
pub(crate) fn findings(policy: &Policy) -> Vec<Finding> {
    let told = |finding: &PolicyFinding| Finding {
        fatal: finding.is_fatal(),
        japanese: japanese(finding),
        english: finding.to_string(),
    };
    gate::check(policy).iter().map(told).collect()
}

/// The fatal ones, if there are any.
pub(crate) fn fatal(findings: &[Finding]) -> Option<String> {
    let lines: Vec<_> = findings.iter().filter(|it| it.fatal).map(ToString::to_string).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn japanese(finding: &PolicyFinding) -> String {
    match finding {
        PolicyFinding::Nobody { key, .. } => {
            format!("{key} がこのままでは、だれも入れません。値を見直してください（park.toml に説明があります）")
        }
        PolicyFinding::Everybody { key, .. } => {
            format!("{key} がこのままでは、入れてはいけない人も入れます。値を見直してください（park.toml に説明があります）")
        }
        PolicyFinding::PhotographOpens => "このカメラは写真と顔を見分けられないので、写真でドアが開きます。face_alone.rgb を \
             \"opens-after-turn\" か \"needs-claim\" にするか、近赤外・奥行きカメラにしてください"
            .into(),
        PolicyFinding::RuleWithoutFactor { rule } => {
            format!("factors.rule の{rule}番目は何も求めないので、だれでも入れます。needs を書いてください")
        }
        PolicyFinding::CopyOpens { rule } => format!(
            "factors.rule の{rule}番目では、カードの番号や印刷したコードを写した人にもドアが開きます。face を足すか、\
             fresh-code か card-pin にしてください"
        ),
        PolicyFinding::RuleHoursWrong { rule, day } => format!(
            "factors.rule の{rule}番目の{}の時間が正しくありません。始まりと終わりを書き直し、夜は二つに分けてください",
            weekday(*day)
        ),
        PolicyFinding::RuleNeverCounts { rule } => {
            format!("factors.rule の{rule}番目の時間には、施設が開いていません。どちらかを直してください")
        }
        PolicyFinding::RuleNeverNeeded { rule, by } => format!(
            "factors.rule の{rule}番目は使われません。同じ時に{by}番目がより少ないもので開けるためです。どちらかを消してください"
        ),
        PolicyFinding::NoRuleAt { day, minute } => format!(
            "{}の{:02}:{:02}から、開いているのに factors.rule のどれも使えません（係員だけが入れられます）。その時間の決まりを足してください",
            weekday(*day),
            minute / 60,
            minute % 60
        ),
        PolicyFinding::HoursBackwards { day } => {
            format!("{}の時間が、始まりより前に終わります。始まりと終わりを書き直してください", weekday(*day))
        }
        PolicyFinding::HoursBeyondMidnight { day } => {
            format!("{}の時間が、午前0時を過ぎます。24:00で終え、次の日を00:00から始めてください", weekday(*day))
        }
        PolicyFinding::OffsetImpossible { minutes } => {
            format!("admission.utc_offset_min が {minutes} です。日本は540です")
        }
        PolicyFinding::HeldOpenAtOnce => {
            "door.held_open_s が0なので、ドアが開くたびに警報になります。ふつうは30秒です".into()
        }
        PolicyFinding::NobodyInside => {
            "admission.longest_stay_h が0なので、だれも中にいることになりません（火災のときも）。ふつうは16時間です".into()
        }
        PolicyFinding::NoKiosks => "admission.kiosks が0です。同じ回数券を使う受付機の台数を書いてください".into(),
        PolicyFinding::FeeClassTwice { class } => {
            format!("料金区分「{}」が二つあります。片方の名前を変えてください", class.0)
        }
        PolicyFinding::AgesBackwards { class } => {
            format!("料金区分「{}」の年齢に当てはまる人がいません。below_age を from_age より大きくしてください", class.0)
        }
        PolicyFinding::FeeClassNeverReached { class, earlier } => never_reached(class, earlier.as_ref()),
        PolicyFinding::NoFeeClass { age, resident, stage } => format!(
            "{age}歳（{}）の{}に合う料金区分がありません。その人の料金は毎回係員が決めます。区分を足してください",
            school(*stage),
            if *resident { "市内の人" } else { "市外の人" }
        ),
    }
}

fn never_reached(class: &FeeClassId, earlier: Option<&FeeClassId>) -> String {
    match earlier {
        Some(earlier) => format!(
            "料金区分「{}」には、だれも入りません。先にある「{}」に入るためです。その前に移してください",
            class.0, earlier.0
        ),
        None => format!("料金区分「{}」の条件は、同時に成り立ちません。どれかをゆるめてください", class.0),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "月曜日",
        Weekday::Tuesday => "火曜日",
        Weekday::Wednesday => "水曜日",
        Weekday::Thursday => "木曜日",
        Weekday::Friday => "金曜日",
        Weekday::Saturday => "土曜日",
        Weekday::Sunday => "日曜日",
    }
}

fn school(stage: SchoolStage) -> &'static str {
    match stage {
        SchoolStage::Preschool => "未就学",
        SchoolStage::Elementary => "小学生",
        SchoolStage::JuniorHigh => "中学生",
        SchoolStage::HighSchool => "高校生の年齢",
        SchoolStage::Beyond => "それより上",
    }
}
