//! `kiosk retention`: what is kept how long, and what would go now. The running kiosk takes it away, once a day.

use super::{Outcome, vault::Vault};
use crate::{
    arguments::Common,
    office::{
        Ask, Told,
        retention::{Due, WouldGo},
    },
    output::Format,
};

pub(crate) fn retention(common: &Common, format: Format) -> Outcome {
    if let Told::Retention(due) = Vault::open(&common.data)?.office(Ask::Retention)? {
        format.print(&due, text);
    }
    Ok(())
}

fn text(due: &Due) -> String {
    let days = &due.days;
    let kept = [
        ("入った来館の記録", "records of visits that were let in", days.decisions),
        ("断った来館の記録", "records of refusals", days.refusals),
        ("だれの来館か", "whose visits they were", days.visits_person),
        ("だれが情報を見たか", "who looked somebody up", days.accesses),
        ("やめた係員の名前", "names of removed staff", days.removed_staff),
    ];
    let mut lines: Vec<String> =
        kept.iter().map(|(ja, en, days)| format!("{days:>5} 日 days  {ja} {en}")).collect();
    if let Some(WouldGo { visits, records, more, accesses, staff }) = &due.would_go {
        let more = if *more { "＋" } else { "" };
        lines.push(format!(
            "いま期限の過ぎたもの what is due now: 来館 visits {visits}, 記録 records {records}{more}, 閲覧 look-ups \
             {accesses}, 係員 staff {staff}"
        ));
    }
    if let Some(why) = &due.waits {
        lines.push(format!(
            "時計が確かでないので、何も消しません。日付と時刻を合わせてください\n  nothing is taken away: {why}"
        ));
    }
    lines.join("\n")
}
