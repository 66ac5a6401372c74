//! A thief with everything in hand: every byte of every file of every process, also what a database has freed and what its
//! log still holds, a backup of the registry from before, all that was ever said at the broker, and every key that anybody
//! still has. The question is one: can the thief come by the key of one person, and so read that person?
//!
//! No program of ours is asked and no table is believed: keys are whatever 32 bytes stand anywhere, and sealed keys are
//! whatever stands at any place of a file. Four ways are tried: the key itself; the key sealed under a key of the registry's
//! key port; the key sealed in any keyring under any 32 bytes; and those 32 bytes out of any wrap that any secret opens.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use ledger::{
    AuthorId, Body, Feed, GroupId, KeyId, Page, Real, Record, RunId, Suite as _, Value, WrapSecret,
};
use openssl::symm::{Cipher, Crypter, Mode};
use sha2::Sha256;

use super::{At as _, Trouble, rows::Row, search::each_file};

/// A page of the vault, what SQLCipher reserves at its end, and of that the initial vector, which comes first.
const PAGE: usize = 4096;
const RESERVED: usize = 80;
const VECTOR: usize = 16;
/// Before the first page's content stands the salt; before the log's first frame its header, before each page a frame's.
const SALT: usize = 16;
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// Nonce, 32 bytes, tag.
const SEALED_KEY: usize = 24 + 32 + 16;

/// The person that the thief is after.
#[derive(Clone)]
pub struct Mark {
    /// Whose tenant it is.
    pub tenant: String,
    /// The facility.
    pub group: GroupId,
    /// How the key is called; records say it in clear.
    pub key_id: KeyId,
    /// The key itself, by which the thief knows that it was found.
    pub key: [u8; 32],
}

/// Bytes in hand, and where they came from.
#[derive(Default)]
pub struct Loot {
    images: Vec<(PathBuf, Vec<u8>)>,
    keyrings: Vec<Keyring>,
}

/// A statement in a keyring that was heard or held once.
#[derive(Clone)]
struct Keyring {
    group: GroupId,
    epoch: u32,
    body: Body,
}

/// By which way a key was come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It stands in a file.
    Plain,
    /// It stands in the registry's database, under a key of the key port.
    KeyPort,
    /// It stands in a keyring, under 32 bytes that stand in a file.
    Keyring,
    /// It stands in a keyring, under a key that a wrap in it gives to a secret that stands in a file.
    Wrap,
}

