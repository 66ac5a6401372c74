//! Records as cards lay them out: tag, length, value, one after the other.
//!
//! Tags have one byte, or two when the low five bits of the first are all set (`DF22`, `FF20`, `7F21`). Lengths are BER: one
//! byte below 128, or `81` and one, or `82` and two. Files are padded with `FF`. What claims to be longer than what is there,
//! twice the same, or of another shape is broken; unknown tags are passed over.

use thiserror::Error;

/// The most fields of one record: the face of a card has ten, and a next generation may have some more.
const MAX_FIELDS: usize = 32;

/// How many bytes may lie before a record: some cards put two there.
pub(crate) const MAX_LEAD: usize = 4;

/// The most bytes before a record's value: what may lie before it, tag and length.
pub(crate) const PROBE: usize = MAX_LEAD + 5;

/// A record is not laid out as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record is broken")]
pub(crate) struct Broken;

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) tag: u16,
    /// Bytes of tag and length.
    pub(crate) size: usize,
    /// Bytes of the value.
    pub(crate) length: usize,
}

/// Reads tag and length at the beginning of `bytes`; the value need not be there.
pub(crate) fn header(bytes: &[u8]) -> Result<Header, Broken> {
    let (tag, rest) = match *bytes {
        [first, second, ref rest @ ..] if first & 0x1F == 0x1F && second < 0x80 => {
            (u16::from_be_bytes([first, second]), rest)
        }
        [first, ref rest @ ..] if first & 0x1F != 0x1F => (u16::from(first), rest),
        _ => return Err(Broken),
    };
    let (length, used) = match *rest {
        [short, ..] if short < 0x80 => (usize::from(short), 1),
        [0x81, one, ..] => (usize::from(one), 2),
        [0x82, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 3),
        _ => return Err(Broken),
    };
    Ok(Header { tag, size: bytes.len() - rest.len() + used, length })
}

/// Where a record with this tag begins, at 0 to [`MAX_LEAD`], and its header.
pub(crate) fn find(bytes: &[u8], tag: u16) -> Result<(usize, Header), Broken> {
    (0..=MAX_LEAD)
        .filter_map(|start| Some((start, header(bytes.get(start..)?).ok()?)))
        .find(|(_, header)| header.tag == tag)
        .ok_or(Broken)
}

/// One field of a record.
#[derive(Clone, Copy)]
struct Field<'a> {
    tag: u16,
    whole: &'a [u8],
    value: &'a [u8],
}

/// The fields of a record, in their order. They may be personal: there is no `Debug`.
pub(crate) struct Fields<'a>(Vec<Field<'a>>);

impl<'a> Fields<'a> {
    /// Takes the value of a record apart, up to its end or to padding.
    pub(crate) fn parse(mut bytes: &'a [u8]) -> Result<Self, Broken> {
        let mut fields: Vec<Field<'a>> = Vec::new();
        while !bytes.is_empty() && !padding(bytes) {
            let Header { tag, size, length } = header(bytes)?;
            let whole = bytes.get(..size + length).ok_or(Broken)?;
            if fields.len() == MAX_FIELDS || fields.iter().any(|it| it.tag == tag) {
                return Err(Broken);
            }
            fields.push(Field { tag, whole, value: &whole[size..] });
            bytes = &bytes[size + length..];
        }
        Ok(Self(fields))
    }

    /// All of them: tag, the field whole, its value.
    #[cfg(fuzzing)]
    pub(crate) fn all(&self) -> Vec<(u16, &'a [u8], &'a [u8])> {
        self.0.iter().map(|it| (it.tag, it.whole, it.value)).collect()
    }

