//! The bytes of a [`Chain`] in a vault. Everything has its place and length, so there is one form for one chain, and the buffer
//! has its final size before the first secret is written: none is left behind by a buffer that grew.
//!
//! ```text
//! "genkan chain 1\0" || group || epoch || n, n wraps || n, n group keys || n, n other group keys || n, n persons || sum
//! group  = 0 | 1, id (16)            epoch  = 0 | 1, number (4), K (32)       n = 4 bytes, big-endian as all numbers
//! wrap   = generation (4), id (16), secret (32)                               by generation, each once
//! group key = epoch (4), G (32)      other group key = group (16), epoch (4), G (32)      person = id (16), P (32)
//! sum    = SHA-256 of all before: it tells damage, it does not authenticate
//! ```

use super::{Chain, WrapKey};
use crate::{Error, GroupId, KeyId, Place, WrapSecret};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

const MAGIC: &[u8; 15] = b"genkan chain 1\0";
const SUM: usize = 32;

impl Chain {
    /// The secret bytes of a vault. Whoever writes them closes them first.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(self.encoded_length()));
        out.extend(MAGIC);
        out.push(self.group.is_some().into());
        out.extend(self.group.iter().flat_map(|group| group.0));
        out.push(self.epoch_key.is_some().into());
        if let Some((epoch, key)) = &self.epoch_key {
            out.extend(epoch.to_be_bytes());
            out.extend(&key[..]);
        }
        put_count(&mut out, self.wraps.len());
        for wrap in &self.wraps {
            out.extend(wrap.generation.to_be_bytes());
            out.extend(wrap.id.0);
            out.extend(wrap.secret.expose());
        }
        put_count(&mut out, self.groups.len());
        for (epoch, key) in &self.groups {
            out.extend(epoch.to_be_bytes());
            out.extend(&key[..]);
        }
        put_count(&mut out, self.others.len());
        for ((group, epoch), key) in &self.others {
            out.extend(group.0);
            out.extend(epoch.to_be_bytes());
            out.extend(&key[..]);
        }
        put_count(&mut out, self.persons.len());
        for (id, key) in &self.persons {
            out.extend(id.0);
            out.extend(&key[..]);
        }
        let sum = Sha256::digest(&out[..]);
        out.extend(&sum[..]);
        out
    }

    fn encoded_length(&self) -> usize {
        let group = if self.group.is_some() { 17 } else { 1 };
        let epoch = if self.epoch_key.is_some() { 37 } else { 1 };
        let lists = self.wraps.len() * 52 + self.groups.len() * 36 + self.others.len() * 52;
        MAGIC.len() + group + epoch + 4 * 4 + lists + self.persons.len() * 48 + SUM
    }

    /// Reads a chain from exactly its bytes.
    ///
    /// Errors: [`Error::Malformed`] for anything that [`Chain::encode`] did not write.
    pub fn decode(bytes: &[u8]) -> Result<Chain, Error> {
        read(bytes).ok_or(Error::Malformed {
            place: Place::Chain,
            why: "it is damaged or of another version; start over with a new wrap key",
        })
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(u32::try_from(count).expect("fewer keys than 2^32").to_be_bytes());
}

fn read(bytes: &[u8]) -> Option<Chain> {
    let (content, sum) = bytes.split_last_chunk::<SUM>()?;
    if Sha256::digest(content)[..] != sum[..] {
        return None;
    }
    let mut rest = content.strip_prefix(MAGIC)?;
    let rest = &mut rest;
    let group = if flag(rest)? { Some(GroupId(take(rest)?)) } else { None };
    let epoch_key = if flag(rest)? { Some((number(rest)?, secret(rest)?)) } else { None };
    let mut wraps: Vec<WrapKey> = Vec::new();
    for _ in 0..number(rest)? {
        let generation = number(rest)?;
        let (id, key) = (KeyId(take(rest)?), secret(rest)?);
        wraps.push(WrapKey { generation, id, secret: WrapSecret::from_bytes(*key) });
    }
    let groups = map(rest, number)?;
    let others = map(rest, |rest| Some((GroupId(take(rest)?), number(rest)?)))?;
    let persons = map(rest, |rest| take(rest).map(KeyId))?;
    let ordered = wraps.is_sorted_by(|a, b| a.generation < b.generation);
    let whose = group.is_some() || (groups.is_empty() && epoch_key.is_none());
    let whole = rest.is_empty() && ordered && whose;
    whole.then_some(Chain { group, wraps, groups, others, epoch_key, persons })
}

