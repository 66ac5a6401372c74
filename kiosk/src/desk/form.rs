//! What is written down about one person, field by field, and what is still wrong with it.

use gate::{Assurance, Date, Period, Residency, Template};
use zeroize::Zeroizing;

use super::{Member, Pass, card_check::Checked, keyboard::Layout};

/// The most characters of a name: what the vault takes.
pub(super) const LONGEST_NAME: usize = store::MAX_NAME;
/// The most coupons of one book; more are a slip of the finger.
const MOST_COUPONS: u32 = 999;
/// Nobody alive was born before.
const FIRST_YEAR: u16 = 1900;
/// Digits of a date: 20190401.
const DATE_DIGITS: usize = 8;

/// A field that is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The name, with the keyboard.
    Name,
    /// Date of birth: eight digits.
    Born,
    /// Last day of the pass: eight digits.
    PassUntil,
    /// How many coupons.
    Coupons,
}

/// What somebody may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PassKind {
    /// Nothing.
    #[default]
    Without,
    /// A pass up to a day.
    Pass,
    /// Coupons.
    Coupons,
}

/// What is wrong with the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The name is missing.
    NoName,
    /// The date of birth is no day, or lies ahead.
    Born,
    /// The last day of the pass is no day, or has passed.
    PassUntil,
    /// The number of coupons is missing.
    Coupons,
    /// An individual number was typed; it is gone.
    IndividualNumber,
}

/// One person's form.
#[derive(Clone, Default)]
pub(super) struct Draft {
    pub(super) name: Zeroizing<String>,
    pub(super) layout: Layout,
    pub(super) born: Zeroizing<String>,
    pub(super) lives_here: Option<bool>,
    pub(super) assurance: Assurance,
    pub(super) pass: PassKind,
    pub(super) pass_until: String,
    pub(super) coupons: String,
    pub(super) protected: bool,
    /// The face that was compared with the photograph on a card, and how.
    pub(super) checked: Option<Checked>,
}

impl Draft {
    /// The person, with this face (none for somebody who enrols without one).
    pub(super) fn member(&self, today: Option<Date>, templates: Vec<Template>) -> Result<Member, Flaw> {
        let name = self.name.trim();
        if name.is_empty() {
            return Err(Flaw::NoName);
        }
        Ok(Member {
            name: Zeroizing::new(name.to_owned()),
            born: self.born(today)?,
            residency: self.lives_here.map(residency),
            assurance: self.assurance,
            pass: self.pass(today)?,
            protected: self.protected,
            card: self.checked.as_ref().map(|checked| checked.issuer),
            templates,
        })
    }

    /// How surely it is known who it is. What a card said goes with its level.
    pub(super) fn assure(&mut self, assurance: Assurance) {
        self.assurance = assurance;
        if assurance != Assurance::PhotoMatched {
            self.checked = None;
        }
    }

    /// Takes over what was checked with a card: the level, and the date of birth where the card tells the day.
    pub(super) fn keep(&mut self, checked: Checked) {
        if let Some(day) = checked.born {
            self.born = Zeroizing::new(format!("{:04}{:02}{:02}", day.year(), day.month(), day.day()));
        }
        self.assurance = Assurance::PhotoMatched;
        self.checked = Some(checked);
    }

    fn born(&self, today: Option<Date>) -> Result<Option<Date>, Flaw> {
        if self.born.is_empty() {
            return Ok(None);
        }
        let day = date(&self.born).filter(|day| day.year() >= FIRST_YEAR);
        day.filter(|day| today.is_none_or(|today| *day <= today)).map(Some).ok_or(Flaw::Born)
    }

    fn pass(&self, today: Option<Date>) -> Result<Option<Pass>, Flaw> {
        match self.pass {
            PassKind::Without => Ok(None),
            PassKind::Pass => {
                let day = date(&self.pass_until);
                let day = day.filter(|day| today.is_none_or(|today| *day >= today));
                day.map(|day| Some(Pass::Until(day))).ok_or(Flaw::PassUntil)
            }
            PassKind::Coupons => {
                let many = self.coupons.parse().ok().filter(|many| (1..=MOST_COUPONS).contains(many));
                many.map(|many| Some(Pass::Coupons(many))).ok_or(Flaw::Coupons)
            }
        }
    }

