//! Random bytes, and bytes as hexadecimal digits.

/// The system gave no random numbers.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gave no random numbers; try again")]
pub(crate) struct NoRandom;

/// So many random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// Lowercase digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of lowercase digits; nothing else is read.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

/// An id of 16 bytes.
pub(crate) fn id(text: &str) -> Option<[u8; 16]> {
    unhex(text)?.try_into().ok()
}
