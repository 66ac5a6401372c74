//! Codes that were used: written with a record before anybody believes the code, known after every restart, and forgotten
//! when the code would be refused as expired anyway.

use credentials::{CodeUse, MAX_USED, Refusal, Time, Uses};
use gate::{Now, RecordId};
use ledger::Value;
use rusqlite::params;

use crate::{Store, StoreError};

/// Which codes were used, for `credentials::verify`. What cannot be read is refused.
#[derive(Debug)]
pub struct Codes<'a>(&'a Store);

impl Uses for Codes<'_> {
    fn ask(&self, code: &CodeUse) -> Result<(), Refusal> {
        let known = self.0.rows_of(KNOWN, [code.digest], |row| row.get::<_, i64>(0));
        let count = self.0.rows(COUNT, |row| row.get::<_, u64>(0));
        match (known.as_deref(), count.as_deref()) {
            (Ok([]), Ok([count])) if *count < MAX_USED as u64 => Ok(()),
            (Ok([_, ..]), _) => Err(Refusal::Replayed),
            // A file that does not read is a memory that cannot be asked.
            (Ok([]), _) | (Err(_), _) => Err(Refusal::MemoryFull),
        }
    }
}

const KNOWN: &str = "SELECT until_s FROM used_codes WHERE code = ?1";
const COUNT: &str = "SELECT count(*) FROM used_codes";

impl Store {
    /// Which codes were used.
    #[must_use]
    pub fn codes(&self) -> Codes<'_> {
        Codes(self)
    }

    /// Uses a code up: after this it is refused, also after a restart. Returns the record once it is durable, or none if
    /// the code was used before; then it must not be believed. `time` is what `credentials::judge` says, and lets those go
    /// that are over for certain.
    ///
    /// # Errors
    /// The write failed; then the code must not be believed either.
    pub fn use_code(&mut self, now: Now, time: Time, code: CodeUse) -> Result<Option<RecordId>, StoreError> {
        self.write_or_not(now, |batch| {
            batch.execute("DELETE FROM used_codes WHERE until_s < ?1", [time.earliest_s()])?;
            let sql = "INSERT OR IGNORE INTO used_codes (code, until_s) VALUES (?1, ?2)";
            if batch.execute(sql, params![code.digest, code.until_s])? == 0 {
                return Ok((None, false));
            }
            let fields = vec![("code", Value::bytes(code.digest)), ("until_s", Value::Int(code.until_s))];
            Ok((Some(batch.append("CodeUsed", fields, None)?), true))
        })
    }
}