impl Loot {
    /// Takes a file, or every file below a folder, as it is.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn take(&mut self, place: &Path) -> Result<(), Trouble> {
        each_file(place, &mut |path| {
            let bytes = fs::read(path).at("read", path)?;
            self.images.push((path.to_owned(), bytes));
            Ok(())
        })
    }

    /// Takes a kiosk's data directory, and opens every page of the vault and every frame of its log with the vault's key,
    /// whether a table still knows of them or not.
    ///
    /// # Errors
    /// [`Trouble::File`]; [`Trouble::Unreadable`] when the key does not open it.
    pub fn take_vault(&mut self, data: &Path) -> Result<(), Trouble> {
        self.take(data)?;
        let key = page_key(data)?;
        let (database, log) = (data.join("genkan.db"), data.join("genkan.db-wal"));
        let bytes = fs::read(&database).at("read", &database)?;
        let mut plain = Vec::with_capacity(bytes.len());
        for (place, page) in bytes.chunks_exact(PAGE).enumerate() {
            plain.extend(opened(page, if place == 0 { SALT } else { 0 }, &key)?);
        }
        // What SQLite's first page says of itself: pages of 4096 bytes, 80 of them reserved.
        if plain.get(..2) != Some(&[0x10, 0]) || plain.get(4) != Some(&(RESERVED as u8)) {
            return Err(unreadable(&database, "its key does not open it"));
        }
        self.images.push((database, plain));
        let frames = fs::read(&log).unwrap_or_default();
        let mut plain = Vec::with_capacity(frames.len());
        for frame in frames.get(LOG_HEADER..).unwrap_or_default().chunks_exact(FRAME_HEADER + PAGE) {
            let first = frame[..4] == [0, 0, 0, 1];
            plain.extend(opened(&frame[FRAME_HEADER..], if first { SALT } else { 0 }, &key)?);
        }
        self.images.push((log, plain));
        Ok(())
    }

    /// Writes all that is in hand, as opened, into one file: for a search.
    ///
    /// # Errors
    /// [`Trouble::File`].
    pub fn write_to(&self, file: &Path) -> Result<(), Trouble> {
        let all: Vec<u8> = self.images.iter().flat_map(|(_, bytes)| bytes).copied().collect();
        fs::write(file, all).at("write", file)
    }

    /// Remembers what any keyring among these records says.
    pub fn remember(&mut self, rows: &[Row]) {
        for row in rows {
            let Some((group, epoch)) = keyring(&row.feed) else { continue };
            let body = Record::parse(&row.record).and_then(|record| record.open_body(None));
            self.keyrings.extend(body.ok().map(|body| Keyring { group, epoch, body }));
        }
    }

    /// Remembers what any keyring among these pages says: the pages that begin a run say which feed it is.
    pub fn remember_pages(&mut self, pages: Vec<Page>) {
        let feeds: BTreeMap<RunId, String> = pages.iter().filter_map(feed_of).collect();
        for page in pages {
            let Some(feed) = feeds.get(&page.run) else { continue };
            let (run, first) = (page.run, page.first);
            let rows =
                (first..).zip(page.records).map(|(seq, record)| Row { run, feed: feed.clone(), seq, record });
            self.remember(&rows.collect::<Vec<_>>());
        }
    }

    /// Remembers all keyrings that were in hand at another time. Files of that time do not come along.
    pub fn recall(&mut self, other: &Self) {
        self.keyrings.extend(other.keyrings.iter().cloned());
    }

    /// How many bytes are in hand.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.images.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Tries everything.
    #[must_use]
    pub fn ways_to(&self, mark: &Mark) -> BTreeSet<Way> {
        let mut ways = BTreeSet::new();
        if self.images.iter().any(|(_, bytes)| bytes.windows(32).any(|window| window == mark.key)) {
            ways.insert(Way::Plain);
        }
        let name = format!("P/{}", mark.key_id);
        if self.under_key_port(mark.group, &name).contains(&mark.key) {
            ways.insert(Way::KeyPort);
        }
        if self.images.iter().any(|(_, bytes)| self.any_opens(mark, bytes)) {
            ways.insert(Way::Keyring);
        }
        if self.wrapped().iter().any(|key| self.opens(mark, key)) {
            ways.insert(Way::Wrap);
        }
        ways
    }

    /// Every secret of this name that stands anywhere under a key of the registry's key port.
    fn under_key_port(&self, group: GroupId, name: &str) -> BTreeSet<[u8; 32]> {
        let ports =
            self.images.iter().filter(|(path, _)| path.components().any(|it| it.as_os_str() == "kek"));
        let keks: BTreeSet<[u8; 32]> = ports.flat_map(|(_, bytes)| keys_of(bytes)).collect();
        let bound = [&group.0[..], name.as_bytes()].concat();
        let mut found = BTreeSet::new();
        for kek in keks {
            let cipher = XChaCha20Poly1305::new(&kek.into());
            for (_, bytes) in &self.images {
                let sealed = bytes.windows(SEALED_KEY);
                found.extend(sealed.filter_map(|sealed| unsealed(&cipher, sealed, &bound)));
            }
        }
        found
    }

    /// Whether any 32 bytes of an image open the person's key in a keyring.
    fn any_opens(&self, mark: &Mark, bytes: &[u8]) -> bool {
        // A key is drawn at random: among 32 such bytes there is hardly one that is equal to both its neighbours.
        let drawn =
            |window: &&[u8]| window.windows(3).filter(|it| it[0] == it[1] && it[1] == it[2]).count() < 3;
        let key = |window: &[u8]| <[u8; 32]>::try_from(window).expect("windows of 32");
        bytes.windows(32).filter(drawn).any(|window| self.opens(mark, &key(window)))
    }

    /// Whether this key opens the person's key in a keyring.
    fn opens(&self, mark: &Mark, key: &[u8; 32]) -> bool {
        let cipher = XChaCha20Poly1305::new(key.into());
        self.keyrings
            .iter()
            .filter(|it| it.body.get("key").and_then(Value::as_array_of) == Some(mark.key_id.0))
            .any(|it| {
                let sealed = it.body.get("sealed").and_then(Value::as_bytes).unwrap_or_default();
                let bound = key_info(mark, it.group, it.epoch, mark.key_id);
                unsealed(&cipher, sealed, &bound) == Some(mark.key)
            })
    }

    /// The keys that wraps give to secrets that stand in a vault or in the registry's key port.
    fn wrapped(&self) -> BTreeSet<[u8; 32]> {
        let mut keys = BTreeSet::new();
        let wraps: Vec<_> = self.keyrings.iter().filter(|it| it.body.kind == "Wrap").collect();
        for secret in self.wrap_secrets(&wraps) {
            for wrap in &wraps {
                let Some((device, _, sealed)) = wrap_of(&wrap.body) else { continue };
                let mark = Mark {
                    tenant: super::TENANT.into(),
                    group: wrap.group,
                    key_id: KeyId([0; 16]),
                    key: secret,
                };
                let info = [
                    b"genkan wrap 1\0",
                    &key_info(&mark, wrap.group, wrap.epoch, KeyId([0; 16]))[..],
                    &device.0,
                ]
                .concat();
                let plain = Real.unwrap(&WrapSecret::from_bytes(secret), &info, sealed);
                let value = plain.and_then(|plain| Value::decode(&plain).ok());
                keys.extend(value.and_then(|value| value.as_array()?.first()?.as_array_of::<32>()));
            }
        }
        keys
    }

    /// The secrets that stand near the name of a wrap key: whoever keeps one keeps its name beside it.
    fn wrap_secrets(&self, wraps: &[&Keyring]) -> BTreeSet<[u8; 32]> {
        /// How far from the name it may stand.
        const NEAR: usize = 128;
        let names: BTreeSet<[u8; 16]> =
            wraps.iter().filter_map(|wrap| wrap_of(&wrap.body)).map(|(_, id, _)| id.0).collect();
        let mut secrets = BTreeSet::new();
        for (_, bytes) in &self.images {
            for (at, window) in bytes.windows(16).enumerate() {
                if names.contains(window) {
                    let near = &bytes[at.saturating_sub(NEAR)..bytes.len().min(at + 16 + NEAR)];
                    secrets.extend(near.windows(32).filter_map(|it| <[u8; 32]>::try_from(it).ok()));
                }
            }
        }
        secrets
    }
}

