//! Two files that a registry writes and a kiosk reads.
//!
//! - The **control file**: `genkan control 1`, a line break, then each page behind its length in four bytes, big-endian.
//!   Nothing in it needs to be trusted: each page verifies by itself.
//! - The **voucher**: three lines, `genkan voucher 1`, `tenant NAME`, `registry KEY` (64 hexadecimal digits). It pins the
//!   key that signs the control feed, so it comes by a road that is trusted: staff carry it, or compare its digits.

use ledger::{AuthorId, MAX_PAGE};
use thiserror::Error;

use crate::claims::MAX_NAME;

const CONTROL: &[u8] = b"genkan control 1\n";
const VOUCHER: &str = "genkan voucher 1";

/// Bytes of a control file.
pub const MAX_CONTROL_FILE: usize = 64 * 1024 * 1024;

/// Why a file does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FileRefused {
    /// Not a control file, or cut.
    #[error("this is no control file, or it is cut; write it with `registry control export`")]
    Control,
    /// Not a voucher.
    #[error("this is no voucher; write it with `registry init`")]
    Voucher,
}

/// Which registry a kiosk believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voucher {
    /// Whose registry it is.
    pub tenant: String,
    /// The key that signs its control feed.
    pub registry: AuthorId,
}

impl Voucher {
    /// Its text.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{VOUCHER}\ntenant {}\nregistry {}\n", self.tenant, self.registry)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`FileRefused::Voucher`].
    pub fn read(text: &str) -> Result<Self, FileRefused> {
        let mut lines = text.lines();
        let (first, tenant, registry, end) = (lines.next(), lines.next(), lines.next(), lines.next());
        let tenant = tenant.and_then(|line| line.strip_prefix("tenant "));
        let registry = registry.and_then(|line| line.strip_prefix("registry ")?.parse().ok());
        match (first, tenant, registry, end) {
            (Some(VOUCHER), Some(tenant), Some(registry), None) if (1..=MAX_NAME).contains(&tenant.len()) => {
                Ok(Self { tenant: tenant.to_owned(), registry })
            }
            _ => Err(FileRefused::Voucher),
        }
    }
}

/// The control file of these encoded pages.
#[must_use]
pub fn write_control(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = CONTROL.to_vec();
    for page in pages {
        file.extend((page.len() as u32).to_be_bytes());
        file.extend(page);
    }
    file
}

/// The encoded pages of a control file; not one of them has been looked at.
///
/// # Errors
/// [`FileRefused::Control`].
pub fn read_control(file: &[u8]) -> Result<Vec<&[u8]>, FileRefused> {
    let mut rest = file.strip_prefix(CONTROL).ok_or(FileRefused::Control)?;
    let mut pages = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or(FileRefused::Control)?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > MAX_PAGE || length > after.len() {
            return Err(FileRefused::Control);
        }
        let (page, after) = after.split_at(length);
        pages.push(page);
        rest = after;
    }
    Ok(pages)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_voucher_reads_back_and_nothing_else_reads() {
        let voucher = Voucher { tenant: "見本市".to_owned(), registry: AuthorId([0xAB; 32]) };
        let text = voucher.to_text();
        assert_eq!(Voucher::read(&text).unwrap(), voucher);
        for wrong in
            ["", "genkan voucher 1\n", &text.replace(" 1", " 2"), &format!("{text}more\n"), &text[..90]]
        {
            assert_eq!(Voucher::read(wrong), Err(FileRefused::Voucher), "{wrong}");
        }
    }

    #[test]
    fn a_control_file_gives_its_pages_and_a_cut_one_none() {
        let file = write_control(&[vec![1, 2, 3], vec![], vec![4]]);
        assert_eq!(read_control(&file).unwrap(), [&[1, 2, 3][..], &[], &[4]]);
        assert_eq!(read_control(&file[..file.len() - 1]), Err(FileRefused::Control));
        assert_eq!(read_control(&[CONTROL, &[255; 4]].concat()), Err(FileRefused::Control));
    }
}
