//! Whose codes count: the registry's word, as a file brings it.

use credentials::Voucher;
use gate::Now;
use serde::{Deserialize, Serialize};
use store::{By, Store};

use super::OfficeError;
use crate::service::RecordText;

/// What is trusted now.
#[derive(Serialize, Deserialize)]
pub(crate) struct TrustedNow {
    pub(crate) tenant: String,
    pub(crate) registry: String,
    pub(crate) new_records: usize,
    /// Why pages were refused. They changed nothing.
    pub(crate) refused: Vec<String>,
    pub(crate) quarantined: usize,
    pub(crate) missing_runs: usize,
    pub(crate) version: u64,
    pub(crate) issuers: usize,
    pub(crate) denied: usize,
    pub(crate) record: Option<RecordText>,
}

/// Pins the voucher's registry, and takes in pages of its control feed. A page that does not verify changes nothing.
pub(super) fn trust(
    store: &mut Store,
    now: Now,
    voucher: &str,
    pages: &[String],
) -> Result<TrustedNow, OfficeError> {
    let voucher = Voucher::read(voucher)?;
    let pages: Vec<Vec<u8>> =
        pages.iter().map(|page| bytes(page)).collect::<Option<_>>().ok_or(OfficeError::NoHex)?;
    let pages: Vec<&[u8]> = pages.iter().map(Vec::as_slice).collect();
    store.pin_registry(now, &voucher, By::Console)?;
    let import = store.import_control(now, &pages, By::Console)?;
    let control = store.control()?;
    Ok(TrustedNow {
        tenant: voucher.tenant,
        registry: voucher.registry.to_string(),
        new_records: import.new_records,
        refused: import.refused.into_iter().map(|(_, why)| why.to_string()).collect(),
        quarantined: import.quarantine.len(),
        missing_runs: import.missing.len(),
        version: control.trust().version(),
        issuers: control.trust().issuers().count(),
        denied: control.trust().denied(),
        record: import.record.map(Into::into),
    })
}

/// A page as a request carries it.
pub(crate) fn hex(page: &[u8]) -> String {
    page.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
