//! Ways past the card for fuzz targets, which else would have to guess signatures to reach what reads a record's inside.
//! Compiled with `--cfg fuzzing` alone; no program and no test has it.

use crate::certificate::Certificate;
use crate::error::CardError;
use crate::photo::{self, GreyPicture};
use crate::tlv::{self, Fields};

/// Where the record with this tag lies in these bytes: start, bytes of tag and length, bytes of the value.
#[must_use]
pub fn record(bytes: &[u8], tag: u16) -> Option<(usize, usize, usize)> {
    tlv::find(bytes, tag).ok().map(|(start, header)| (start, header.size, header.length))
}

/// The fields of a record: tag, the field whole, its value.
#[must_use]
pub fn fields(bytes: &[u8]) -> Option<Vec<(u16, &[u8], &[u8])>> {
    Fields::parse(bytes).ok().map(|fields| fields.all())
}

/// Whether these bytes are a certificate.
#[must_use]
pub fn certificate(bytes: &[u8]) -> bool {
    Certificate::parse(bytes).is_some()
}

/// Decodes a photograph.
///
/// # Errors
/// As for a card's.
pub fn photograph(bytes: &[u8]) -> Result<GreyPicture, CardError> {
    photo::decode(bytes)
}
