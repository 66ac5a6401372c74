//! The folder of the authorities: certificates as they are published, one a file, DER or PEM.

use std::{fs, io, path::Path};

use card::{Authorities, TestCards};

use super::refused::Refused;

/// Longest certificate of an authority, in bytes. Real ones have about a thousand.
const LONGEST: u64 = 16_384;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Reads every file of the folder; without a folder nobody is trusted.
pub(super) fn trusted(folder: Option<&Path>) -> Result<Authorities, Refused> {
    let Some(folder) = folder else { return of(&[]) };
    let named = |error: io::Error| Refused::Authorities(format!("{}: {error}", folder.display()));
    let files = read(folder).map_err(named)?;
    if files.is_empty() {
        return Err(Refused::Authorities(format!("{} is empty; put certificates there", folder.display())));
    }
    of(&files)
}

fn of(files: &[(String, Vec<u8>)]) -> Result<Authorities, Refused> {
    Authorities::new(files.iter().map(|(_, der)| &der[..]), TestCards::Refused).map_err(|error| {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        Refused::Authorities(format!("{error} (counted from 0: {})", names.join(", ")))
    })
}

/// The folder's files in the order of their names. A hidden file is none of them.
fn read(folder: &Path) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, about) = (entry.file_name().to_string_lossy().into_owned(), fs::metadata(entry.path())?);
        if name.starts_with('.') || !about.is_file() {
            continue;
        }
        if about.len() > LONGEST {
            return Err(io::Error::other(format!("{name} is too long for a certificate")));
        }
        let bytes = fs::read(entry.path())?;
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
        trusted(Some(folder)).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn a_folder_that_does_not_hold_authorities_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(said(folder.path()).contains("is empty"));
        assert!(said(&folder.path().join("nowhere")).contains("nowhere"));
        fs::write(folder.path().join("b.cer"), b"no certificate").unwrap();
        let error = said(folder.path());
        assert!(error.contains("b.cer") && error.contains("DER"), "{error}");
        assert_eq!(trusted(None).unwrap().count(), 0);
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
