//! Whoever has a device in hand: every byte of its files and of a living process, looked through for what must not be there.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::{At as _, Trouble};

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;
/// A needle is found by its first bytes.
const FIRST: usize = 8;

/// Something to look for. Its bytes are never shown.
#[derive(Clone)]
pub struct Needle {
    /// What it is.
    pub what: String,
    bytes: Vec<u8>,
}

impl Needle {
    /// Something of at least eight bytes; shorter things are found everywhere by chance.
    ///
    /// # Errors
    /// [`Trouble::Untrue`] for fewer.
    pub fn new(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<Self, Trouble> {
        let (what, bytes) = (what.into(), bytes.into());
        if bytes.len() < FIRST {
            return Err(Trouble::untrue(format!("{what} is too short to be looked for")));
        }
        Ok(Self { what, bytes })
    }
}

/// Where something was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The needle.
    pub what: String,
    /// The file, or the process.
    pub place: String,
}

/// Looks through a file, or every file below a folder.
///
/// # Errors
/// [`Trouble::File`] for what cannot be read: a search that skips something has found nothing out.
pub fn in_files(place: &Path, needles: &[Needle]) -> Result<Vec<Found>, Trouble> {
    let mut found = Vec::new();
    each_file(place, &mut |path| {
        let mut search = Search::of(needles);
        let mut file = File::open(path).at("open", path)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).at("read", path)? {
                0 => break,
                length => search.goes_on(&chunk[..length]),
            }
        }
        found.extend(search.found(&path.display().to_string()));
        Ok(())
    })?;
    Ok(found)
}

/// Calls `look` for a file, or for every file below a folder.
///
/// # Errors
/// Whatever `look` meets; [`Trouble::File`].
pub fn each_file(place: &Path, look: &mut impl FnMut(&Path) -> Result<(), Trouble>) -> Result<(), Trouble> {
    let kind = fs::symlink_metadata(place).at("look at", place)?.file_type();
    if kind.is_dir() {
        let mut entries: Vec<_> = fs::read_dir(place).at("list", place)?.filter_map(Result::ok).collect();
        entries.sort_by_key(fs::DirEntry::path);
        return entries.iter().try_for_each(|entry| each_file(&entry.path(), look));
    }
    // Sockets and FIFOs hold nothing.
    if kind.is_file() { look(place) } else { Ok(()) }
}

/// Looks through all that a living process may write to: heap, stacks, and the pages of its libraries that it changed.
///
/// # Errors
/// [`Trouble::File`] when this user may not read it: only root may, or the process's owner where ptrace is open.
pub fn in_memory(process: u32, needles: &[Needle]) -> Result<Vec<Found>, Trouble> {
    let (maps, mem) = (format!("/proc/{process}/maps"), format!("/proc/{process}/mem"));
    let regions = fs::read_to_string(&maps).at("read", Path::new(&maps))?;
    let mut memory = File::open(&mem).at("open", Path::new(&mem))?;
    let mut found = Vec::new();
    for region in regions.lines() {
        let Some((from, to)) = writable(region) else { continue };
        let mut search = Search::of(needles);
        let mut chunk = vec![0; CHUNK];
        let mut at = from;
        if memory.seek(SeekFrom::Start(from)).is_err() {
            continue;
        }
        while at < to {
            let most = usize::try_from(to - at).unwrap_or(CHUNK).min(CHUNK);
            // What was given back while we looked is not there any more.
            let Ok(length @ 1..) = memory.read(&mut chunk[..most]) else { break };
            search.goes_on(&chunk[..length]);
            at += length as u64;
        }
        found.extend(search.found(&format!("memory of process {process}, {region}")));
    }
    Ok(found)
}

/// The bounds of a region of /proc/PID/maps that is private and may be written.
fn writable(region: &str) -> Option<(u64, u64)> {
    let mut words = region.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let rights = words.next()?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    rights.starts_with("rw").then_some((number(from)?, number(to)?))
}

/// One pass over bytes that come in pieces.
struct Search<'a> {
    needles: &'a [Needle],
    by_first: HashMap<[u8; FIRST], Vec<usize>>,
    longest: usize,
    /// The end of what was seen, in case a needle lies across two pieces.
    carry: Vec<u8>,
    seen: Vec<bool>,
}

impl<'a> Search<'a> {
    fn of(needles: &'a [Needle]) -> Self {
        let mut by_first: HashMap<[u8; FIRST], Vec<usize>> = HashMap::new();
        for (place, needle) in needles.iter().enumerate() {
            let first = needle.bytes.first_chunk().expect("a needle has at least so many bytes");
            by_first.entry(*first).or_default().push(place);
        }
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(FIRST);
        Self { needles, by_first, longest, carry: Vec::new(), seen: vec![false; needles.len()] }
    }

    fn goes_on(&mut self, piece: &[u8]) {
        let mut bytes = std::mem::take(&mut self.carry);
        bytes.extend_from_slice(piece);
        for (at, window) in bytes.windows(FIRST).enumerate() {
            let Some(places) = self.by_first.get(window) else { continue };
            for place in places {
                self.seen[*place] |= bytes[at..].starts_with(&self.needles[*place].bytes);
            }
        }
        let keep = bytes.len().min(self.longest - 1);
        self.carry = bytes.split_off(bytes.len() - keep);
    }

    fn found(&self, place: &str) -> Vec<Found> {
        let seen = self.needles.iter().zip(&self.seen).filter(|(_, seen)| **seen);
        seen.map(|(needle, _)| Found { what: needle.what.clone(), place: place.to_owned() }).collect()
    }
}