    /// The digits of a field.
    pub(super) fn digits(&self, field: Field) -> &str {
        match field {
            Field::Born => &self.born,
            Field::PassUntil => &self.pass_until,
            Field::Coupons => &self.coupons,
            Field::Name => "",
        }
    }

    /// Types a digit into a field of digits.
    pub(super) fn push(&mut self, field: Field, digit: u8) {
        let digit = char::from(b'0' + digit.min(9));
        match field {
            Field::Born if self.born.len() < DATE_DIGITS => self.born.push(digit),
            Field::PassUntil if self.pass_until.len() < DATE_DIGITS => self.pass_until.push(digit),
            Field::Coupons if self.coupons.len() < 3 => self.coupons.push(digit),
            Field::Born | Field::PassUntil | Field::Coupons | Field::Name => {}
        }
    }

    /// Takes the last digit of a field away.
    pub(super) fn pop(&mut self, field: Field) {
        match field {
            Field::Born => _ = self.born.pop(),
            Field::PassUntil => _ = self.pass_until.pop(),
            Field::Coupons => _ = self.coupons.pop(),
            Field::Name => {}
        }
    }
}

/// The form knows yes or no; since when is for the registrar.
fn residency(lives_here: bool) -> Residency {
    if lives_here { Residency::Resident(Period::ALWAYS) } else { Residency::NonResident }
}

/// The day that eight digits name.
pub(crate) fn date(digits: &str) -> Option<Date> {
    if digits.len() != DATE_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::parse(&format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn named(change: impl FnOnce(&mut Draft)) -> Draft {
        let mut draft = Draft { name: Zeroizing::new("やまだ　はな".into()), ..Draft::default() };
        change(&mut draft);
        draft
    }

    fn today() -> Option<Date> {
        Date::new(2026, 11, 24)
    }

    fn check(draft: &Draft, expected: Result<(), Flaw>) {
        assert_eq!(draft.member(today(), Vec::new()).map(|_| ()), expected);
    }

    #[test]
    fn a_name_alone_is_enough_and_says_nothing_else() {
        let member = named(|_| ()).member(today(), Vec::new()).unwrap();
        assert_eq!((member.born, member.residency, member.pass), (None, None, None));
        assert_eq!((member.assurance, member.protected), (Assurance::SelfDeclared, false));
        check(&Draft::default(), Err(Flaw::NoName));
        check(&Draft { name: Zeroizing::new("\u{3000} ".into()), ..Draft::default() }, Err(Flaw::NoName));
    }

    #[test]
    fn a_date_of_birth_is_a_day_that_has_been() {
        for (digits, expected) in [
            ("20190401", Ok(())),
            ("20261124", Ok(())),
            ("20261125", Err(Flaw::Born)),
            ("20240229", Ok(())),
            ("20230229", Err(Flaw::Born)),
            ("2019040", Err(Flaw::Born)),
            ("18991231", Err(Flaw::Born)),
        ] {
            check(&named(|it| it.born = Zeroizing::new(digits.into())), expected);
        }
    }

    #[test]
    fn a_pass_has_a_last_day_that_has_not_passed() {
        for (digits, expected) in
            [("20270331", Ok(())), ("20261123", Err(Flaw::PassUntil)), ("", Err(Flaw::PassUntil))]
        {
            check(
                &named(|it| {
                    it.pass = PassKind::Pass;
                    it.pass_until = digits.into();
                }),
                expected,
            );
        }
    }

    #[test]
    fn a_book_of_coupons_has_at_least_one() {
        for (digits, expected) in [("10", Ok(())), ("0", Err(Flaw::Coupons)), ("", Err(Flaw::Coupons))] {
            check(
                &named(|it| {
                    it.pass = PassKind::Coupons;
                    it.coupons = digits.into();
                }),
                expected,
            );
        }
    }

    #[test]
    fn digits_stop_where_a_field_is_full() {
        let mut draft = Draft::default();
        (0..12).for_each(|_| draft.push(Field::Born, 1));
        (0..12).for_each(|_| draft.push(Field::Coupons, 1));
        assert_eq!((draft.digits(Field::Born), draft.digits(Field::Coupons)), ("11111111", "111"));
    }
}
