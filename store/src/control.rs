//! The registry's control feed in the vault: the pin, the pages, and what they come to.
//!
//! One registry is pinned, once. A page is kept after it has verified under the pinned key, and never before; what is kept
//! is folded anew whenever it is asked for, so there is no second state that could lag behind the pages.

use std::collections::BTreeMap;

use credentials::{Control, PageRefused, Unappliable, Voucher};
use gate::{Now, RecordId};
use ledger::{AuthorId, Prior, RecordId as ControlRecord, Value};
use rusqlite::params;

use crate::{By, Store, StoreError, bodies};

/// The registry that this kiosk believes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Whose it is.
    pub tenant: String,
    /// The key that signs its control feed.
    pub author: AuthorId,
}

/// What an import came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControlImport {
    /// Records that were new.
    pub new_records: usize,
    /// Pages that were refused, by their place among those that were offered. They changed nothing.
    pub refused: Vec<(usize, PageRefused)>,
    /// All authentic records that cannot be applied, and why.
    pub quarantine: Vec<(ControlRecord, Unappliable)>,
    /// Runs that go further than what is held of them.
    pub missing: Vec<Prior>,
    /// This kiosk's record of the import; none if nothing was new.
    pub record: Option<RecordId>,
}

impl Store {
    /// Pins the registry of a voucher. Returns the record, or none if it is pinned already.
    ///
    /// # Errors
    /// [`StoreError::OtherRegistry`] if another one is; or the write failed.
    pub fn pin_registry(
        &mut self,
        now: Now,
        voucher: &Voucher,
        by: By,
    ) -> Result<Option<RecordId>, StoreError> {
        match self.registry()? {
            Some(known) if known.author == voucher.registry => return Ok(None),
            Some(known) => return Err(StoreError::OtherRegistry(known.author)),
            None => {}
        }
        self.write(now, |batch| {
            let fields = vec![
                ("tenant", Value::text(&voucher.tenant)),
                ("registry", Value::bytes(voucher.registry.0)),
                ("by", bodies::staff(by)),
            ];
            let sql = "INSERT INTO registry (one, tenant, author) VALUES (1, ?1, ?2)";
            batch.execute(sql, params![voucher.tenant, voucher.registry.0])?;
            batch.append("RegistryPinned", fields, None).map(Some)
        })
    }

    /// The registry that is pinned.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn registry(&self) -> Result<Option<Registry>, StoreError> {
        let rows = self.rows("SELECT tenant, author FROM registry", |row| {
            Ok(Registry { tenant: row.get(0)?, author: AuthorId(row.get(1)?) })
        })?;
        Ok(rows.into_iter().next())
    }

    /// The control feed, verified anew from the pages that are kept. Ask once, at a start and after an import.
    ///
    /// # Errors
    /// [`StoreError::NoRegistry`]; [`StoreError::Corrupt`] if a kept page does not verify; the data file cannot be read.
    pub fn control(&self) -> Result<Control, StoreError> {
        let registry = self.registry()?.ok_or(StoreError::NoRegistry)?;
        let mut control = Control::new(registry.author);
        let pages =
            self.rows("SELECT bytes FROM control_pages ORDER BY number", |row| row.get::<_, Vec<u8>>(0))?;
        for page in pages {
            control.push(&page).map_err(|refused| StoreError::Corrupt {
                file: self.file.clone(),
                detail: format!("a page of the registry's feed: {refused}"),
            })?;
        }
        Ok(control)
    }

    /// Takes in pages of the control feed, from any road and in any order. What verifies is kept, with one record of this
    /// kiosk; what does not is named and changes nothing; what is held never shrinks. Importing twice is importing once.
    ///
    /// # Errors
    /// Those of [`Store::control`]; or the write failed, and then nothing was kept.
    pub fn import_control(&mut self, now: Now, pages: &[&[u8]], by: By) -> Result<ControlImport, StoreError> {
        let mut control = self.control()?;
        let (taken, mut import) = take(&mut control, pages);
        import.quarantine = control.quarantine().to_vec();
        import.missing = control.missing();
        if taken.is_empty() {
            return Ok(import);
        }
        let denylist = control.trust().denylist().map_or(Value::Null, |(version, _)| number(version));
        let fields = vec![
            ("records", number(import.new_records as u64)),
            ("version", number(control.trust().version())),
            ("denylist", denylist),
            ("quarantined", number(import.quarantine.len() as u64)),
            ("by", bodies::staff(by)),
        ];
        let record = self.write(now, |batch| {
            for page in &taken {
                batch.execute("INSERT INTO control_pages (bytes) VALUES (?1)", [page])?;
            }
            batch.append("ControlImported", fields, None)
        })?;
        self.hold_control(now, taken.into_iter())?;
        Ok(ControlImport { record: Some(record), ..import })
    }
}

/// Pages that brought something, in an order in which they verify; each is tried again as long as another one went in,
/// for it may have come before what it follows.
fn take<'a>(control: &mut Control, pages: &[&'a [u8]]) -> (Vec<&'a [u8]>, ControlImport) {
    let (mut taken, mut import) = (Vec::new(), ControlImport::default());
    let mut waiting: BTreeMap<usize, &[u8]> = pages.iter().copied().enumerate().collect();
    loop {
        let mut refused = Vec::new();
        let before = waiting.len();
        for (place, page) in std::mem::take(&mut waiting) {
            match control.push(page) {
                Ok(it) if it.new > 0 => {
                    import.new_records += it.new;
                    taken.push(page);
                }
                Ok(_) => {}
                Err(why) => {
                    waiting.insert(place, page);
                    refused.push((place, why));
                }
            }
        }
        let gap = |why: &PageRefused| matches!(why, PageRefused::Ledger(ledger::Error::Gap { .. }));
        if waiting.len() == before || !refused.iter().any(|(_, why)| gap(why)) {
            import.refused = refused;
            return (taken, import);
        }
    }
}

fn number(number: u64) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}