/// The 32 bytes that a file of the key port may mean: as they are, or in hexadecimal digits.
fn keys_of(bytes: &[u8]) -> Vec<[u8; 32]> {
    let text = std::str::from_utf8(bytes).ok().and_then(super::judge::bytes_of);
    let plain = bytes.windows(32).filter_map(|window| window.try_into().ok());
    let decoded = text.iter().flat_map(|bytes| bytes.windows(32).filter_map(|window| window.try_into().ok()));
    plain.chain(decoded).collect()
}

fn wrap_of(body: &Body) -> Option<(AuthorId, KeyId, &[u8])> {
    let device = AuthorId(body.get("device")?.as_array_of()?);
    Some((device, KeyId(body.get("wrap")?.as_array_of()?), body.get("sealed")?.as_bytes()?))
}

/// What is bound into a key that is sealed in a keyring.
fn key_info(mark: &Mark, group: GroupId, epoch: u32, id: KeyId) -> Vec<u8> {
    [&group.0[..], &epoch.to_be_bytes(), &id.0, mark.tenant.as_bytes(), b"\0"].concat()
}

fn unsealed(cipher: &XChaCha20Poly1305, sealed: &[u8], bound: &[u8]) -> Option<[u8; 32]> {
    let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
    let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: bound }).ok()?;
    plain.try_into().ok()
}

/// The run that a page begins, and its feed.
fn feed_of(page: &Page) -> Option<(RunId, String)> {
    let first = page.records.first().filter(|_| page.first == 0)?;
    let open = Record::parse(first).and_then(|record| record.open_statement(None)).ok()?;
    Some((page.run, open.feed))
}

/// Group and epoch of a feed that is a keyring.
fn keyring(feed: &str) -> Option<(GroupId, u32)> {
    let feed: Feed = feed.parse().ok()?;
    feed.class.is_keyring().then_some((feed.group?, feed.epoch))
}

/// The key of the vault's pages, out of the key that lies beside the data.
pub(super) fn page_key(data: &Path) -> Result<[u8; 32], Trouble> {
    let file = data.join("vault.key");
    let secret = fs::read(&file).at("read", &file)?;
    let mut key = [0; 32];
    let derived = Hkdf::<Sha256>::new(None, &secret).expand(b"genkan vault pages 1", &mut key);
    derived.map(|()| key).map_err(|_| unreadable(&file, "it is no key"))
}

/// What stands in a page of the vault, from `skip` on.
fn opened(page: &[u8], skip: usize, key: &[u8; 32]) -> Result<Vec<u8>, Trouble> {
    let (content, reserved) = page.split_at(PAGE - RESERVED);
    let open = || -> Result<Vec<u8>, openssl::error::ErrorStack> {
        let mut crypter = Crypter::new(Cipher::aes_256_cbc(), Mode::Decrypt, key, Some(&reserved[..VECTOR]))?;
        crypter.pad(false);
        let mut plain = vec![0; content.len() + VECTOR];
        let length = crypter.update(&content[skip..], &mut plain)?;
        let rest = crypter.finalize(&mut plain[length..])?;
        plain.truncate(length + rest);
        Ok(plain)
    };
    open().map_err(|cause| unreadable(Path::new("a page"), &cause.to_string()))
}

pub(super) fn unreadable(path: &Path, what: &str) -> Trouble {
    Trouble::Unreadable { who: path.display().to_string(), what: what.to_owned() }
}
