//! The facility's rules, kept as the text of its file: what the kiosk reads at a start and what an auditor asks for later.
//! This crate does not read the text; whoever sets it has read it before.

use gate::{Now, RecordId};
use ledger::Value;
use rusqlite::params;
use sha2::{Digest, Sha256};

use crate::{By, Store, StoreError, bodies};

/// Bytes of a facility's file.
pub const MAX_FACILITY: usize = 256 * 1024;

/// The rules as they were set once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacilityFile {
    /// The record that names the digest.
    pub record: RecordId,
    /// SHA-256 of the text.
    pub digest: [u8; 32],
    /// The text.
    pub text: String,
    /// Milliseconds since 1970; none if there was no clock.
    pub wall_ms: Option<i64>,
}

impl Store {
    /// Sets the facility's rules from now on. Returns the record, or none if these very rules count already.
    ///
    /// # Errors
    /// [`StoreError::FacilityTooLong`]; or the write failed.
    pub fn set_facility(&mut self, now: Now, text: &str, by: By) -> Result<Option<RecordId>, StoreError> {
        if text.len() > MAX_FACILITY {
            return Err(StoreError::FacilityTooLong);
        }
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        self.write_or_not(now, |batch| {
            let sql = "SELECT digest FROM facility_files ORDER BY number DESC LIMIT 1";
            let current: Option<[u8; 32]> = batch.first(sql, [], |row| row.get(0))?;
            if current == Some(digest) {
                return Ok((None, false));
            }
            let fields = vec![("digest", Value::bytes(digest)), ("by", bodies::staff(by))];
            let record = batch.append("Policy", fields, None)?;
            let sql =
                "INSERT INTO facility_files (text, digest, run, seq, wall_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
            batch.execute(sql, params![text, digest, record.run, record.seq, batch.wall_ms()])?;
            Ok((Some(record), true))
        })
    }

    /// The text of the rules that count; none if none were ever set.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn facility(&self) -> Result<Option<String>, StoreError> {
        let sql = "SELECT text FROM facility_files ORDER BY number DESC LIMIT 1";
        Ok(self.rows(sql, |row| row.get(0))?.into_iter().next())
    }

    /// All rules that ever counted, oldest first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn facility_files(&self) -> Result<Vec<FacilityFile>, StoreError> {
        self.rows("SELECT run, seq, digest, text, wall_ms FROM facility_files ORDER BY number", |row| {
            Ok(FacilityFile {
                record: RecordId { run: row.get(0)?, seq: row.get(1)? },
                digest: row.get(2)?,
                text: row.get(3)?,
                wall_ms: row.get(4)?,
            })
        })
    }
}
