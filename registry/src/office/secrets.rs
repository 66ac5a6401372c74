//! G, K and P as rows: XChaCha20-Poly1305 under the facility's R_kek, bound to facility and name.
//!
//! | name | what |
//! |---|---|
//! | `G/epoch`, `K/epoch` | a group key; the key of the newest epoch |
//! | `P/key` | a person's key |
//! | `V/voucher` | the secret of a voucher that is not used yet |

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ledger::{Chain, GroupId, KeyId};
use zeroize::Zeroizing;

use super::Tx;
use crate::db::{Cell, SqlError};
use crate::failure::{Done, Failure};
use crate::keys::{Sort, random};

const NONCE: usize = 24;

/// A secret of 32 bytes.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

pub(crate) fn group_name(epoch: u32) -> String {
    format!("G/{epoch:010}")
}

pub(crate) fn epoch_name(epoch: u32) -> String {
    format!("K/{epoch:010}")
}

pub(crate) fn person_name(key: KeyId) -> String {
    format!("P/{key}")
}

impl Tx<'_> {
    /// The number of the R_kek that closes this facility's secrets now.
    pub(crate) fn kek_number(&mut self, group: GroupId) -> Done<u32> {
        let number = self.fact(&format!("kek/{group}"))?;
        let number = number.and_then(|number| number.try_into().ok());
        number.ok_or(Failure::Asked("no such facility; `registry facility list` shows them"))
    }

    /// A number that is kept by name.
    pub fn fact(&mut self, name: &str) -> Done<Option<i64>> {
        let rows = self.sql.query("SELECT value FROM facts WHERE name = $1", &[name.into()])?;
        Ok(rows.first().map(|row| row[0].int()).transpose()?)
    }

    /// Keeps it.
    pub fn set_fact(&mut self, name: &str, value: i64) -> Done<()> {
        let text =
            "INSERT INTO facts (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2";
        self.sql.execute(text, &[name.into(), value.into()])?;
        Ok(())
    }

    /// Forgets it.
    pub(crate) fn drop_fact(&mut self, name: &str) -> Done<()> {
        self.sql.execute("DELETE FROM facts WHERE name = $1", &[name.into()])?;
        Ok(())
    }

    fn kek(&mut self, group: GroupId, number: u32) -> Done<Option<Zeroizing<Vec<u8>>>> {
        self.keys.get(Sort::Kek, group, number)
    }

    /// A secret; none if there is no row, or if its R_kek is gone.
    pub(crate) fn secret(&mut self, group: GroupId, name: &str) -> Done<Option<Secret>> {
        let text = "SELECT kek, sealed FROM secrets WHERE grp = $1 AND name = $2";
        let rows = self.sql.query(text, &[group.0.into(), name.into()])?;
        rows.first().map_or(Ok(None), |row| self.opened(group, name, &row[0], &row[1]))
    }

    fn opened(&mut self, group: GroupId, name: &str, kek: &Cell, sealed: &Cell) -> Done<Option<Secret>> {
        let number =
            kek.count()?.try_into().map_err(|_| SqlError::Shape("a number of a key beyond 32 bits"))?;
        let Some(kek) = self.kek(group, number)? else { return Ok(None) };
        let plain = open(&kek, group, name, sealed.bytes()?);
        plain.map(Some).ok_or(Failure::Sql(SqlError::Shape("a secret that is damaged")))
    }

    /// Keeps a secret under the newest R_kek, in the place of one of that name.
    pub(crate) fn keep_secret(&mut self, group: GroupId, name: &str, secret: &[u8; 32]) -> Done<()> {
        let number = self.kek_number(group)?;
        self.keep_under(group, name, secret, number)
    }

    fn keep_under(&mut self, group: GroupId, name: &str, secret: &[u8; 32], number: u32) -> Done<()> {
        let kek = self.kek(group, number)?.ok_or(Failure::Closed(format!("facility {group}")))?;
        let sealed = seal(&kek, random()?, group, name, secret);
        let text = "INSERT INTO secrets (grp, name, kek, sealed) VALUES ($1, $2, $3, $4) \
                    ON CONFLICT (grp, name) DO UPDATE SET kek = $3, sealed = $4";
        self.sql.execute(text, &[group.0.into(), name.into(), number.into(), sealed.into()])?;
        Ok(())
    }

    /// Deletes a secret; whether there was one.
    pub(crate) fn drop_secret(&mut self, group: GroupId, name: &str) -> Done<bool> {
        let text = "DELETE FROM secrets WHERE grp = $1 AND name = $2";
        Ok(self.sql.execute(text, &[group.0.into(), name.into()])? > 0)
    }

    /// Closes everything of a facility anew under another R_kek. What cannot be opened is gone.
    pub(crate) fn turn_kek(&mut self, group: GroupId, number: u32) -> Done<()> {
        let rows =
            self.sql.query("SELECT name, kek, sealed FROM secrets WHERE grp = $1", &[group.0.into()])?;
        for row in rows {
            let name = row[0].text()?;
            match self.opened(group, name, &row[1], &row[2])? {
                Some(secret) => self.keep_under(group, name, &secret, number)?,
                None => {
                    self.drop_secret(group, name)?;
                }
            }
        }
        self.set_fact(&format!("kek/{group}"), number.into())
    }

    /// The epochs of which the group key is held and can be opened, in order.
    pub(crate) fn group_epochs(&mut self, group: GroupId) -> Done<Vec<u32>> {
        let text = "SELECT name, kek FROM secrets WHERE grp = $1 AND name LIKE 'G/%' ORDER BY name";
        let rows = self.sql.query(text, &[group.0.into()])?;
        let there = self.keys.numbers(Sort::Kek, group)?;
        let mut epochs = Vec::new();
        for row in rows {
            if there.iter().any(|number| row[1] == Cell::from(*number)) {
                epochs.extend(row[0].text()?.trim_start_matches("G/").parse::<u32>());
            }
        }
        Ok(epochs)
    }

    /// One group key.
    pub(crate) fn group_key(&mut self, group: GroupId, epoch: u32) -> Done<Option<Secret>> {
        self.secret(group, &group_name(epoch))
    }

    /// One person's key.
    pub(crate) fn person_key(&mut self, group: GroupId, key: KeyId) -> Done<Option<Secret>> {
        self.secret(group, &person_name(key))
    }

    /// Group keys and K as a chain; with the people's keys or without.
    pub(crate) fn chain(&mut self, group: GroupId, people: bool) -> Done<Chain> {
        let mut chain = Chain::default();
        let scope = |epoch: u32| ledger::Scope { tenant: self.tenant.to_owned(), group, epoch };
        let newest = scope(self.epoch(group)?);
        let text = "SELECT name, kek, sealed FROM secrets WHERE grp = $1 ORDER BY name";
        let mut epoch_key = None;
        for row in self.sql.query(text, &[group.0.into()])? {
            let name = row[0].text()?;
            let wanted = people || !name.starts_with("P/");
            let Some(secret) = (if wanted { self.opened(group, name, &row[1], &row[2])? } else { None })
            else {
                continue;
            };
            match name.split_at(2) {
                ("G/", epoch) => {
                    let epoch = epoch.parse().map_err(|_| SqlError::Shape("a name of a group key"))?;
                    chain.begin(&ledger::Scope { epoch, ..newest.clone() }, [0; 32], Some(*secret));
                }
                ("K/", _) if name == epoch_name(newest.epoch) => epoch_key = Some(secret),
                ("P/", key) => chain.keep(key.parse()?, *secret),
                _ => {}
            }
        }
        if let Some(key) = epoch_key {
            chain.begin(&newest, *key, None);
        }
        Ok(chain)
    }

    /// The newest epoch of a facility; 0 before the first.
    pub fn epoch(&mut self, group: GroupId) -> Done<u32> {
        let rows = self.sql.query("SELECT max(epoch) FROM epochs WHERE grp = $1", &[group.0.into()])?;
        let epoch = rows.first().map_or(0, |row| row[0].int().unwrap_or(0));
        Ok(epoch.try_into().map_err(|_| SqlError::Shape("an epoch beyond 32 bits"))?)
    }
}

fn seal(kek: &[u8], nonce: [u8; NONCE], group: GroupId, name: &str, secret: &[u8; 32]) -> Vec<u8> {
    let aad = [&group.0[..], name.as_bytes()].concat();
    let cipher = XChaCha20Poly1305::new_from_slice(kek).expect("the key port gives 32 bytes");
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad });
    [&nonce[..], &sealed.expect("32 bytes are within the reach of the cipher")].concat()
}

fn open(kek: &[u8], group: GroupId, name: &str, sealed: &[u8]) -> Option<Secret> {
    let aad = [&group.0[..], name.as_bytes()].concat();
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    let cipher = XChaCha20Poly1305::new_from_slice(kek).ok()?;
    let plain = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &aad }).ok()?;
    Zeroizing::new(plain).as_slice().try_into().ok().map(Zeroizing::new)
}
