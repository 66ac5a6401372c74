//! The log as files, and their verification without the vault.
//!
//! ```text
//! log.pages    a CBOR sequence (RFC 8742) of ledger pages: the runs in order, and the pages of each in order
//! head.cbor    how far the runs go, signed; keep a copy elsewhere
//! log.jsonl    for reading: one object per record, without names, templates or anything else that is personal
//! ```
//! A record that retention emptied stands in its page as `[leaf, signature]`: enough for chain, tree and `verify_export`,
//! while a replica that takes pages in refuses it, because it is no record.
//!
//! Each is written under another name, synced and then renamed, so a file under its own name is a whole one.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use ledger::{
    AuthorId, GroupKey, Leaf, Open, Page, Prior, Record, RunId, SignedHead, SignedRecord, Value, paginate,
};
use minicbor::Decoder;
use rusqlite::Statement;
use serde_json::{Map, json};

use crate::{
    Opener, Store, StoreError,
    feeds::prior,
    files::{io_error, sync_directory},
    retention::Removals,
    verify::{AuditError, Claims, Report, emptied, unprovable_of_file, what_is_gone},
    walk::{Finding, Seen, Signature, What, begins_proven},
};

/// Records that are in memory at once while exporting; also the most that a page takes.
const CHUNK: u64 = 512;

impl Store {
    /// Writes `log.pages`, `log.jsonl` and `head.cbor` into `directory`, which is made if missing.
    ///
    /// # Errors
    /// The directory cannot be written or the data file not read; an earlier export is then still whole.
    pub fn export(&mut self, directory: &Path) -> Result<(), StoreError> {
        fs::create_dir_all(directory).map_err(io_error("create", directory))?;
        let head = self.head()?.encode().map_err(StoreError::ledger("write a head"))?;
        let (mut pages, mut lines) =
            (Fresh::new(directory, "log.pages")?, Fresh::new(directory, "log.jsonl")?);
        let runs: Vec<(i64, Prior)> = self
            .rows("SELECT run, length, root, number FROM runs ORDER BY number", |row| {
                Ok((row.get(3)?, prior(row)?))
            })?;
        let sql =
            "SELECT seq, bytes, leaf, sig FROM records WHERE run = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
        let failed = |source| StoreError::sql("read records", &self.file, source);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        for (number, Prior { run, .. }) in runs {
            let (mut next, mut before) = (0, Leaf::NONE);
            loop {
                let chunk = chunk(&mut statement, number, run, next).map_err(failed)?;
                let Some(last) = chunk.last() else { break };
                for mut page in paginate(&chunk) {
                    // What an emptied record says of the one before it is gone, so it is told from there.
                    if page.first == next {
                        page.prev = before;
                    }
                    pages.write(&page.encode().map_err(StoreError::ledger("write a page"))?)?;
                }
                (next, before) = (last.seq + 1, last.leaf);
                for record in &chunk {
                    lines.write(line(record, self.opener()).as_bytes())?;
                }
            }
        }
        let mut head_file = Fresh::new(directory, "head.cbor")?;
        head_file.write(&head)?;
        [pages, lines, head_file].into_iter().try_for_each(Fresh::finish)?;
        sync_directory(directory)
    }

    /// Verifies an exported log as [`verify_export`] does, with this device's name and key.
    ///
    /// # Errors
    /// Those of [`verify_export`].
    pub fn verify_export(&self, pages: &Path, head: Option<&SignedHead>) -> Result<Report, AuditError> {
        verify_pages(pages, head, Some(self.keys.author.id()), self.opener())
    }
}

/// Reads a head that was kept outside.
///
/// # Errors
/// [`AuditError::NoHead`], or the file cannot be read.
pub fn read_head(path: &Path) -> Result<SignedHead, AuditError> {
    let bytes = fs::read(path).map_err(io_error("read", path))?;
    SignedHead::decode(&bytes).map_err(|source| AuditError::NoHead { path: path.to_owned(), source })
}

/// Verifies a log file without the vault. `author`: whose log it must be; without it the head says so, and without that
/// the log itself. `group`: the key that opens the bodies, if they shall be opened.
///
/// # Errors
/// No audit could be made; what is wrong with the log itself is in the report.
pub fn verify_export(
    pages: &Path,
    head: Option<&SignedHead>,
    author: Option<AuthorId>,
    group: Option<&GroupKey>,
) -> Result<Report, AuditError> {
    verify_pages(pages, head, author, Opener::One(group))
}

