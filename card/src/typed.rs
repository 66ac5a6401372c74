//! What people type at the kiosk to open a card: a PIN, or the front code. Checked before it costs a try.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::individual::looks_like_individual_number;

/// Why what was typed is not sent to a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TypedError {
    /// It is an individual number, which has no place here.
    #[error("this is an individual number; it is never asked for here, type what the screen asks for")]
    IndividualNumber,
    /// It has another number of digits, or is not only digits.
    #[error("this takes {0} digits; type them as they are printed or known")]
    NotSoManyDigits(usize),
    /// Its birth date is no day.
    #[error("the date of birth is no day of a calendar; type year, month and day as the card shows them")]
    NoSuchDay,
    /// Its expiry lies outside the years in which cards expire.
    #[error("the card does not expire in such a year; type the four digits that the card shows")]
    NoSuchYear,
}

impl TypedError {
    /// What the kiosk keys its sentences by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::IndividualNumber => "individual-number",
            Self::NotSoManyDigits(_) => "not-so-many-digits",
            Self::NoSuchDay => "no-such-day",
            Self::NoSuchYear => "no-such-year",
        }
    }
}

fn digits<const N: usize>(text: &str) -> Result<Zeroizing<[u8; N]>, TypedError> {
    if looks_like_individual_number(text) {
        return Err(TypedError::IndividualNumber);
    }
    let digits = text.as_bytes().try_into().map_err(|_| TypedError::NotSoManyDigits(N))?;
    let digits: Zeroizing<[u8; N]> = Zeroizing::new(digits);
    if digits.iter().all(u8::is_ascii_digit) { Ok(digits) } else { Err(TypedError::NotSoManyDigits(N)) }
}

/// A PIN of four digits.
pub struct Pin(Zeroizing<[u8; 4]>);

impl Pin {
    /// Reads four ASCII digits.
    ///
    /// # Errors
    /// [`TypedError`].
    pub fn parse(text: &str) -> Result<Self, TypedError> {
        digits(text).map(Self)
    }

    pub(crate) fn digits(&self) -> &[u8] {
        &self.0[..]
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pin(..)")
    }
}

/// The years in which cards expire: the first were issued in 2016, for five years or ten.
const EXPIRY_YEARS: std::ops::RangeInclusive<u16> = 2020..=2099;

/// The front code (照合番号B), 14 digits: the date of birth as the card shows it (year of the era, or the last two digits of
/// the Western year on cards of foreign residents; month; day), the year of expiry, the security code under the photograph.
///
/// All of it stands on the front: who knows it has seen this card, and nothing more.
pub struct FrontCode(Zeroizing<[u8; 14]>);

impl FrontCode {
    /// Reads 14 ASCII digits.
    ///
    /// # Errors
    /// [`TypedError`].
    pub fn parse(text: &str) -> Result<Self, TypedError> {
        let code = Self(digits(text)?);
        let number = |from: usize, to: usize| {
            code.0[from..to].iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'))
        };
        let (month, day) = (number(2, 4), number(4, 6));
        let longest = match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            _ => return Err(TypedError::NoSuchDay),
        };
        match (day, number(6, 10)) {
            (day, _) if !(1..=longest).contains(&day) => Err(TypedError::NoSuchDay),
            (_, year) if !EXPIRY_YEARS.contains(&year) => Err(TypedError::NoSuchYear),
            _ => Ok(code),
        }
    }

    /// Composes it of its three parts as printed: `YYMMDD`, `YYYY`, and the four digits of the security code.
    ///
    /// # Errors
    /// [`TypedError`].
    pub fn compose(birth: &str, expiry_year: &str, security_code: &str) -> Result<Self, TypedError> {
        let _: Zeroizing<[u8; 6]> = digits(birth)?;
        let _: Zeroizing<[u8; 4]> = digits(expiry_year)?;
        let _: Zeroizing<[u8; 4]> = digits(security_code)?;
        Self::parse(&Zeroizing::new([birth, expiry_year, security_code].concat()))
    }

    pub(crate) fn digits(&self) -> &[u8] {
        &self.0[..]
    }

    /// The year of expiry as printed, four digits.
    pub(crate) fn expiry_year(&self) -> &[u8] {
        &self.0[6..10]
    }
}

impl fmt::Debug for FrontCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FrontCode(..)")
    }
}

/// 32 random bytes for one card to sign, once. Not `Clone`: a challenge that is used again proves nothing.
pub struct Challenge([u8; 32]);

impl Challenge {
    /// Takes bytes that nobody could foresee.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// What the card signs: our own words before the random bytes, so that it signs nothing that means something elsewhere.
    pub(crate) fn message(self, purpose: &[u8]) -> Vec<u8> {
        [b"genkan/1/", purpose, &self.0].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_the_official_example_is_composed() {
        let code = FrontCode::compose("550217", "2035", "2285").expect("valid");
        assert_eq!((code.digits(), code.expiry_year()), (&b"55021720352285"[..], &b"2035"[..]));
    }

    #[test]
    fn a_code_that_no_card_bears_costs_no_try() {
        for (text, error) in [
            ("5502172035228", TypedError::NotSoManyDigits(14)),
            ("550217203522855", TypedError::NotSoManyDigits(14)),
            ("5502172035228a", TypedError::NotSoManyDigits(14)),
            ("55021720352２85", TypedError::NotSoManyDigits(14)),
            ("55001720352285", TypedError::NoSuchDay),
            ("55131720352285", TypedError::NoSuchDay),
            ("55023020352285", TypedError::NoSuchDay),
            ("55020020352285", TypedError::NoSuchDay),
            ("55021719352285", TypedError::NoSuchYear),
            ("123456789018", TypedError::IndividualNumber),
            ("1234-5678-9018", TypedError::IndividualNumber),
        ] {
            assert_eq!(FrontCode::parse(text).err(), Some(error), "{text}");
        }
        assert!(FrontCode::compose("5502172", "035", "2285").is_err(), "parts keep their lengths");
        assert!(
            FrontCode::parse("55022920352285").is_ok(),
            "the year of an era does not tell whether it leaps"
        );
    }

    #[test]
    fn a_pin_is_four_digits_and_no_individual_number() {
        assert_eq!(Pin::parse("0123").map(|it| it.digits().to_vec()), Ok(b"0123".to_vec()));
        for text in ["", "123", "12345", "12a4", "１２３４", "+123"] {
            assert_eq!(Pin::parse(text).err(), Some(TypedError::NotSoManyDigits(4)), "{text}");
        }
        assert_eq!(Pin::parse("123456789018").err(), Some(TypedError::IndividualNumber));
    }

    #[test]
    fn nothing_that_was_typed_is_printed() {
        let printed = format!("{:?} {:?}", Pin::parse("7391"), FrontCode::parse("55021720352285"));
        assert_eq!(printed, "Ok(Pin(..)) Ok(FrontCode(..))");
    }
}
