//! The authorities whose MyNumber cards a kiosk takes: one certificate a file, in a folder that the board file names; DER or
//! PEM, as they are published.

use std::{fs, io, path::Path};

use card::{Authorities, TestCards};

use super::ReaderError;

/// Longest certificate of an authority, in bytes. Real ones have about a thousand.
const LONGEST: u64 = 16_384;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads every file of the folder; without a folder nobody is trusted. Authorities of test cards are refused.
///
/// # Errors
/// [`ReaderError::Authorities`]: the folder cannot be read, is empty, or holds something that is no authority.
pub fn trusted_authorities(folder: Option<&Path>) -> Result<Authorities, ReaderError> {
    let Some(folder) = folder else { return Ok(none()) };
    let refused = |reason: String| ReaderError::Authorities { folder: folder.into(), reason };
    let files = read(folder).map_err(|error| refused(error.to_string()))?;
    if files.is_empty() {
        return Err(refused("it is empty".into()));
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    Authorities::new(files.iter().map(|(_, der)| der.as_slice()), TestCards::Refused)
        .map_err(|error| refused(format!("{error} (counted from 0: {})", names.join(", "))))
}

fn none() -> Authorities {
    Authorities::new([], TestCards::Refused).expect("none of none is unusable")
}

/// The folder's files by name, in the order of the names.
fn read(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let about = fs::metadata(&path)?;
        if name.starts_with('.') || !about.is_file() {
            continue;
        }
        if about.len() > LONGEST {
            return Err(io::Error::other(format!("{name} is too long for a certificate")));
        }
        let bytes = fs::read(&path)?;
        files.push((name, from_pem(&bytes).unwrap_or(bytes)));
    }
    files.sort_unstable();
    Ok(files)
}

/// The DER of the one certificate in a PEM file; none if it is something else.
fn from_pem(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, rest) = str::from_utf8(bytes).ok()?.split_once(BEGIN)?;
    let (body, after) = rest.split_once(END)?;
    if after.contains(BEGIN) {
        return None;
    }
    let (mut der, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for digit in body.bytes().filter(|it| !it.is_ascii_whitespace() && *it != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (held, bits) = (held << 6 & 0xFFFF | u32::from(value), bits + 6);
        if bits >= 8 {
            bits -= 8;
            der.push((held >> bits & 0xFF) as u8);
        }
    }
    Some(der)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn said(folder: &Path) -> String {
        trusted_authorities(Some(folder)).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_does_not_hold_authorities_trusts_nobody_and_says_why() {
        let folder = tempfile::tempdir().unwrap();
        assert!(said(folder.path()).contains("empty"));
        fs::write(folder.path().join("b.cer"), b"no certificate").unwrap();
        let error = said(folder.path());
        assert!(error.contains("b.cer") && error.contains("`authorities`"), "{error}");
        assert!(said(&folder.path().join("nowhere")).contains("nowhere"));
    }

    #[test]
    fn without_a_folder_nobody_is_trusted() {
        assert_eq!(trusted_authorities(None).unwrap().count(), 0);
    }

    #[test]
    fn a_pem_file_is_the_der_in_it() {
        let pem = |body: &str| from_pem(format!("x\n{BEGIN}\n{body}\n{END}\n").as_bytes());
        assert_eq!(pem("TWFu"), Some(b"Man".to_vec()));
        assert_eq!(pem("TW\nE="), Some(b"Ma".to_vec()));
        assert_eq!(pem("TQ=="), Some(b"M".to_vec()));
        assert_eq!(pem("+/8="), Some(vec![0xFB, 0xFF]));
        assert_eq!(pem("TW!u"), None);
        assert_eq!(pem(&format!("TWFu\n{END}\n{BEGIN}\nTWFu")), None, "one certificate a file");
        assert_eq!(from_pem(&[0x30, 0x82]), None);
    }
}
