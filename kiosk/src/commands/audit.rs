//! `kiosk audit`: check the log, and export it for somebody who does not trust us.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Outcome, vault};
use crate::{
    arguments::{self, Common},
    output::Format,
    service::{Answer, Request, Verified},
};

pub(crate) fn audit(common: &Common, format: Format, command: arguments::Audit) -> Outcome {
    match command {
        arguments::Audit::Verify { log: Some(log), head } => {
            verify_file(common, format, &log, head.as_deref())
        }
        arguments::Audit::Verify { log: None, head } => verify_vault(common, format, head),
        arguments::Audit::Export { out } => export(common, format, &out),
    }
}

fn verify_vault(common: &Common, format: Format, head: Option<PathBuf>) -> Outcome {
    let head = head.as_deref().map(std::path::absolute).transpose()?;
    if let Answer::Verified(verified) = vault::ask(&common.data, Request::Verify { head })? {
        print(format, &verified)?;
    }
    Ok(())
}

/// Checks an exported log by what it says of itself, or its head of it; with the vault's key as well where the vault at
/// hand is that of the log's device.
fn verify_file(common: &Common, format: Format, log: &Path, head: Option<&Path>) -> Outcome {
    let head = head.map(store::read_head).transpose()?;
    let mut report = store::verify_export(log, head.as_ref(), None, None)?;
    if let Ok(store) = vault::open(&common.data)
        && store.settings()?.device == report.device
    {
        report = store.verify_export(log, head.as_ref())?;
    }
    print(format, &report.into())
}

/// Prints the result; a log that is not whole is an error as well.
fn print(format: Format, verified: &Verified) -> Outcome {
    format.print(verified, text);
    match verified.findings.len() {
        0 => Ok(()),
        count => Err(format!("the log is not whole: {count} finding(s)").into()),
    }
}

fn text(verified: &Verified) -> String {
    let whole = if verified.sound { "the log is whole: " } else { "" };
    let Verified { records, runs, device, .. } = verified;
    let mut text = format!("{whole}{records} record(s) in {runs} run(s) of device {device}");
    for finding in &verified.findings {
        text.push_str("\nfound: ");
        text.push_str(finding);
    }
    for gap in &verified.cannot_prove {
        text.push_str("\nnot proved: ");
        text.push_str(gap);
    }
    text
}

fn export(common: &Common, format: Format, out: &Path) -> Outcome {
    #[derive(Serialize)]
    struct Exported {
        out: PathBuf,
    }
    let out = std::path::absolute(out)?;
    if let Answer::Exported { out } = vault::ask(&common.data, Request::Export { out })? {
        format.print(&Exported { out }, |it| {
            format!(
                "exported log.pages, log.jsonl and head.cbor to {}; keep head.cbor elsewhere",
                it.out.display()
            )
        });
    }
    Ok(())
}