    fn find(&self, tag: u16) -> Result<Field<'a>, Broken> {
        self.0.iter().find(|it| it.tag == tag).copied().ok_or(Broken)
    }

    /// The value of a field.
    pub(crate) fn value(&self, tag: u16) -> Result<&'a [u8], Broken> {
        self.find(tag).map(|it| it.value)
    }

    /// The value of a field, if it has just this many bytes.
    pub(crate) fn array<const N: usize>(&self, tag: u16) -> Result<[u8; N], Broken> {
        self.value(tag)?.try_into().map_err(|_| Broken)
    }

    /// A field as it stands on the card, tag and length included: what signatures are made over.
    pub(crate) fn whole(&self, tag: u16) -> Result<&'a [u8], Broken> {
        self.find(tag).map(|it| it.whole)
    }
}

fn padding(bytes: &[u8]) -> bool {
    matches!(bytes, [0xFF] | [0xFF, 0xFF, ..])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_read_in_their_three_forms_and_no_other() {
        let of = |bytes: &[u8]| header(bytes).map(|it| (it.tag, it.size, it.length));
        assert_eq!(of(&[0xDF, 0x22, 0x7F]), Ok((0xDF22, 3, 127)));
        assert_eq!(of(&[0xDF, 0x22, 0x81, 0x80]), Ok((0xDF22, 4, 128)));
        assert_eq!(of(&[0xFF, 0x20, 0x82, 0x40, 0x01]), Ok((0xFF20, 5, 16_385)));
        assert_eq!(of(&[0x30, 0x82, 0x03, 0xBD]), Ok((0x30, 4, 957)));
        for broken in [
            &[][..],
            &[0xDF],
            &[0xDF, 0x22],
            &[0xDF, 0x22, 0x80],
            &[0xDF, 0x22, 0x81],
            &[0xDF, 0x22, 0x82, 1],
            &[0xDF, 0x22, 0x83, 0, 0, 1],
            &[0xDF, 0x22, 0xFF],
            &[0xDF, 0x82, 0x01, 0x00],
        ] {
            assert_eq!(of(broken), Err(Broken), "{broken:02X?}");
        }
    }

    #[test]
    fn a_record_is_found_behind_up_to_four_bytes() {
        for lead in 0..=5 {
            let bytes = [&vec![0; lead][..], &[0xFF, 0x20, 0x01, 0xAA]].concat();
            let found = find(&bytes, 0xFF20).ok().map(|(start, _)| start);
            assert_eq!(found, (lead <= MAX_LEAD).then_some(lead), "{lead}");
        }
    }

    #[test]
    fn fields_end_at_the_padding_and_unknown_ones_are_passed_over() {
        let bytes = [0xDF, 0x22, 1, 7, 0xDF, 0x70, 2, 1, 2, 0xDF, 0x25, 0, 0xFF, 0xFF, 0xFF];
        let fields = Fields::parse(&bytes).unwrap();
        assert_eq!(fields.value(0xDF22), Ok(&[7][..]));
        assert_eq!(fields.whole(0xDF22), Ok(&[0xDF, 0x22, 1, 7][..]));
        assert_eq!(fields.value(0xDF25), Ok(&[][..]));
        assert_eq!((fields.value(0xDF23), fields.array::<2>(0xDF22)), (Err(Broken), Err(Broken)));
    }

    #[test]
    fn a_field_that_stands_twice_or_is_longer_than_what_is_there_breaks_the_record() {
        for broken in [
            &[0xDF, 0x22, 1, 7, 0xDF, 0x22, 1, 8][..],
            &[0xDF, 0x22, 2, 7],
            &[0xDF, 0x22, 0x82, 0xFF, 0xFF, 7],
            &[0xDF, 0x22],
        ] {
            assert!(Fields::parse(broken).is_err(), "{broken:02X?}");
        }
        let many: Vec<_> = (0..=u8::try_from(MAX_FIELDS).unwrap()).flat_map(|tag| [0xDF, tag, 0]).collect();
        assert!(Fields::parse(&many).is_err());
        assert!(Fields::parse(&many[3..]).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_every_value_lies_within(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = find(&bytes, 0xFF20);
            if let Ok(fields) = Fields::parse(&bytes) {
                let used: usize = fields.0.iter().map(|it| it.whole.len()).sum();
                prop_assert!(used <= bytes.len() && fields.0.len() <= MAX_FIELDS);
            }
        }
    }
}
