//! What this device signs of itself, what the registry answers, and how old what is known may be.

use gate::Now;
use ledger::{Cursor, Grade, Head, Line, Prior, Real, SignedHead, SignedReceipt, root_of};
use rusqlite::params;

use crate::{
    Store, StoreError,
    entropy::draw,
    feeds::{HEAD_RUNS, prior},
};

/// Cursors that a head names: what cannot wait first, then the newest. It keeps a head within the size of a record.
const MAX_CURSORS: usize = 256;

impl Store {
    /// Signs how far this device's runs go and what it holds of the registry's, with the nonce of these ten minutes.
    /// `running_ms`: how long the device has been running, going on from [`Store::running_ms`]; it is saved.
    ///
    /// # Errors
    /// [`StoreError::NotAMember`]; or the data file cannot be read or written.
    pub fn sign_head(&mut self, _now: Now, running_ms: u64) -> Result<SignedHead, StoreError> {
        self.mend()?;
        let random = draw(&mut *self.entropy)?;
        let replica = self.joined.replica().ok_or(StoreError::NotAMember)?;
        let (device, epoch) = (replica.membership.me, replica.chain.epoch());
        let nonce = self.talk.freshness.nonce(running_ms, random);
        self.save_freshness(running_ms)?;
        let sql = format!("SELECT run, length, root FROM runs ORDER BY number DESC LIMIT {HEAD_RUNS}");
        let runs = self.rows(&sql, prior)?;
        let head = Head { device, runs, cursors: self.cursors()?, epoch, nonce };
        SignedHead::sign(&self.keys.author, head).map_err(StoreError::ledger("sign a head"))
    }

    /// Takes a receipt: compared with this device's own records, joined by the maximum, kept. A run of which the registry
    /// holds something else, or more than is here (after the data was put back), is passed over; retention does not touch it.
    /// Returns how old what is known is now.
    ///
    /// # Errors
    /// [`StoreError::NotAMember`]; [`StoreError::ForeignReceipt`] if it is not the pinned registry's for this device; or the
    /// write failed.
    pub fn receipted(&mut self, _now: Now, receipt: &SignedReceipt) -> Result<Grade, StoreError> {
        self.mend()?;
        let known = self.joined.replica().ok_or(StoreError::NotAMember)?.membership.clone();
        let stated = &receipt.receipt;
        let ours = stated.device == known.me && stated.tenant == known.tenant;
        if !ours || !receipt.verify(&Real, known.registry) {
            return Err(StoreError::ForeignReceipt);
        }
        for prior in &stated.runs {
            if self.stands_for(prior)? {
                let sql = "INSERT INTO receipts (run, length) VALUES (?1, ?2)
                           ON CONFLICT (run) DO UPDATE SET length = max(length, excluded.length)";
                self.execute("keep a receipt", sql, params![prior.run.0, prior.length])?;
            }
        }
        let running = self.running_ms()?;
        if self.talk.freshness.echoed(stated.nonce) {
            self.save_freshness(running)?;
        }
        Ok(self.talk.freshness.grade(running))
    }

    /// Whether this device's run has that root at that length, and it was not receipted so far before.
    fn stands_for(&self, stated: &Prior) -> Result<bool, StoreError> {
        if stated.length == 0 || self.receipted_to(stated.run)? >= stated.length {
            return Ok(false);
        }
        let sql = "SELECT run, length, root FROM runs WHERE run = ?1";
        let Some(own) = self.rows_of(sql, [stated.run.0], prior)?.into_iter().next() else {
            return Ok(false);
        };
        if own.length <= stated.length {
            return Ok(own == *stated);
        }
        let sql = "SELECT leaf FROM records JOIN runs ON runs.number = records.run
                   WHERE runs.run = ?1 AND seq < ?2 ORDER BY seq";
        let leaves =
            self.rows_of(sql, params![stated.run.0, stated.length], |row| row.get(0).map(ledger::Leaf))?;
        Ok(root_of(&leaves) == stated.root)
    }

    /// How many records of a run the registry holds durably, as far as this device has read.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn receipted_to(&self, run: ledger::RunId) -> Result<u64, StoreError> {
        let found = self.rows_of("SELECT length FROM receipts WHERE run = ?1", [run.0], |row| row.get(0))?;
        Ok(found.into_iter().next().unwrap_or(0))
    }

    /// How old what is known is after so long a time of running. Of a device that belongs nowhere it says nothing: ask
    /// [`Store::membership`] first.
    #[must_use]
    pub fn grade(&self, running_ms: u64) -> Grade {
        self.talk.freshness.grade(running_ms)
    }

    /// How long the device had been running, in milliseconds, when that was last saved; 0 at first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn running_ms(&self) -> Result<u64, StoreError> {
        Ok(self.rows("SELECT running_ms FROM freshness", |row| row.get(0))?.into_iter().next().unwrap_or(0))
    }

    /// Saves how long the device has been running. Call it each minute; what was not saved is not counted.
    ///
    /// # Errors
    /// The write failed.
    pub fn save_running_ms(&mut self, running_ms: u64) -> Result<(), StoreError> {
        self.save_freshness(running_ms)
    }

    fn save_freshness(&self, running_ms: u64) -> Result<(), StoreError> {
        let sql = "INSERT INTO freshness (one, running_ms, answered_ms) VALUES (1, ?1, ?2)
                   ON CONFLICT (one) DO UPDATE SET running_ms = max(running_ms, excluded.running_ms),
                       answered_ms = max(coalesce(answered_ms, 0), excluded.answered_ms)";
        let sql = if self.talk.freshness.answered().is_some() {
            sql
        } else {
            "INSERT INTO freshness (one, running_ms, answered_ms) VALUES (1, ?1, ?2)
             ON CONFLICT (one) DO UPDATE SET running_ms = max(running_ms, excluded.running_ms)"
        };
        self.execute(
            "save how long it has been running",
            sql,
            params![running_ms, self.talk.freshness.answered()],
        )
    }

    fn execute(&self, act: &'static str, sql: &str, row: impl rusqlite::Params) -> Result<(), StoreError> {
        let done = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute(row));
        done.map(|_| ()).map_err(|source| StoreError::sql(act, &self.file, source))
    }

    fn cursors(&self) -> Result<Vec<Cursor>, StoreError> {
        let lines = self
            .rows("SELECT line FROM lines WHERE line IS NOT NULL ORDER BY number DESC", |row| {
                row.get::<_, Vec<u8>>(0)
            })?;
        let lines = lines.iter().filter_map(|line| Line::decode(line).ok());
        let mut lines: Vec<Line> = lines.filter(|line| line.feed().class.is_registrys()).collect();
        lines.sort_by_key(|line| line.feed().class);
        lines.truncate(MAX_CURSORS);
        Ok(lines.iter().map(|line| Cursor { feed: line.feed().to_string(), at: line.at() }).collect())
    }
}
