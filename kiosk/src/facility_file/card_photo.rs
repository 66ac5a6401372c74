//! `[card_photo]`: when a living face is that of the photograph in the chip of a MyNumber card.
//!
//! The model's card was measured on photographs of faces. Those on cards are small, grey and up to ten years old: more people
//! than it says will be refused, and staff look for themselves. How many of the wrong people are accepted was not measured on
//! card photographs either; the usual value is stricter than that for a card at the door.

use gate::Threshold;
use models::{Card, verification_threshold};
use serde::Deserialize;

use super::{FacilityError, checked::File};

/// How a living face is compared with the photograph on a card.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CardPhotoRule {
    /// Checks of somebody with another person's card that may end in a false match; shared out among the attempts.
    target_fmr: f64,
    /// How often a face may be compared with one photograph.
    pub(crate) attempts: u8,
}

impl Default for CardPhotoRule {
    fn default() -> Self {
        Self { target_fmr: 1e-4, attempts: 3 }
    }
}

impl CardPhotoRule {
    /// The score that every frame of an attempt must reach.
    pub(crate) fn threshold(self) -> Threshold {
        verification_threshold(&Card::sface(), self.target_fmr / f64::from(self.attempts.max(1)))
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CardPhoto {
    target_fmr: f64,
    attempts: u64,
}

impl Default for CardPhoto {
    fn default() -> Self {
        let CardPhotoRule { target_fmr, attempts } = CardPhotoRule::default();
        Self { target_fmr, attempts: attempts.into() }
    }
}

impl File<'_> {
    pub(super) fn card_photo(&self, written: &CardPhoto) -> Result<CardPhotoRule, FacilityError> {
        let key = "card_photo.target_fmr";
        let rule = CardPhotoRule {
            target_fmr: self.share(
                written.target_fmr,
                key,
                "above 0 and below 1 is; 0.0001 is one wrong person in ten thousand",
            )?,
            attempts: self.whole(written.attempts, 1..=5, "card_photo.attempts", "1 to 5 attempts are")?,
        };
        self.check(
            matches!(rule.threshold(), Threshold::Alone(_)),
            key,
            written.target_fmr,
            "at least 0.00001 for each of the attempts is: the model was not measured beyond",
        )?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::parse;
    use super::*;

    fn rule(text: &str) -> CardPhotoRule {
        parse("test.toml", text).unwrap().card_photo
    }

    fn refused(text: &str, part: &str) {
        let error = parse("test.toml", text).unwrap_err().to_string();
        assert!(error.contains(part), "{text:?} gave {error:?}");
    }

    #[test]
    fn the_keys_reach_the_rule_and_more_attempts_are_paid_for_by_a_stricter_threshold() {
        assert_eq!(rule(""), CardPhotoRule::default());
        let read = rule("[card_photo]\ntarget_fmr=0.001\nattempts=2\n");
        assert_eq!(read, CardPhotoRule { target_fmr: 0.001, attempts: 2 });
        let score = |attempts| CardPhotoRule { attempts, ..read }.threshold().score();
        assert!(score(1) < score(2) && score(2) < score(5));
    }

    #[test]
    fn the_usual_threshold_is_stricter_than_that_for_a_card_at_the_door() {
        let door = verification_threshold(&Card::sface(), gate::ClaimRule::default().target_fmr);
        let Threshold::Alone(usual) = CardPhotoRule::default().threshold() else { panic!("not measured") };
        assert!(usual > door.score(), "{usual:?} {door:?}");
    }

    #[test]
    fn what_was_never_measured_is_refused() {
        refused("[card_photo]\ntarget_fmr=0.00002\n", "not measured beyond");
        refused("[card_photo]\nattempts=0\n", "1 to 5");
        refused("[card_photo]\nattempts=6\n", "1 to 5");
        refused("[card_photo]\nthreshold=0.3\n", "`target_fmr`");
        assert_eq!(rule("[card_photo]\ntarget_fmr=0.00002\nattempts=1\n").attempts, 1);
    }
}
