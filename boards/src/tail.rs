//! A file to which people add lines while a program runs: the simulator's wires.
//!
//! A regular file is read from its beginning or its present end on; it may be missing, and is looked for again. A FIFO
//! gives what is written into it. Both are polled: this is a simulator.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use zeroize::Zeroizing;

/// Bytes that a line may have; a longer one is passed over and answered with an error.
const LONGEST_LINE: usize = 512;

/// Bytes that are read at once. Bounds the lines that wait.
const READ_AT_ONCE: usize = 4_096;

/// Bytes at the end of a file that are looked at when it is opened; what came before is history.
const HISTORY: u64 = 65_536;

/// The lines that are added to a file. They may be card data, so they are wiped when they are dropped.
pub(crate) struct Tail {
    path: PathBuf,
    file: Option<File>,
    partial: Zeroizing<Vec<u8>>,
    /// The line under way is too long.
    skipping: bool,
    ready: VecDeque<io::Result<Zeroizing<String>>>,
}

impl Tail {
    /// The lines that are added from now on; to a file that is missing, all that it will have.
    pub(crate) fn of_new(path: &Path) -> io::Result<Self> {
        Self::open(path, |length| length)
    }

    /// The lines that are there, the last ones if there are many, and then those that are added.
    pub(crate) fn of_all(path: &Path) -> io::Result<Self> {
        Self::open(path, |length| length.saturating_sub(HISTORY))
    }

    fn open(path: &Path, start: impl Fn(u64) -> u64) -> io::Result<Self> {
        let partial = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
        let mut tail =
            Self { path: path.into(), file: None, partial, skipping: false, ready: VecDeque::new() };
        if let Some(mut file) = open_file(path)? {
            let metadata = file.metadata()?;
            if metadata.is_file() {
                let start = start(metadata.len());
                file.seek(SeekFrom::Start(start))?;
                tail.skipping = start > 0 && !ends_a_line(path, start)?;
            }
            tail.file = Some(file);
        }
        Ok(tail)
    }

    /// The next line, without its end, if there is one now.
    ///
    /// # Errors
    /// `InvalidData` for one line that is too long or no text; the next call goes on. Else the system's reason.
    pub(crate) fn line(&mut self) -> io::Result<Option<Zeroizing<String>>> {
        if self.ready.is_empty() {
            self.read()?;
        }
        self.ready.pop_front().transpose()
    }

    fn read(&mut self) -> io::Result<()> {
        self.follow()?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let mut buffer = Zeroizing::new([0; READ_AT_ONCE]);
        let read = match file.read(buffer.as_mut_slice()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            read => read?,
        };
        for &byte in &buffer[..read] {
            self.take(byte);
        }
        Ok(())
    }

    fn take(&mut self, byte: u8) {
        if byte == b'\n' {
            let long = std::mem::take(&mut self.skipping);
            if !long {
                let line =
                    std::str::from_utf8(&self.partial).map(|line| Zeroizing::new(line.trim().to_owned()));
                self.ready.push_back(line.map_err(|_| invalid("a line is no UTF-8 text")));
            }
            self.partial.clear();
        } else if self.partial.len() == LONGEST_LINE {
            self.partial.clear();
            if !std::mem::replace(&mut self.skipping, true) {
                self.ready.push_back(Err(invalid("a line is longer than 512 bytes")));
            }
        } else if !self.skipping {
            self.partial.push(byte);
        }
    }

    /// Opens a regular file anew that appeared, was replaced or was cut short.
    fn follow(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let ours = file.metadata()?;
            let position = if ours.is_file() { file.stream_position()? } else { 0 };
            let same = match fs::metadata(&self.path) {
                Ok(there) => {
                    (there.dev(), there.ino()) == (ours.dev(), ours.ino())
                        && (!there.is_file() || there.len() >= position)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            };
            if same {
                return Ok(());
            }
        }
        self.partial.clear();
        self.skipping = false;
        self.file = open_file(&self.path)?;
        Ok(())
    }
}

/// Opens a file, or a FIFO in a way that waits for nobody and never ends. None if it is missing.
fn open_file(path: &Path) -> io::Result<Option<File>> {
    let kind = match fs::metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !kind.is_file() && !kind.is_fifo() {
        return Err(invalid("it is neither a file nor a FIFO"));
    }
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).expect("a flag of the system's own type");
    OpenOptions::new().read(true).write(kind.is_fifo()).custom_flags(nonblocking).open(path).map(Some)
}

/// Whether a line ends just before this place.
fn ends_a_line(path: &Path, place: u64) -> io::Result<bool> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(place - 1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte == *b"\n")
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