fn verify_pages(
    pages: &Path,
    head: Option<&SignedHead>,
    author: Option<AuthorId>,
    opener: Opener<'_>,
) -> Result<Report, AuditError> {
    let bytes = fs::read(pages).map_err(io_error("read", pages))?;
    let log = LogFile::read(&bytes);
    let given = author.or(head.map(|head| head.head.device));
    let device =
        given.or_else(|| log.stated_author()).ok_or_else(|| AuditError::NoAuthor(pages.to_owned()))?;
    let mut claims = Claims::default();
    head.map_or(Ok(()), |head| claims.outside(head, device))?;
    let looks: Vec<(RunId, Vec<Seen>)> =
        log.order.iter().map(|run| (*run, log.look(*run, device, opener))).collect();
    for (run, _) in looks.iter().filter(|(_, seen)| begins_proven(seen)) {
        log.statement_of(*run).iter().for_each(|open| claims.opened(open));
    }
    let removals = (!opener.is_none()).then(|| log.removals(opener));
    let (mut records, mut removed, mut findings) = (0, 0, Vec::new());
    for (run, seen) in &looks {
        records += seen.len() as u64;
        removed += emptied(seen);
        let found = claims.judge(*run, seen, removals.as_ref());
        findings.extend(if found.is_empty() { log.frames(*run, seen) } else { found });
    }
    findings.extend(claims.rest());
    findings.extend(log.unreadable);
    let mut cannot_prove = unprovable_of_file(head.is_some(), given.is_some(), !opener.is_none());
    cannot_prove.extend(what_is_gone(removed));
    if removed > 0 && opener.is_none() {
        cannot_prove
            .push("that it was retention that emptied them: the records that say so are sealed".to_owned());
    }
    Ok(Report { device, runs: log.order.len() as u64, records, removed, findings, cannot_prove })
}

/// What a log file holds.
struct LogFile {
    pages: Vec<Page>,
    /// The runs, in the order in which they begin.
    order: Vec<RunId>,
    unreadable: Option<Finding>,
}

impl LogFile {
    /// Reads page after page up to the first that is none.
    fn read(bytes: &[u8]) -> Self {
        let mut log = Self { pages: Vec::new(), order: Vec::new(), unreadable: None };
        let mut offset = 0;
        while offset < bytes.len() {
            let rest = &bytes[offset..];
            let mut decoder = Decoder::new(rest);
            let page = decoder.skip().ok().and_then(|()| Page::decode(&rest[..decoder.position()]).ok());
            let Some(page) = page else {
                log.unreadable = Some(log.broken_off(offset));
                break;
            };
            offset += decoder.position();
            if !log.order.contains(&page.run) {
                log.order.push(page.run);
            }
            log.pages.push(page);
        }
        log
    }

    /// The place after the last page that could be read.
    fn broken_off(&self, offset: usize) -> Finding {
        let after = |page: &Page| (page.run, page.first.saturating_add(page.records.len() as u64));
        let (run, seq) = self.pages.last().map_or((RunId([0; 16]), 0), after);
        Finding { run, seq, what: What::Unreadable { offset: offset as u64 } }
    }

    /// The author that the first Open names.
    fn stated_author(&self) -> Option<AuthorId> {
        self.order.iter().find_map(|run| self.statement_of(*run)).map(|open| open.author)
    }

    /// What the first record of a run states.
    fn statement_of(&self, run: RunId) -> Option<Open> {
        let first = self.pages.iter().find(|page| page.run == run)?.records.first()?;
        Record::parse(first).ok()?.open_statement(None).ok()
    }

    /// What the records of retention in it say was emptied. Whether they are genuine is found out as for any other.
    fn removals(&self, opener: Opener<'_>) -> Removals {
        let records = self.pages.iter().flat_map(|page| &page.records);
        let bodies = records.filter_map(|bytes| opener.open(&Record::parse(bytes).ok()?).ok());
        let mut removals = Removals::default();
        bodies.for_each(|body| removals.add(&body));
        removals
    }

    /// Pages of a sound run that name another leaf before them than their first record does.
    fn frames(&self, run: RunId, seen: &[Seen]) -> Vec<Finding> {
        let at = |seq: u64| seen.iter().find(|it| it.at == seq);
        let before = |seq: u64| seq.checked_sub(1).map_or(Some(Leaf::NONE), |seq| Some(at(seq)?.leaf));
        let first = |page: &Page| {
            let first = at(page.first)?;
            if first.emptied { before(page.first) } else { first.prev }
        };
        let wrong = self.pages.iter().filter(|page| page.run == run && first(page) != Some(page.prev));
        wrong.map(|page| Finding { run, seq: page.first, what: What::FrameAltered }).collect()
    }

