//! Base45 (RFC 9285): two bytes become three characters of QR's alphanumeric alphabet, a last single byte two.
//! Reading is strict: what was read, written again, gives the same text.

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// The text of these bytes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2) * 3);
    let mut put = |digit: u32| text.push(char::from(ALPHABET[(digit % 45) as usize]));
    for pair in bytes.chunks(2) {
        let number = pair.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        put(number);
        put(number / 45);
        if pair.len() == 2 {
            put(number / 2025);
        }
    }
    text
}

/// The bytes of a text; none if it is not Base45.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 3 * 2 + 1);
    for group in text.as_bytes().chunks(3) {
        let number = group.iter().rev().try_fold(0, |number, byte| Some(number * 45 + digit(*byte)?))?;
        match group.len() {
            3 => bytes.extend(u16::try_from(number).ok()?.to_be_bytes()),
            2 => bytes.push(u8::try_from(number).ok()?),
            _ => return None,
        }
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    ALPHABET.iter().position(|known| *known == byte).map(|place| place as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_rfc_9285() {
        for (bytes, text) in [
            (&b"AB"[..], "BB8"),
            (b"Hello!!", "%69 VD92EX0"),
            (b"base-45", "UJCLQE7W581"),
            (b"ietf!", "QED8WEX0"),
        ] {
            assert_eq!(encode(bytes), text);
            assert_eq!(decode(text).unwrap(), bytes);
        }
    }

    #[test]
    fn what_no_bytes_are_written_as_is_refused() {
        for text in ["A", "GGW", ":::", "::", "bb8", "BB8\n", "ＢＢ８", "BB8A"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode("FGW").unwrap(), [255, 255]);
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn a_text_that_reads_is_the_only_one_for_its_bytes(text in "[0-9A-Z $%*+./:-]{0,40}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
