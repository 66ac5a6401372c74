//! A message as a payload: its length as u32 in big-endian order, its bytes, and zeros up to 256 * 2^k bytes. Who watches
//! the road sees one of eleven sizes, so a check-in, an enrolment and a small withdrawal look alike.

use ledger::Message;

/// The smallest payload in bytes.
pub const LEAST: usize = 256;
/// The greatest payload in bytes: the next size above the greatest message and its length.
pub const MOST: usize = 256 * 1024;
const LENGTH: usize = 4;

const _: () = assert!(ledger::MAX_MESSAGE + LENGTH <= MOST);

/// Why bytes are no payload, or a message does not become one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PadError {
    /// A size that no payload has.
    #[error("a payload has 256 * 2^k bytes, at most {MOST}; this has {0}: drop it")]
    Size(usize),
    /// The length in it does not fit its size.
    #[error("the payload's length does not fit its size: drop it")]
    Length,
    /// The padding says something.
    #[error("the padding is not zeros: drop it")]
    Padding,
    /// The content is no message.
    #[error("not a message of the ledger: {0}")]
    Message(ledger::Error),
}

/// The payload of these bytes.
///
/// Errors: [`PadError::Size`] beyond [`MOST`].
pub fn pad(bytes: &[u8]) -> Result<Vec<u8>, PadError> {
    let needed = bytes.len().saturating_add(LENGTH);
    if needed > MOST {
        return Err(PadError::Size(needed));
    }
    let mut payload = Vec::with_capacity(needed.next_power_of_two().max(LEAST));
    payload.extend_from_slice(&u32::try_from(bytes.len()).expect("at most MOST").to_be_bytes());
    payload.extend_from_slice(bytes);
    payload.resize(needed.next_power_of_two().max(LEAST), 0);
    Ok(payload)
}

/// The bytes of a payload; only what [`pad`] writes is one.
///
/// Errors: [`PadError::Size`], [`PadError::Length`], [`PadError::Padding`].
pub fn strip(payload: &[u8]) -> Result<&[u8], PadError> {
    let size = payload.len();
    if !size.is_power_of_two() || !(LEAST..=MOST).contains(&size) {
        return Err(PadError::Size(size));
    }
    let (length, rest) = payload.split_first_chunk::<LENGTH>().ok_or(PadError::Length)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (bytes, padding) = rest.split_at_checked(length).ok_or(PadError::Length)?;
    if (length + LENGTH).next_power_of_two().max(LEAST) != size {
        return Err(PadError::Length);
    }
    if padding.iter().any(|byte| *byte != 0) {
        return Err(PadError::Padding);
    }
    Ok(bytes)
}

/// The payload of a message.
///
/// Errors: [`PadError::Message`] for a message that has no encoding.
pub fn encode(message: &Message) -> Result<Vec<u8>, PadError> {
    pad(&message.encode().map_err(PadError::Message)?)
}

/// The message of a payload. Nothing in it is believed yet.
///
/// Errors: those of [`strip`], [`PadError::Message`].
pub fn decode(payload: &[u8]) -> Result<Message, PadError> {
    Message::decode(strip(payload)?).map_err(PadError::Message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_payload_has_one_of_a_few_sizes_and_gives_its_bytes_back() {
        for length in [0, 1, 251, 252, 253, 508, 509, 100_000, ledger::MAX_MESSAGE] {
            let bytes = vec![7; length];
            let payload = pad(&bytes).unwrap();
            assert!(payload.len().is_power_of_two() && payload.len() >= LEAST, "{length}");
            assert_eq!(strip(&payload).unwrap(), bytes);
        }
        assert_eq!(pad(&[1; 252]).unwrap().len(), 256);
        assert_eq!(pad(&[1; 253]).unwrap().len(), 512);
        assert_eq!(pad(&vec![1; MOST]), Err(PadError::Size(MOST + 4)));
    }

    #[test]
    fn nothing_hides_in_the_padding_and_nobody_chooses_another_size() {
        let payload = pad(b"have").unwrap();
        let mut smuggled = payload.clone();
        *smuggled.last_mut().unwrap() = 1;
        assert_eq!(strip(&smuggled), Err(PadError::Padding));
        let mut larger = payload.clone();
        larger.resize(512, 0);
        assert_eq!(strip(&larger), Err(PadError::Length));
        let mut beyond = payload.clone();
        beyond[2] = 1;
        assert_eq!(strip(&beyond), Err(PadError::Length));
        for size in [0, 4, 128, 255, 257, 2 * MOST] {
            assert_eq!(strip(&vec![0; size]), Err(PadError::Size(size)));
        }
    }

    #[test]
    fn a_message_comes_out_as_it_went_in() {
        let message = Message::Want(vec![(ledger::RunId([3; 16]), 17)]);
        assert_eq!(decode(&encode(&message).unwrap()).unwrap(), message);
        assert!(matches!(decode(&pad(b"rubbish").unwrap()), Err(PadError::Message(_))));
    }
}
