//! The front code (照合番号B) while it is typed: 14 digits that all stand on the front of the card.

use card::{FrontCode, TypedError, looks_like_individual_number};
use gate::Date;
use zeroize::Zeroizing;

/// Digits of the date of birth as it is printed: the year of the era, or the last two of the Western year.
const BIRTH: usize = 6;
/// Digits up to the end of the year of expiry.
const EXPIRY: usize = BIRTH + 4;
/// All digits, the security code with them.
pub(crate) const DIGITS: usize = EXPIRY + 4;
/// Digits of an individual number.
const INDIVIDUAL: usize = 12;

/// The first years of the eras in which holders were born: 明治, 大正, 昭和, 平成, 令和.
const ERAS: [u16; 5] = [1868, 1912, 1926, 1989, 2019];

/// Which part of the code comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The date of birth.
    Birth,
    /// The year of expiry.
    Expiry,
    /// The four digits under the photograph.
    Security,
}

/// The digits so far. Overwritten when they are let go of; nothing prints them.
#[derive(Clone, Default)]
pub(super) struct Digits {
    typed: Zeroizing<[u8; DIGITS]>,
    length: usize,
}

impl Digits {
    /// Adds a digit, 0 to 9; what is none, or one too many, is left out.
    ///
    /// # Errors
    /// [`TypedError::IndividualNumber`]: the twelve digits are one, and no front code begins like this. All are gone.
    pub(super) fn push(&mut self, digit: u8) -> Result<(), TypedError> {
        if digit <= 9 && self.length < DIGITS {
            self.typed[self.length] = b'0' + digit;
            self.length += 1;
        }
        if self.length == INDIVIDUAL && looks_like_individual_number(self.text()) && !self.may_go_on() {
            *self = Self::default();
            return Err(TypedError::IndividualNumber);
        }
        Ok(())
    }

    /// Takes the last digit away.
    pub(super) fn pop(&mut self) {
        if let Some(last) = self.length.checked_sub(1) {
            self.typed[last] = 0;
            self.length = last;
        }
    }

    /// The code, once it can be one.
    ///
    /// # Errors
    /// [`TypedError`]; after an individual number all digits are gone.
    pub(super) fn code(&mut self) -> Result<FrontCode, TypedError> {
        let (birth, rest) = self.text().split_at(BIRTH.min(self.length));
        let (expiry, security) = rest.split_at((EXPIRY - BIRTH).min(rest.len()));
        let code = match self.length {
            DIGITS => FrontCode::compose(birth, expiry, security),
            _ => FrontCode::parse(self.text()),
        };
        if code.as_ref().err() == Some(&TypedError::IndividualNumber) {
            *self = Self::default();
        }
        code
    }

    /// Whether more digits could make a front code of these twelve.
    fn may_go_on(&self) -> bool {
        let filled = Zeroizing::new(format!("{}00", self.text()));
        FrontCode::parse(&filled).is_ok()
    }

    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.typed[..self.length]).expect("ASCII digits only")
    }

    /// What comes next.
    pub(super) fn part(&self) -> Part {
        match self.length {
            0..BIRTH => Part::Birth,
            BIRTH..EXPIRY => Part::Expiry,
            _ => Part::Security,
        }
    }

    /// Whether a card with this date of birth and expiry has this code, but for the security code: the face of another
    /// card, read for somebody before, does not fit.
    pub(super) fn fits(&self, birth: Option<Date>, expiry: Date) -> bool {
        let text = self.text();
        let number =
            |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u16>().ok());
        let Some(birth) = birth else { return number(BIRTH, EXPIRY) == Some(expiry.year()) };
        let eras =
            ERAS.iter().filter_map(|first| (birth.year() + 1).checked_sub(*first)).filter(|year| *year > 0);
        let year = number(0, 2);
        let printed = eras.chain([birth.year()]).any(|printed| year == Some(printed % 100));
        printed
            && number(2, 4) == Some(birth.month().into())
            && number(4, BIRTH) == Some(birth.day().into())
            && number(BIRTH, EXPIRY) == Some(expiry.year())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn typed(text: &str) -> (Digits, Result<(), TypedError>) {
        let mut digits = Digits::default();
        let came = text.bytes().try_for_each(|digit| digits.push(digit - b'0'));
        (digits, came)
    }

    #[test]
    fn fourteen_digits_of_the_front_make_the_code_part_by_part() {
        let mut digits = Digits::default();
        let mut parts = Vec::new();
        for digit in "55021720352285".bytes() {
            parts.push(digits.part());
            digits.push(digit - b'0').unwrap();
        }
        let of = |part: Part| parts.iter().filter(|it| **it == part).count();
        assert_eq!((of(Part::Birth), of(Part::Expiry), of(Part::Security)), (6, 4, 4));
        digits.push(9).unwrap();
        assert_eq!(digits.text(), "55021720352285", "a fifteenth is left out");
        assert!(digits.code().is_ok());
        digits.pop();
        assert_eq!(digits.code().unwrap_err(), TypedError::NotSoManyDigits(14));
    }

    #[test]
    fn an_individual_number_is_refused_and_gone() {
        let (digits, came) = typed("123456789018");
        assert_eq!((came, digits.text()), (Err(TypedError::IndividualNumber), ""));
    }

    #[test]
    fn a_front_code_that_begins_like_an_individual_number_can_be_typed_but_not_sent_as_one() {
        // 2001-12-?? of an era, 2035: the check digit over the first eleven is one of the ten last digits.
        let twelfth = (b'0'..=b'9').map(|last| format!("01120120352{}", char::from(last)));
        let number = twelfth.into_iter().find(|text| looks_like_individual_number(text)).unwrap();
        let (mut digits, came) = typed(&number);
        assert_eq!(came, Ok(()));
        assert_eq!(digits.clone().code().unwrap_err(), TypedError::IndividualNumber);
        digits.push(0).unwrap();
        digits.push(0).unwrap();
        assert!(digits.code().is_ok());
    }

    #[test]
    fn only_the_card_with_this_birth_and_expiry_fits() {
        let (digits, _) = typed("55021720352285");
        let day = |year, month, day| Date::new(year, month, day);
        let expiry = day(2035, 2, 17).unwrap();
        for (birth, fits) in [
            (day(1980, 2, 17), true),
            (day(1955, 2, 17), true),
            (day(1981, 2, 17), false),
            (day(1980, 2, 18), false),
            (day(1980, 3, 17), false),
            (None, true),
        ] {
            assert_eq!(digits.fits(birth, expiry), fits, "{birth:?}");
        }
        assert!(!digits.fits(day(1980, 2, 17), day(2034, 2, 17).unwrap()));
        let (first, _) = typed("01050120351234");
        assert!(first.fits(day(2019, 5, 1), expiry), "the first year of an era");
    }
}
