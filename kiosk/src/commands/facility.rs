//! `kiosk facility`: the facility's file, before it counts and after.

use std::path::{Path, PathBuf};

use boards::Board;
use gate::{DoorId, Local, Policy};
use serde::Serialize;

use super::{Outcome, vault::Vault};
use crate::{
    arguments::{self, Common},
    facility_file::{self, FacilityFile, Finding, findings},
    office::{
        Ask, Told,
        facility::{FacilityNow, FacilitySet},
    },
    output::Format,
    report::days,
    service::RecordText,
};

pub(crate) fn facility(common: &Common, format: Format, command: &arguments::Facility) -> Outcome {
    match command {
        arguments::Facility::Check { file, board } => check(format, file, board.as_deref()),
        arguments::Facility::Set { file } => set(common, format, file),
        arguments::Facility::Show => show(common, format),
    }
}

#[derive(Serialize)]
struct Checked<'a> {
    file: &'a Path,
    fee_classes: usize,
    findings: Vec<Finding>,
}

fn check(format: Format, file: &PathBuf, board: Option<&Path>) -> Outcome {
    let (_, rules) = facility_file::read(file)?;
    let policy = at_board(&rules, board)?;
    let checked = Checked { file, fee_classes: policy.facility.fees.len(), findings: findings(&policy) };
    format.print(&checked, |it| {
        let name = it.file.display();
        let (japanese, english) = (
            format!("{name}：読めました（料金区分 {}）。使うには `kiosk facility set`", it.fee_classes),
            format!(
                "{name}: understood, {} fee class(es); `kiosk facility set` puts it to use",
                it.fee_classes
            ),
        );
        lines([japanese, english], &it.findings)
    });
    match checked.findings.iter().any(|it| it.fatal) {
        true => Err("the rules cannot be used as they are".into()),
        false => Ok(()),
    }
}

/// Lines, and below them what somebody should look at.
fn lines<const N: usize>(lines: [String; N], findings: &[Finding]) -> String {
    let findings = findings.iter().map(ToString::to_string);
    lines.into_iter().chain(findings).collect::<Vec<_>>().join("\n")
}

/// The rules at a board; without one, at a door with a colour camera, where they must be strictest.
fn at_board(rules: &FacilityFile, board: Option<&Path>) -> Result<Policy, boards::BoardError> {
    let Some(board) = board.map(Board::load).transpose()? else {
        return Ok(rules.policy_at(Policy::default().door, Policy::default().sensor));
    };
    Ok(rules.policy_at(board.strike.as_ref().map(|_| DoorId(0)), board.sensor))
}

fn set(common: &Common, format: Format, file: &Path) -> Outcome {
    // Read here first, so that errors name the file.
    let (text, _) = facility_file::read(file)?;
    let mut vault = Vault::open(&common.data)?;
    if let Told::FacilitySet(set) = vault.office(Ask::SetFacility { text })? {
        format.print(&set, |FacilitySet { record, findings }| {
            let said = match record {
                Some(RecordText { run, seq }) => [
                    format!("施設の設定を変えました（記録 {run}:{seq}）。動いている受付機では、もう使われています"),
                    format!("the facility's rules are set, record {run}:{seq}; a running kiosk goes by them already"),
                ],
                None => ["同じ設定がもう使われています".into(), "these very rules count already".into()],
            };
            lines(said, findings)
        });
    }
    Ok(())
}

fn show(common: &Common, format: Format) -> Outcome {
    let mut vault = Vault::open(&common.data)?;
    if let Told::Facility(now) = vault.office(Ask::Facility)? {
        format.print(&now, shown);
    }
    Ok(())
}

fn shown(now: &FacilityNow) -> String {
    let Some(text) = &now.text else {
        return "施設の設定はまだありません。はじめの値で動きます（assets/facilities/park.toml が説明です）\n\
                no rules were set; the usual values count (assets/facilities/park.toml explains them)"
            .into();
    };
    let offset = gate::facility::JAPAN_OFFSET_MINUTES;
    let since = now.wall_ms.and_then(|unix_ms| Local::at(unix_ms, offset));
    let since = since.map_or_else(
        || "時刻不明 time not known".into(),
        |at| format!("{} {:02}:{:02}", days::japanese(at.date), at.minute / 60, at.minute % 60),
    );
    let digest = now.digest.as_deref().unwrap_or_default();
    let heading = format!("# {since} から from, SHA-256 {digest}\n\n{text}");
    lines([heading], &now.findings)
}
