//! Pages out of rows and into them.

use ledger::{
    Class, Command, Event, Feed, Leaf, MAX_PAGE, MAX_PAGE_RECORDS, Members, Message, Page, Peer, Real,
    Record, Role, RunId, Sync,
};

use super::run::keep_records;
use super::{Office, Tx};
use crate::db::{Cell, Row, Sql, SqlError};
use crate::failure::{Done, Failure};

/// What a page takes beside its records, and a record beside its bytes; see `ledger::Page`.
const FRAME: usize = 130;
const LENGTH: usize = 5;

impl Office {
    /// Takes in a control feed of this registry's own that was kept as files.
    ///
    /// Errors: [`Failure::Ledger`] for a page that does not verify or does not follow; nothing is taken then.
    pub(crate) fn take_control(&mut self, pages: &[Vec<u8>]) -> Done<()> {
        let me = self.me();
        self.change(|tx| {
            let mut sync = Sync::restart(Role::Registry, me, Members::new(me), Vec::new(), &Real);
            for bytes in pages {
                let heard = Event::Heard(Peer(0), Box::new(Message::Page(Page::decode(bytes)?)));
                for command in sync.step(0, heard) {
                    if let Command::Keep(line, page) = &command {
                        let known = "SELECT 1 FROM records WHERE run = $1 AND seq = $2";
                        if tx.sql.query(known, &[page.run.0.into(), page.first.into()])?.is_empty() {
                            keep_page(tx.sql, line, page)?;
                        }
                    } else if let Command::Refused(_, error) = command {
                        return Err(error.into());
                    }
                }
            }
            Ok(())
        })
    }
}

/// Stores a verified page and the line after it.
///
/// Errors: [`Failure::Moved`] if the row is not where the page begins.
pub(crate) fn keep_page(sql: &mut dyn Sql, line: &ledger::Line, page: &Page) -> Done<()> {
    let last = page.records.len() - 1;
    let records = page.records.iter().enumerate();
    let records: Vec<_> =
        records.map(|(place, it)| (it.clone(), (place == last).then_some(page.sig))).collect();
    keep_records(sql, line, page.first, &records)
}

impl Tx<'_> {
    /// The pages of the control feed, encoded, run by run.
    pub fn control_pages(&mut self) -> Done<Vec<Vec<u8>>> {
        let feed = Feed::of(Class::Control).to_string();
        let rows =
            self.sql.query("SELECT run FROM lines WHERE feed = $1 ORDER BY changed, run", &[feed.into()])?;
        let mut pages = Vec::new();
        for row in rows {
            let (run, mut from) = (RunId(row[0].array()?), 0);
            while let Some(page) = self.page(run, from)? {
                from += page.records.len() as u64;
                pages.push(page.encode()?);
            }
        }
        Ok(pages)
    }

    /// A page of a run from here on, as long as pages may be, cut where a signature is. None if there is nothing.
    pub(crate) fn page(&mut self, run: RunId, first: u64) -> Done<Option<Page>> {
        let text = "SELECT record, sig FROM records WHERE run = $1 AND seq >= $2 AND seq < $3 ORDER BY seq";
        let end = first.saturating_add(MAX_PAGE_RECORDS as u64);
        let rows = self.sql.query(text, &[run.0.into(), first.into(), end.into()])?;
        let (mut size, mut cut) = (FRAME, 0);
        for (place, row) in rows.iter().enumerate() {
            size += LENGTH + row[0].bytes()?.len();
            if size > MAX_PAGE {
                break;
            }
            if row[1] != Cell::Null {
                cut = place + 1;
            }
        }
        let Some(last) = cut.checked_sub(1).and_then(|last| rows.get(last)) else { return Ok(None) };
        let prev: Leaf = Record::parse(rows[0][0].bytes()?)?.header.prev;
        let sig = last[1].array()?;
        let records = rows[..cut].iter().map(|row: &Row| Ok(row[0].bytes()?.to_vec()));
        Ok(Some(Page {
            run,
            first,
            prev,
            records: records.collect::<Result<_, SqlError>>().map_err(Failure::Sql)?,
            sig,
        }))
    }

    /// The records of a run from here on.
    pub(crate) fn records(&mut self, run: RunId, first: u64) -> Done<Vec<Record>> {
        let text = "SELECT record FROM records WHERE run = $1 AND seq >= $2 ORDER BY seq";
        let rows = self.sql.query(text, &[run.0.into(), first.into()])?;
        rows.iter().map(|row| Ok(Record::parse(row[0].bytes()?)?)).collect()
    }
}
