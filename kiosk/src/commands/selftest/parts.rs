//! What a kiosk needs beside its board: the networks' weights, the data directory and its rules, room on the disk, a clock
//! that knows the day.

use std::{error::Error, path::Path};

use models::{Threads, Vision};
use store::{Store, StoreError};

use super::lines::{Line, State};
use crate::{
    arguments::Common,
    assets, clock,
    commands::vault,
    facility_file::{self, findings},
};

/// Below this the door's records are in danger: a busy year writes about as much.
const LEAST_FREE_MIB: u64 = 1_024;
/// Below this nobody is let in before long: what LEDGER.md reserves for the door's records.
const NO_ROOM_MIB: u64 = 64;
/// From this uncertainty on, rules of the day are in doubt around midnight. A radio clock or a network keeps it below.
const VAGUE_CLOCK_S: u32 = 60;

const DISK: (&str, &str) = ("記録の空き", "Room for records");

/// Everything, one line each.
pub(super) fn check(common: &Common) -> Vec<Line> {
    let mut lines = vec![weights(common.models.as_deref())];
    lines.extend(data(&common.data));
    lines.push(disk(&common.data));
    lines.push(day(clock::now(clock::system().as_ref()).wall));
    lines
}

/// The weights are read and checked as at a start.
fn weights(folder: Option<&Path>) -> Line {
    let name = ("顔認識のデータ", "Networks' weights");
    let found = match assets::models(folder) {
        Ok(found) => found,
        Err(error) => {
            let what = (
                "見つかりません。本体のソフトウェアを入れ直してください",
                "Not found. Install the device's software again",
            );
            return Line::new("weights", State::NotSeen, name, what).because(&error);
        }
    };
    let loaded = || -> Result<(), Box<dyn Error>> {
        Vision::load(&found, &Threads::start(1)?)?;
        Ok(())
    };
    match loaded() {
        Ok(()) => Line::new("weights", State::Works, name, ("読めました", "Read and whole")),
        Err(error) => {
            let what = (
                "こわれています。本体のソフトウェアを入れ直してください",
                "Damaged. Install the device's software again",
            );
            Line::new("weights", State::Failed, name, what).because(error.as_ref())
        }
    }
    .at(found.display())
}

fn data(folder: &Path) -> Vec<Line> {
    let name = ("データの場所", "Data directory");
    let line = |state, what| Line::new("data", state, name, what).at(folder.display());
    match vault::open(folder) {
        Ok(store) => vec![line(State::Works, ("開けました", "Opened")), rules(&store)],
        Err(error @ StoreError::InUse(_)) => {
            let what = (
                "受付プログラムが使っています。止めてから試すと、機器もすべて調べられます",
                "The reception program uses it. Stop that to test every device as well",
            );
            vec![line(State::Look, what).because(&error)]
        }
        Err(error) => {
            let what = (
                "開けません。新しい機器なら `kiosk init` を、そうでなければ控えを戻してください",
                "It cannot be opened. Run `kiosk init` on a new device; else bring its backup back",
            );
            vec![line(State::Failed, what).because(&error)]
        }
    }
}

fn rules(store: &Store) -> Line {
    let name = ("施設の設定", "Facility's rules");
    let line = |state, what| Line::new("rules", state, name, what);
    let rules = match facility_file::of_vault(store) {
        Ok(rules) => rules,
        Err(error) => {
            let what = (
                "読めません。`kiosk facility set` で入れ直してください",
                "Not understood. Set them again with `kiosk facility set`",
            );
            return line(State::Failed, what).because(&error);
        }
    };
    let policy = rules.policy_at(gate::Policy::default().door, gate::SensorTier::default());
    let found = findings(&policy);
    match (facility_file::fatal(&found), found.len()) {
        (Some(fatal), _) => {
            line(State::Failed, ("このままでは使えません", "They cannot be used as they are")).at(fatal)
        }
        (None, 0) => line(State::Works, ("使えます", "In order")),
        (None, _) => line(
            State::Look,
            ("確認することがあります：`kiosk facility show`", "Something to look at: `kiosk facility show`"),
        ),
    }
}

