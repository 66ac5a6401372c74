//! `kiosk credential inspect` and `kiosk registry trust`: why a code does not work, and whose codes work at all.
//!
//! Both open the vault themselves. While a kiosk runs they say so and do nothing: stop it first.

use std::{error::Error, io::Read as _, path::Path};

use credentials::{
    MAX_CONTROL_FILE, MAX_TEXT, Moment, OldDenylist, Place, Refusal, SignedTime, Trust, Verified, Voucher,
    explain, read_control, verify,
};
use gate::Monotonic;
use serde::Serialize;
use store::{By, Store};

use super::{Outcome, vault};
use crate::{
    arguments::{Common, front::Inspect, front::Trust as Trusted},
    clock,
    output::Format,
    service::RecordText,
};

/// Bytes of a voucher: three short lines.
const MAX_VOUCHER: usize = 1_024;

#[derive(Serialize)]
struct Part {
    part: &'static str,
    value: String,
    meaning: &'static str,
}

#[derive(Serialize)]
struct Inspected {
    parts: Vec<Part>,
    /// The constant name of the refusal, as in records; none if the code counts.
    refused: Option<&'static str>,
    /// What to do about it.
    why: Option<String>,
    face_required: Option<bool>,
}

pub(crate) fn inspect(common: &Common, format: Format, asked: &Inspect) -> Outcome {
    let text = match asked.text.as_str() {
        "-" => String::from_utf8(read_at_most(std::io::stdin(), MAX_TEXT + 2)?)?,
        text => text.to_owned(),
    };
    let text = text.trim_end_matches(['\r', '\n']);
    let store = vault::open(&common.data)?;
    let trust = match store.registry()? {
        Some(_) => store.control()?.trust().clone(),
        None => Trust::default(),
    };
    let (parts, _) = explain(text, &trust);
    let judged = judge(&store, &trust, asked, text);
    let inspected = Inspected {
        parts: parts
            .into_iter()
            .map(|it| Part { part: it.name, value: it.value, meaning: it.meaning })
            .collect(),
        refused: judged.as_ref().err().map(|refusal| refusal.name()),
        why: judged.as_ref().err().map(ToString::to_string),
        face_required: judged.as_ref().ok().map(|verified| verified.face_required),
    };
    format.print(&inspected, to_text);
    Ok(())
}

/// What this kiosk would say now, had it run since its machine started and shown no nonce.
fn judge(store: &Store, trust: &Trust, asked: &Inspect, text: &str) -> Result<Verified, Refusal> {
    let now = clock::now(clock::system().as_ref());
    let signed = trust.signed_s().map(|unix_s| SignedTime {
        unix_s,
        uncertainty_s: 60,
        heard: Monotonic::default(),
        asked: None,
    });
    let old_denylist = if asked.old_denylist_open { OldDenylist::Open } else { OldDenylist::Closed };
    let place = Place { site: &asked.site, zone: asked.zone, old_denylist, shelter: asked.shelter };
    let moment = Moment { now, started: Monotonic::default(), signed, nonce: None };
    verify(text, trust, &store.codes(), &place, &moment)
}

fn to_text(inspected: &Inspected) -> String {
    let line = |it: &Part| format!("{:16} {}  ({})", it.part, it.value, it.meaning);
    let mut lines: Vec<String> = inspected.parts.iter().map(line).collect();
    lines.push(match (&inspected.refused, &inspected.why, inspected.face_required) {
        (Some(name), Some(why), _) => format!("使えません ({name})\nrefused ({name}): {why}"),
        (_, _, Some(true)) => "使えます（本人の顔が必要）\ncounts, with its owner's face".to_owned(),
        (_, _, _) => "使えます\ncounts".to_owned(),
    });
    lines.join("\n")
}

#[derive(Serialize)]
struct TrustedNow {
    tenant: String,
    registry: String,
    new_records: usize,
    refused_pages: usize,
    quarantined: usize,
    missing_runs: usize,
    version: u64,
    issuers: usize,
    denied: usize,
    record: Option<RecordText>,
}

pub(crate) fn trust(common: &Common, format: Format, asked: &Trusted) -> Outcome {
    let voucher = Voucher::read(&String::from_utf8(read_file(&asked.voucher, MAX_VOUCHER)?)?)?;
    let file = read_file(&asked.control, MAX_CONTROL_FILE)?;
    let pages = read_control(&file)?;
    let mut store = vault::open(&common.data)?;
    let now = clock::now(clock::system().as_ref());
    store.pin_registry(now, &voucher, By::Console)?;
    let import = store.import_control(now, &pages, By::Console)?;
    let control = store.control()?;
    let trusted = TrustedNow {
        tenant: voucher.tenant,
        registry: voucher.registry.to_string(),
        new_records: import.new_records,
        refused_pages: import.refused.len(),
        quarantined: import.quarantine.len(),
        missing_runs: import.missing.len(),
        version: control.trust().version(),
        issuers: control.trust().issuers().count(),
        denied: control.trust().denied(),
        record: import.record.map(Into::into),
    };
    format.print(&trusted, |it| {
        let TrustedNow { tenant, new_records, version, issuers, denied, .. } = it;
        format!(
            "{tenant}：新しい記録 {new_records} 件、発行者の鍵 {issuers}、拒否 {denied}（版 {version}）\n{tenant}: {new_records} new record(s), {issuers} issuer key(s), {denied} denied (version {version})"
        )
    });
    match import.refused.into_iter().next() {
        Some((place, why)) => {
            Err(format!("page {} was refused and changed nothing: {why}", place + 1).into())
        }
        None => Ok(()),
    }
}

fn read_file(path: &Path, limit: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let file =
        std::fs::File::open(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    read_at_most(file, limit)
}

fn read_at_most(from: impl std::io::Read, limit: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit { Err("this is longer than it can be".into()) } else { Ok(bytes) }
}
