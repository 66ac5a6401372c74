//! The authorities whose MyNumber cards a kiosk takes: one certificate a file, in a folder of the board file.

use std::{fs, io, path::Path};

use card::{Authorities, TestCards};

use super::ReaderError;

/// Longest certificate of an authority, in bytes. Real ones have about a thousand.
const LONGEST: u64 = 16_384;

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
        files.push((name, fs::read(&path)?));
    }
    files.sort_unstable();
    Ok(files)
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
}
