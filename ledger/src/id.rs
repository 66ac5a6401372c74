//! Names: fixed lengths of bytes, written and read as lowercase hexadecimal. All of them are public, so `Debug` shows them.

use crate::{Error, Place};
use std::{fmt, str::FromStr};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// Lowercase hexadecimal of exactly this length; anything else is [`Error::Malformed`].
            fn from_str(text: &str) -> Result<Self, Error> {
                parse_hex(text).map($name)
            }
        }
    };
}

id!(
    /// A run: 16 random bytes, drawn by the writer when it opens the run.
    RunId, 16
);
id!(
    /// A key of any sort, named by 16 random bytes that are never used again.
    KeyId, 16
);
id!(
    /// A group (a facility, or the tenant's shelter pool) whose members share a sealing key.
    GroupId, 16
);
id!(
    /// An author: the 32 bytes of its Ed25519 public key.
    AuthorId, 32
);
id!(
    /// The hash of one record: SHA-256(0x00 || record), the leaf hash of RFC 6962.
    Leaf, 32
);
id!(
    /// The Merkle tree hash (RFC 6962 2.1) over the leaves of a run, or over a part of it.
    Root, 32
);

impl Leaf {
    /// What the first record of a run names as the leaf before it: 32 zero bytes, the preimage of which nobody knows.
    pub const NONE: Leaf = Leaf([0; 32]);
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N], Error> {
    let wrong =
        Error::Malformed { place: Place::Id, why: "lowercase hexadecimal of the right length is needed" };
    let digits: Vec<u8> = text.bytes().map_while(digit).collect();
    if text.len() != 2 * N || digits.len() != text.len() {
        return Err(wrong);
    }
    Ok(std::array::from_fn(|i| digits[2 * i] << 4 | digits[2 * i + 1]))
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_writes_and_nothing_else() {
        let run = RunId(std::array::from_fn(|i| i as u8 * 17));
        assert_eq!(run.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(run.to_string().parse::<RunId>().unwrap(), run);
        for wrong in [
            "",
            "00",
            "00112233445566778899AABBCCDDEEFF",
            "00112233445566778899aabbccddeeff00",
            "äääääääääääääääá",
        ] {
            assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
        }
    }
}
