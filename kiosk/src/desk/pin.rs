//! A PIN while it is typed: digits that are overwritten when they are let go of, and that nothing prints.

use std::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop};

/// The least digits of a PIN. Four digits and a lock-out after a few wrong ones are what a bank card has.
pub(crate) const LEAST_DIGITS: usize = 4;
/// The most digits of a PIN, as the vault takes them.
pub(crate) const MOST_DIGITS: usize = 12;

/// Digits typed so far.
#[derive(Clone, Default, ZeroizeOnDrop)]
pub(crate) struct Pin {
    digits: [u8; MOST_DIGITS],
    length: usize,
}

impl Pin {
    /// The PIN that this text is, if it has 4 to 12 digits and nothing else.
    #[cfg(test)]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pin = Self::default();
        for byte in text.bytes() {
            if !byte.is_ascii_digit() || pin.length == MOST_DIGITS {
                return None;
            }
            pin.push(byte - b'0');
        }
        pin.is_complete().then_some(pin)
    }

    /// Adds a digit, 0 to 9; what is none, or one too many, is left out.
    pub(super) fn push(&mut self, digit: u8) {
        if digit <= 9 && self.length < MOST_DIGITS {
            self.digits[self.length] = b'0' + digit;
            self.length += 1;
        }
    }

    /// Takes the last digit away.
    pub(super) fn pop(&mut self) {
        if let Some(last) = self.length.checked_sub(1) {
            self.digits[last] = 0;
            self.length = last;
        }
    }

    /// Forgets all digits.
    pub(super) fn clear(&mut self) {
        self.zeroize();
    }

    /// How many digits there are.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether it can be a PIN.
    pub(crate) fn is_complete(&self) -> bool {
        self.length >= LEAST_DIGITS
    }

    /// The digits, for whoever checks them.
    pub(crate) fn expose(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.length]).expect("ASCII digits only")
    }

    fn zeroize(&mut self) {
        self.digits.zeroize();
        self.length.zeroize();
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pin(..)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pin_has_four_to_twelve_digits_and_nothing_else() {
        for good in ["0000", "1234567", "123456789012"] {
            assert_eq!(Pin::parse(good).unwrap().expose(), good);
        }
        for bad in ["", "123", "1234567890123", "12 34", "12a4", "１２３４"] {
            assert!(Pin::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_digit_that_was_taken_back_is_not_kept() {
        let mut pin = Pin::default();
        (1..=5).for_each(|digit| pin.push(digit));
        pin.pop();
        assert_eq!((pin.expose(), pin.digits), ("1234", *b"1234\0\0\0\0\0\0\0\0"));
        pin.clear();
        assert_eq!((pin.len(), pin.digits), (0, [0; MOST_DIGITS]));
    }

    #[test]
    fn nothing_prints_a_pin() {
        assert_eq!(format!("{:?}", Pin::parse("2468").unwrap()), "Pin(..)");
    }
}
