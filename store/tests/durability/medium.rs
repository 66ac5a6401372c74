//! What a medium holds after the power was cut: only what was synced is certain.

use std::collections::BTreeMap;

use super::{common::Seeded, vfs::Op};

/// Media lose and keep unsynced data in pieces of this size, in bytes.
const SECTOR: usize = 512;

/// What becomes of everything that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// All of it is gone.
    Forgotten,
    /// By this seed, each sector of each write survives or not, and so does each new or deleted name.
    Torn(u64),
    /// All of it is there: not the power was cut, only the program killed.
    Kept,
}

/// The files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone, Default)]
struct Content {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

/// The medium while it has power. A name points at a content; both have a durable state of their own.
#[derive(Debug, Clone, Default)]
pub struct Medium {
    contents: Vec<Content>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
}

impl Medium {
    /// A medium on which all of `files` is durable.
    pub fn holding(files: &Files) -> Self {
        let contents =
            files.values().map(|bytes| Content { durable: bytes.clone(), pending: Vec::new() }).collect();
        let names: BTreeMap<String, usize> = files.keys().cloned().zip(0..).collect();
        Self { contents, durable_names: names.clone(), names }
    }

    /// Does what was asked.
    pub fn apply(&mut self, op: &Op) {
        match op {
            Op::Create(file) => {
                self.contents.push(Content::default());
                self.names.insert(file.clone(), self.contents.len() - 1);
            }
            Op::Write { file, offset, bytes } => {
                self.content(file).pending.push(Change::Write(*offset, bytes.clone()))
            }
            Op::Truncate { file, length } => self.content(file).pending.push(Change::Truncate(*length)),
            Op::Sync(file) => {
                let content = self.content(file);
                content.durable = settle(content, Fate::Kept, &mut Seeded(0));
                content.pending.clear();
            }
            Op::SyncDirectory => self.durable_names = self.names.clone(),
            Op::Delete(file) => {
                self.names.remove(file).expect("only what is there is deleted");
            }
        }
    }

    /// The files that are found when the power is back.
    pub fn after_a_cut(&self, fate: Fate) -> Files {
        let mut seed = Seeded(if let Fate::Torn(seed) = fate { seed } else { 0 });
        let names = match fate {
            Fate::Forgotten => self.durable_names.clone(),
            Fate::Kept => self.names.clone(),
            Fate::Torn(_) => {
                let mut names = self.durable_names.clone();
                names.retain(|name, content| self.names.get(name) == Some(content) || seed.coin());
                names.extend(self.names.iter().filter(|_| seed.coin()).map(|(name, at)| (name.clone(), *at)));
                names
            }
        };
        names.into_iter().map(|(name, at)| (name, settle(&self.contents[at], fate, &mut seed))).collect()
    }

    fn content(&mut self, file: &str) -> &mut Content {
        &mut self.contents[self.names[file]]
    }
}

fn settle(content: &Content, fate: Fate, seed: &mut Seeded) -> Vec<u8> {
    let mut survives = || match fate {
        Fate::Forgotten => false,
        Fate::Torn(_) => seed.coin(),
        Fate::Kept => true,
    };
    let mut bytes = content.durable.clone();
    for change in &content.pending {
        match change {
            Change::Write(offset, new) => {
                let mut at = *offset;
                while at < offset + new.len() {
                    let end = (at / SECTOR + 1).saturating_mul(SECTOR).min(offset + new.len());
                    if survives() {
                        bytes.resize(bytes.len().max(end), 0);
                        bytes[at..end].copy_from_slice(&new[at - offset..end - offset]);
                    }
                    at = end;
                }
            }
            Change::Truncate(length) => {
                if survives() {
                    bytes.resize(*length, 0);
                }
            }
        }
    }
    bytes
}
