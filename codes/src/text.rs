//! What was read.

use std::fmt;

use zeroize::{Zeroize as _, Zeroizing};

/// Longest text that is handed on, in characters. No credential of ours is longer, and a longer one is dense beyond what
/// the camera of a door reads; whoever parses texts is spared the rest.
pub const LONGEST_TEXT: usize = 1024;

/// The text of a code: one to [`LONGEST_TEXT`] characters of UTF-8, none of them a control character. Wiped when it is
/// dropped; the copies that the C++ library made on the way are not.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Zeroizing<String>);

impl Text {
    /// The content of a code, if it is a text.
    pub(crate) fn from_content(content: Vec<u8>) -> Option<Self> {
        let text = match String::from_utf8(content) {
            Ok(text) => Zeroizing::new(text),
            Err(error) => {
                error.into_bytes().zeroize();
                return None;
            }
        };
        // Bytes first: a character has at least one, and at most four.
        let short = text.len() <= LONGEST_TEXT * 4 && text.chars().count() <= LONGEST_TEXT;
        (short && !text.is_empty() && !text.chars().any(char::is_control)).then_some(Self(text))
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The characters, to be kept by who asks.
    #[must_use]
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Text({} bytes, withheld)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &[u8], read: bool) {
        let text = Text::from_content(content.to_vec());
        assert_eq!(text.is_some(), read, "{content:?}");
        if let Some(text) = text {
            assert_eq!(text.as_str().as_bytes(), content);
        }
    }

    #[test]
    fn a_text_is_handed_on_as_it_is() {
        check(b"FG1:6BFOXN%TSMAHN-H", true);
        check("避難所A 受付".as_bytes(), true);
    }

    #[test]
    fn what_is_no_text_is_not_handed_on() {
        check(b"", false);
        check(b"FG1:\0ABC", false);
        check(b"FG1:AB\nC", false);
        check(&[0xff, 0xd8, 0x31], false);
    }

    #[test]
    fn a_text_is_short() {
        check(&[b'A'; LONGEST_TEXT], true);
        check(&[b'A'; LONGEST_TEXT + 1], false);
        check("館".repeat(LONGEST_TEXT).as_bytes(), true);
        check("館".repeat(LONGEST_TEXT + 1).as_bytes(), false);
    }

    #[test]
    fn a_log_learns_only_the_length() {
        let text = Text::from_content(b"FG1:SECRET".to_vec());
        assert_eq!(format!("{text:?}"), "Some(Text(10 bytes, withheld))");
    }
}
