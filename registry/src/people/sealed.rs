//! Cells of the tables that say something of a person: sealed under a key that is derived from the person's key of that
//! facility, and bound to table and row, so that none can be put in the place of another.
//!
//! ```text
//! cell = nonce (24 random bytes) || XChaCha20-Poly1305(SHA-256("genkan registry row 1\0" || P); table || 0 || facility || enrolee || row)
//! ```

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use ledger::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{PeopleError, pen::Known};
use crate::bytes::random;

const NONCE: usize = 24;

/// Seals a value for a table; `row` tells rows of one enrolee apart.
pub(crate) fn seal(known: &Known, table: &str, row: &[u8], value: &Value) -> Result<Vec<u8>, PeopleError> {
    let plain =
        Zeroizing::new(value.encode().map_err(|_| PeopleError::Unusable("too much is said of the person"))?);
    let nonce = random::<NONCE>()?;
    let associated = associated(known, table, row);
    let payload = Payload { msg: &plain, aad: &associated };
    let sealed = cipher(known).encrypt(&nonce.into(), payload).expect("a few kilobytes can be sealed");
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what [`seal`] sealed for this table and row.
pub(crate) fn open(
    known: &Known,
    table: &'static str,
    row: &[u8],
    cell: &[u8],
) -> Result<Value, PeopleError> {
    let damaged = PeopleError::Damaged(table);
    let Some((nonce, sealed)) = cell.split_first_chunk::<NONCE>() else { return Err(damaged) };
    let associated = associated(known, table, row);
    let payload = Payload { msg: sealed, aad: &associated };
    let plain = cipher(known).decrypt(&(*nonce).into(), payload).map(Zeroizing::new);
    let value = plain.ok().and_then(|plain| Value::decode(&plain).ok());
    value.ok_or(damaged)
}

fn cipher(known: &Known) -> XChaCha20Poly1305 {
    let mut hash = Sha256::new();
    hash.update(b"genkan registry row 1\0");
    hash.update(known.secret.expose());
    let key: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
    XChaCha20Poly1305::new(&(*key).into())
}

fn associated(known: &Known, table: &str, row: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], &known.facility.0, &known.enrolee.0, row].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::PersonId;
    use ledger::{GroupId, KeyId, PersonKey};

    use super::*;

    fn known(secret: u8) -> Known {
        Known {
            facility: GroupId([1; 16]),
            enrolee: PersonId([2; 16]),
            key: KeyId([3; 16]),
            secret: PersonKey::from_bytes([secret; 32]),
        }
    }

    #[test]
    fn a_cell_opens_in_its_place_with_its_key_and_nowhere_else() {
        let value = Value::text("見本");
        let cell = seal(&known(7), "registrations", b"", &value).unwrap();
        assert!(!cell.windows(6).any(|it| it == "見本".as_bytes()));
        assert_eq!(open(&known(7), "registrations", b"", &cell).unwrap(), value);
        assert!(open(&known(8), "registrations", b"", &cell).is_err(), "another key");
        assert!(open(&known(7), "accesses", b"", &cell).is_err(), "another table");
        assert!(open(&known(7), "registrations", b"1", &cell).is_err(), "another row");
        let other = Known { enrolee: PersonId([4; 16]), ..known(7) };
        assert!(open(&other, "registrations", b"", &cell).is_err(), "another person");
        assert!(open(&known(7), "registrations", b"", &cell[..20]).is_err());
        for at in 0..cell.len() {
            let mut flipped = cell.clone();
            flipped[at] ^= 1;
            assert!(open(&known(7), "registrations", b"", &flipped).is_err(), "{at}");
        }
    }
}
