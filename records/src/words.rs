//! The words that tables, records and exports use for the enums of the rules. Each has one, and it is never changed.

use gate::{Assurance, CredentialKind, Factor, Mode, Way};

/// An enum whose variants have words.
pub trait Word: Copy + 'static {
    /// Every variant.
    const ALL: &'static [Self];

    /// Its word.
    fn word(self) -> &'static str;
}

/// The variant that has this word.
#[must_use]
pub fn from_word<T: Word>(word: &str) -> Option<T> {
    T::ALL.iter().copied().find(|it| it.word() == word)
}

impl Word for Assurance {
    const ALL: &'static [Self] = &[Self::SelfDeclared, Self::PhotoMatched, Self::JpkiVerified];

    fn word(self) -> &'static str {
        match self {
            Self::SelfDeclared => "self-declared",
            Self::PhotoMatched => "photo-matched",
            Self::JpkiVerified => "jpki-verified",
        }
    }
}

impl Word for CredentialKind {
    const ALL: &'static [Self] = &[Self::FacilityCard, Self::Qr, Self::MyNumberCard];

    fn word(self) -> &'static str {
        match self {
            Self::FacilityCard => "facility-card",
            Self::Qr => "qr",
            Self::MyNumberCard => "my-number-card",
        }
    }
}

impl Word for Factor {
    const ALL: &'static [Self] = &[Self::Face, Self::Claim, Self::CardShown, Self::FreshCode, Self::CardPin];

    fn word(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Claim => "claim",
            Self::CardShown => "card-shown",
            Self::FreshCode => "fresh-code",
            Self::CardPin => "card-pin",
        }
    }
}

impl Word for Way {
    const ALL: &'static [Self] = &[
        Self::Face,
        Self::Claim(CredentialKind::FacilityCard),
        Self::Claim(CredentialKind::Qr),
        Self::Claim(CredentialKind::MyNumberCard),
        Self::Staff,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Face => "face",
            Self::Claim(kind) => kind.word(),
            Self::Staff => "staff",
        }
    }
}

impl Word for Mode {
    const ALL: &'static [Self] = &[Self::Normal, Self::Shelter];

    fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Shelter => "shelter",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Word + PartialEq>() {
        for it in T::ALL {
            assert!(from_word::<T>(it.word()) == Some(*it), "{}", it.word());
        }
    }

    #[test]
    fn every_word_is_read_as_what_it_was_written_for() {
        check::<Assurance>();
        check::<CredentialKind>();
        check::<Factor>();
        check::<Way>();
        check::<Mode>();
        assert!(from_word::<Mode>("Normal").is_none());
    }
}
