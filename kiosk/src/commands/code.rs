//! `kiosk credential inspect` and `kiosk registry trust`: why a code does not work, and whose codes work at all.
//!
//! The first opens the vault itself, so it wants a kiosk that does not run; the second is served by one that does.

use std::{error::Error, io::Read as _, path::Path};

use credentials::{
    MAX_CONTROL_FILE, MAX_TEXT, Moment, OldDenylist, Place, Refusal, Trust, Verified, explain, read_control,
    verify,
};
use gate::Monotonic;
use serde::Serialize;
use store::Store;

use super::{
    Outcome,
    vault::{self, Vault},
};
use crate::{
    arguments::{Common, front::Inspect, front::Trust as Trusted},
    clock,
    office::{self, registry::TrustedNow},
    output::Format,
};

/// Pages in one request: each has at most 128 KiB, and a request of a running kiosk may have 4 MiB, two letters for a byte.
const PAGES_AT_ONCE: usize = 12;
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
    let old_denylist = if asked.old_denylist_open { OldDenylist::Open } else { OldDenylist::Closed };
    let place = Place { site: &asked.site, zone: asked.zone, old_denylist, shelter: asked.shelter };
    let moment = Moment { now, started: Monotonic::default(), signed: trust.signed_time(), nonce: None };
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

pub(crate) fn trust(common: &Common, format: Format, asked: &Trusted) -> Outcome {
    let voucher = String::from_utf8(read_file(&asked.voucher, MAX_VOUCHER)?)?;
    let file = read_file(&asked.control, MAX_CONTROL_FILE)?;
    let pages = read_control(&file)?;
    let mut vault = Vault::open(&common.data)?;
    for pages in batches(&pages) {
        let ask = office::Ask::TrustRegistry { voucher: voucher.clone(), pages };
        let told = vault.office(ask)?;
        let office::Told::Trusted(trusted) = told else {
            return Err("the kiosk answered something else; are command and kiosk of one version?".into());
        };
        format.print(&trusted, |it| {
            let TrustedNow { tenant, new_records, version, issuers, denied, .. } = it;
            format!(
                "{tenant}：新しい記録 {new_records} 件、発行者の鍵 {issuers}、拒否 {denied}（版 {version}）\n{tenant}: {new_records} new record(s), {issuers} issuer key(s), {denied} denied (version {version})"
            )
        });
        if let Some(why) = trusted.refused.first() {
            return Err(format!("a page was refused and changed nothing: {why}").into());
        }
    }
    Ok(())
}

/// Pages in portions that a running kiosk takes as one request; one portion at least, so that the voucher is told.
fn batches(pages: &[&[u8]]) -> Vec<Vec<String>> {
    let portions = pages.chunks(PAGES_AT_ONCE);
    let mut batches: Vec<_> =
        portions.map(|pages| pages.iter().map(|page| office::registry::hex(page)).collect()).collect();
    if batches.is_empty() {
        batches.push(Vec::new());
    }
    batches
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