fn disk(folder: &Path) -> Line {
    // Before `kiosk init` the folder is not there; the disk is that of the nearest one above.
    let there = folder.ancestors().find(|place| place.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(disk) => room(disk.f_bavail.saturating_mul(disk.f_frsize) >> 20),
        Err(error) => {
            let what = ("調べられません", "It cannot be told");
            Line::new("disk", State::Failed, DISK, what).because(&error)
        }
    }
    .at(there.display())
}

fn room(free_mib: u64) -> Line {
    let (ja, en) = (format!("空きは {free_mib} MB です"), format!("{free_mib} MB are free"));
    let (state, ja_more, en_more) = match free_mib {
        LEAST_FREE_MIB.. => (State::Works, "", ""),
        NO_ROOM_MIB.. => (
            State::Look,
            "。いらないファイルを消すか、大きいカードに替えてください",
            ". Delete what is not needed, or fit a larger card",
        ),
        _ => (
            State::Failed,
            "。記録できないと、だれも入れません。すぐに空けてください",
            ". Nobody is let in without a record: make room now",
        ),
    };
    Line::new("disk", state, DISK, (&(ja + ja_more), &(en + en_more)))
}

fn day(wall: Option<gate::Wall>) -> Line {
    let name = ("日付と時刻", "Date and time");
    let line = |state, what| Line::new("day", state, name, what);
    let Some(wall) = wall else {
        let what =
            ("わかりません。本体の日付と時刻を合わせてください", "Not known. Set the device's date and time");
        return line(State::Failed, what);
    };
    let local = gate::Local::at(wall.unix_ms, gate::facility::JAPAN_OFFSET_MINUTES);
    let shown = local
        .map_or_else(String::new, |at| format!("{} {:02}:{:02}", at.date, at.minute / 60, at.minute % 60));
    let uncertain = wall.uncertainty_s;
    if uncertain >= VAGUE_CLOCK_S {
        let what = (
            &*format!("ずれているかもしれません（{uncertain} 秒まで）。合っているか確かめてください"),
            &*format!("It may be wrong by up to {uncertain} seconds. See that it is right"),
        );
        return line(State::Look, what).at(shown);
    }
    line(State::Works, ("合っています", "It is kept right")).at(shown)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::Wall;

    use super::*;

    #[test]
    fn a_disk_that_fills_up_is_told_before_records_are_lost() {
        for (free_mib, expected) in [
            (0, State::Failed),
            (63, State::Failed),
            (64, State::Look),
            (1_023, State::Look),
            (1_024, State::Works),
            (1 << 40, State::Works),
        ] {
            assert_eq!(room(free_mib).state, expected, "{free_mib}");
        }
    }

    #[test]
    fn a_clock_that_may_be_wrong_is_pointed_out_and_none_is_a_failure() {
        let told = |uncertainty_s| day(Some(Wall { unix_ms: 1_795_000_000_000, uncertainty_s })).state;
        assert_eq!((told(1), told(59), told(60)), (State::Works, State::Works, State::Look));
        assert_eq!(day(None).state, State::Failed);
    }

    #[test]
    fn a_folder_that_was_never_set_up_is_a_failure_and_its_disk_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("not/there");
        let lines = data_and_disk(&data);
        assert_eq!(lines[0].state, State::Failed);
        assert!(lines[0].ja.contains("kiosk init"));
        assert_eq!(lines[1].place, folder.path().display().to_string());
    }

    fn data_and_disk(folder: &Path) -> Vec<Line> {
        let mut lines = data(folder);
        lines.push(disk(folder));
        lines
    }

    #[test]
    fn rules_that_are_not_understood_are_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let data_folder = folder.path().join("data");
        vault::init_sample(&data_folder).unwrap();
        let mut store = vault::open(&data_folder).unwrap();
        assert_eq!(rules(&store).state, State::Works);
        let now = clock::now(clock::system().as_ref());
        store.set_facility(now, "[nonsense]\n", store::By::Console).unwrap();
        assert_eq!(rules(&store).state, State::Failed);
    }
}