/// Keys in order, each once. Memory grows with the bytes that are there.
fn map<K: Ord>(
    rest: &mut &[u8],
    key: impl Fn(&mut &[u8]) -> Option<K>,
) -> Option<BTreeMap<K, Zeroizing<[u8; 32]>>> {
    let mut map = BTreeMap::new();
    for _ in 0..number(rest)? {
        let name = key(rest)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= name) {
            return None;
        }
        map.insert(name, secret(rest)?);
    }
    Some(map)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk::<N>()?;
    *rest = left;
    Some(*taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_be_bytes)
}

fn secret(rest: &mut &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    take(rest).map(Zeroizing::new)
}

fn flag(rest: &mut &[u8]) -> Option<bool> {
    match take::<1>(rest)? {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Scope;

    fn chain() -> Chain {
        let mut chain = Chain::default();
        chain.keep_group(GroupId([9; 16]), 1, [10; 32]);
        chain.begin(
            &Scope { tenant: "city".into(), group: GroupId([1; 16]), epoch: 2 },
            [2; 32],
            Some([3; 32]),
        );
        chain.begin(
            &Scope { tenant: "city".into(), group: GroupId([1; 16]), epoch: 3 },
            [4; 32],
            Some([5; 32]),
        );
        for name in 0..3 {
            chain.add_wrap(KeyId([name; 16]), WrapSecret::from_bytes([name + 50; 32]), 0);
            chain.keep(KeyId([name + 20; 16]), [name + 70; 32]);
        }
        chain
    }

    /// As if somebody had written it so: the sum fits.
    fn summed(mut content: Vec<u8>) -> Vec<u8> {
        let sum = Sha256::digest(&content);
        content.extend(&sum[..]);
        content
    }

    #[test]
    fn what_a_vault_keeps_is_the_chain_again() {
        for chain in [Chain::default(), chain()] {
            let bytes = chain.encode();
            assert_eq!(bytes.capacity(), chain.encoded_length(), "the buffer never grew");
            assert_eq!(bytes.len(), chain.encoded_length());
            let again = Chain::decode(&bytes).unwrap();
            assert_eq!(again.encode(), bytes);
            assert_eq!(again.wraps().collect::<Vec<_>>(), chain.wraps().collect::<Vec<_>>());
            assert_eq!(again.persons().collect::<Vec<_>>(), chain.persons().collect::<Vec<_>>());
            assert_eq!((again.group(), again.epoch()), (chain.group(), chain.epoch()));
        }
    }

    #[test]
    fn a_changed_cut_or_added_byte_is_refused() {
        let bytes = chain().encode();
        for place in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[place] ^= 1;
            assert!(Chain::decode(&changed).is_err(), "byte {place}");
            assert!(Chain::decode(&bytes[..place]).is_err(), "cut at {place}");
        }
        let longer = [&bytes[..bytes.len() - SUM], &[0]].concat();
        assert!(Chain::decode(&summed(longer)).is_err());
    }

    #[test]
    fn a_form_that_encode_never_writes_is_refused_though_its_sum_fits() {
        let bytes = chain().encode();
        let content = &bytes[..bytes.len() - SUM];
        let swap = |at: usize, size: usize| {
            let mut swapped = content.to_vec();
            swapped[at..at + 2 * size].rotate_left(size);
            Chain::decode(&summed(swapped)).is_err()
        };
        let wraps = MAGIC.len() + 17 + 37 + 4;
        let groups = wraps + 3 * 52 + 4;
        let persons = groups + 2 * 36 + 4 + 52 + 4;
        assert_eq!(persons + 3 * 48, content.len());
        assert!(swap(wraps, 52) && swap(groups, 36) && swap(persons, 48), "wrong order");
        let set = |at: usize, byte: u8| {
            let mut changed = content.to_vec();
            changed[at] = byte;
            Chain::decode(&summed(changed)).is_err()
        };
        assert!(set(MAGIC.len(), 2), "no flag");
        assert!(set(wraps - 4, 255), "more wraps than there are bytes");
        let without_group = [&content[..MAGIC.len()], &[0], &content[MAGIC.len() + 17..]].concat();
        assert!(Chain::decode(&summed(without_group)).is_err(), "keys of no group");
        assert!(Chain::decode(&summed(content.to_vec())).is_ok(), "unchanged");
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", chain());
        assert_eq!(shown, "Chain(epoch 3, 3 persons, 3 wrap keys)");
    }
}
