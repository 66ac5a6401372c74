//! What the fuzz targets share: a world of codes with keys of its own, and cards that the fuzzer plays.
//!
//! A target is a file in `fuzz_targets`: it makes values of the fuzzer's bytes, calls what a stranger's bytes reach, and
//! says what must hold whatever they are. Keys and cards here are made up and stand in the sources for everybody to see.

pub mod cards;
pub mod codes;
pub mod judge;
pub mod replicas;

/// What sets the sections of an input apart. A marker, not lengths, so that a longer section leaves the next ones alone.
pub const MARKER: &[u8] = b"\n--\n";

/// The sections of an input.
pub fn sections(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut over = false;
    std::iter::from_fn(move || {
        if over {
            return None;
        }
        let at = bytes.windows(MARKER.len()).position(|it| it == MARKER);
        over = at.is_none();
        let (section, rest) = bytes.split_at(at.unwrap_or(bytes.len()));
        bytes = rest.get(MARKER.len()..).unwrap_or_default();
        Some(section)
    })
}

/// An input of these sections.
#[must_use]
pub fn joined(sections: &[Vec<u8>]) -> Vec<u8> {
    sections.join(MARKER)
}