    /// Every record of a run as it stands in the file.
    fn look(&self, run: RunId, author: AuthorId, opener: Opener<'_>) -> Vec<Seen> {
        let mut all = Vec::new();
        for page in self.pages.iter().filter(|page| page.run == run) {
            let places = (page.first..).zip(&page.records);
            let one = |(at, bytes): (u64, &Vec<u8>)| match read_stub(bytes) {
                Some((leaf, sig)) => Seen::emptied(author, run, at, leaf, &sig),
                None => Seen::new(run, at, bytes, None, opener),
            };
            let mut seen: Vec<Seen> = places.map(one).collect();
            sign(&mut seen, author, run, &page.sig);
            all.extend(seen);
        }
        all
    }
}

/// A page's signature is that of its last record; if records were swapped, that is the one with the greatest number.
fn sign(seen: &mut [Seen], author: AuthorId, run: RunId, sig: &[u8; 64]) {
    let greatest = seen.iter().enumerate().max_by_key(|(_, it)| it.claim).map(|(place, _)| place);
    let Some(last) = seen.len().checked_sub(1) else { return };
    seen[last].signature = Signature::Page(seen[last].is_signed(author, run, sig));
    if let Some(place) = greatest.filter(|&place| place != last && seen[place].is_signed(author, run, sig)) {
        seen[place].signature = Signature::Page(true);
    }
}

fn chunk(
    statement: &mut Statement<'_>,
    number: i64,
    run: RunId,
    from: u64,
) -> rusqlite::Result<Vec<SignedRecord>> {
    let rows = statement.query_map((number, from, CHUNK), |row| {
        let (bytes, leaf, sig): (Vec<u8>, _, _) = (row.get(1)?, Leaf(row.get(2)?), row.get(3)?);
        let bytes = if bytes.is_empty() { stub(leaf, sig) } else { bytes };
        Ok(SignedRecord { run, seq: row.get(0)?, bytes, leaf, sig })
    })?;
    rows.collect()
}

/// What stands for a record that retention emptied.
fn stub(leaf: Leaf, sig: [u8; 64]) -> Vec<u8> {
    let stub = Value::Array(vec![Value::bytes(leaf.0), Value::bytes(sig)]);
    stub.encode().expect("two short byte strings have an encoding")
}

fn read_stub(bytes: &[u8]) -> Option<(Leaf, [u8; 64])> {
    let value = Value::decode(bytes).ok()?;
    let [leaf, sig] = value.as_array()? else { return None };
    Some((Leaf(leaf.as_array_of()?), sig.as_array_of()?))
}

/// One line for reading. What cannot be opened is told as such.
fn line(record: &SignedRecord, opener: Opener<'_>) -> String {
    let body = Record::parse(&record.bytes).and_then(|parsed| opener.open(&parsed));
    let mut fields = Map::new();
    let (kind, clock) = match &body {
        Ok(body) => {
            fields.extend(body.fields.iter().map(|(name, value)| (name.clone(), json_of(value))));
            let clock = &body.clock;
            let clock = json!({
                "boot": hex(&clock.boot), "uptime_ms": clock.uptime_ms, "wall_ms": clock.wall_ms,
                "uncertainty_s": clock.uncertainty_s,
            });
            (json!(body.kind), clock)
        }
        Err(_) => (serde_json::Value::Null, serde_json::Value::Null),
    };
    let run = record.run.to_string();
    let mut line = json!({ "run": run, "seq": record.seq, "kind": kind, "clock": clock, "fields": fields });
    if read_stub(&record.bytes).is_some() {
        line["removed"] = json!("by retention");
    }
    format!("{line}\n")
}

pub(crate) fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(truth) => json!(truth),
        Value::Int(number) => json!(number),
        Value::Bytes(bytes) => json!(hex(bytes)),
        Value::Text(text) => json!(text),
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => {
            let entries: BTreeMap<String, serde_json::Value> = entries
                .iter()
                .map(|(name, value)| (name.as_text().unwrap_or("?").to_owned(), json_of(value)))
                .collect();
            json!(entries)
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that gets its name when it is whole.
struct Fresh {
    writer: BufWriter<File>,
    under_way: PathBuf,
    path: PathBuf,
}

impl Fresh {
    fn new(directory: &Path, name: &str) -> Result<Self, StoreError> {
        let (path, under_way) = (directory.join(name), directory.join(format!("{name}.new")));
        let file = File::create(&under_way).map_err(io_error("create", &under_way))?;
        Ok(Self { writer: BufWriter::new(file), under_way, path })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.writer.write_all(bytes).map_err(io_error("write", &self.under_way))
    }

    fn finish(self) -> Result<(), StoreError> {
        let file = self
            .writer
            .into_inner()
            .map_err(|error| StoreError::io("write", &self.under_way, error.into_error()))?;
        file.sync_all().map_err(io_error("write", &self.under_way))?;
        fs::rename(&self.under_way, &self.path).map_err(io_error("rename to", &self.path))
    }
}
