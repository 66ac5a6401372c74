//! `[factors]`: which of face, card, code and PIN together open, when and where. Left out, a face by itself opens as
//! `[face_alone]` says, and so does any card or code with its owner's face.

use gate::{Assurance, Factor, FactorRule, FactorRules, FactorSet, Mode, Place, Schedule};
use serde::{Deserialize, Deserializer};

use super::{FacilityError, checked::File, sections::Hours};

/// Rules of one facility. Nobody keeps more in mind.
const MOST_RULES: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Factors {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    needs: Vec<Needed>,
    daily: Option<String>,
    hours: Option<Hours>,
    #[serde(default, deserialize_with = "mode")]
    mode: Option<Mode>,
    #[serde(default, with = "PlaceWord")]
    place: Place,
    #[serde(default, with = "AssuranceWord")]
    assurance: Assurance,
}

struct Needed(Factor);

impl File<'_> {
    pub(super) fn factors(&self, factors: Option<Factors>) -> Result<FactorRules, FacilityError> {
        let Some(Factors { rule }) = factors else { return Ok(FactorRules::default()) };
        self.check(
            (1..=MOST_RULES).contains(&rule.len()),
            "factors.rule",
            format!("{} rules", rule.len()),
            "1 to 32 rules are; without the section a face, or a card or code with the face, opens",
        )?;
        let any_of = (1..).zip(rule).map(|(number, rule)| self.factor_rule(number, rule));
        Ok(FactorRules { any_of: any_of.collect::<Result<_, _>>()? })
    }

    fn factor_rule(&self, number: usize, rule: Rule) -> Result<FactorRule, FacilityError> {
        let Rule { needs, daily, hours, mode, place, assurance } = rule;
        let key = |name: &str| format!("{name} of factors.rule number {number}");
        let set: FactorSet = needs.iter().map(|Needed(factor)| *factor).collect();
        self.check(
            !needs.is_empty() && set.iter().count() == needs.len(),
            &key("needs"),
            format!("{} words", needs.len()),
            "at least one factor and each once is: whoever needs nothing is everybody",
        )?;
        let hours = match (daily, hours) {
            (None, None) => Schedule::ALWAYS,
            (None, Some(week)) => self.hours(&week)?,
            (Some(span), None) => Schedule { week: [self.day(&key("daily"), &span)?; 7], closed: Vec::new() },
            (Some(span), Some(_)) => {
                return Err(self.value(&key("daily"), span, "one of daily and hours is, not both"));
            }
        };
        Ok(FactorRule { needs: set, hours, mode, place, assurance })
    }
}

impl<'de> Deserialize<'de> for Needed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        FactorWord::deserialize(from).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(remote = "Factor", rename_all = "kebab-case")]
enum FactorWord {
    Face,
    Claim,
    CardShown,
    FreshCode,
    CardPin,
}

#[derive(Deserialize)]
#[serde(remote = "Mode", rename_all = "kebab-case")]
enum ModeWord {
    Normal,
    Shelter,
}

#[derive(Deserialize)]
#[serde(remote = "Place", rename_all = "kebab-case")]
enum PlaceWord {
    Anywhere,
    Door,
    Counter,
}

#[derive(Deserialize)]
#[serde(remote = "Assurance", rename_all = "kebab-case")]
enum AssuranceWord {
    SelfDeclared,
    PhotoMatched,
    JpkiVerified,
}

/// `remote` knows no `Option`; a key that is there has a word.
fn mode<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Mode>, D::Error> {
    ModeWord::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use gate::SensorTier;

    use super::super::{findings, parse};
    use super::*;

    fn rules(text: &str) -> Vec<FactorRule> {
        let policy = parse("test.toml", text).unwrap().policy_at(None, SensorTier::Rgb);
        policy.factors.any_of
    }

    fn refused(text: &str, part: &str) {
        let error = parse("test.toml", text).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("test.toml"), "{text:?} gave {error:?}");
    }

    #[test]
    fn without_the_section_the_usual_rules_count() {
        assert_eq!(rules("[claim]\n"), FactorRules::default().any_of);
    }

    #[test]
    fn every_key_of_a_rule_reaches_the_policy() {
        let read = rules(
            "[[factors.rule]]\nneeds=['face','claim','card-shown','fresh-code','card-pin']\n\
             [[factors.rule]]\nneeds=['card-pin']\ndaily='18:00-24:00'\nmode='shelter'\nplace='door'\n\
             assurance='photo-matched'\n\
             [[factors.rule]]\nneeds=['fresh-code']\nmode='normal'\nplace='counter'\nassurance='jpki-verified'\n\
             [factors.rule.hours]\nmonday='09:00-17:00'\ntuesday='closed'\nwednesday='closed'\n\
             thursday='closed'\nfriday='closed'\nsaturday='closed'\nsunday='closed'\n",
        );
        let mut monday = Schedule { week: [None; 7], closed: Vec::new() };
        monday.week[0] = Some((540, 1_020));
        let expected = [
            FactorRule::always(Factor::ALL.into_iter().collect()),
            FactorRule {
                needs: FactorSet::of(&[Factor::CardPin]),
                hours: Schedule { week: [Some((1_080, 1_440)); 7], closed: Vec::new() },
                mode: Some(Mode::Shelter),
                place: Place::Door,
                assurance: Assurance::PhotoMatched,
            },
            FactorRule {
                needs: FactorSet::of(&[Factor::FreshCode]),
                hours: monday,
                mode: Some(Mode::Normal),
                place: Place::Counter,
                assurance: Assurance::JpkiVerified,
            },
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_what_is_allowed() {
        refused("[factors]\nrule=[]\n", "1 to 32 rules are");
        refused("[factors]\n", "missing field `rule`");
        refused("[[factors.rule]]\nneeds=[]\n", "at least one factor");
        refused("[[factors.rule]]\nneeds=['face','face']\n", "each once");
        refused("[[factors.rule]]\nneeds=['finger']\n", "`fresh-code`");
        refused("[[factors.rule]]\nneeds='face'\n", "needs");
        refused("[[factors.rule]]\nneeds=['face']\ndoor=1\n", "`place`");
        refused("[[factors.rule]]\nneeds=['face']\ndaily='22:00-06:00'\n", "daily of factors.rule number 1");
        refused("[[factors.rule]]\nneeds=['face']\nplace='gate'\n", "`counter`");
        refused("[[factors.rule]]\nneeds=['face']\n[factors.rule.hours]\nmonday='closed'\n", "missing field");
        let week = "monday='closed'\ntuesday='closed'\nwednesday='closed'\nthursday='closed'\n\
                    friday='closed'\nsaturday='closed'\nsunday='closed'\n";
        let both = format!("[[factors.rule]]\nneeds=['face']\ndaily='closed'\n[factors.rule.hours]\n{week}");
        refused(&both, "not both");
        refused(&"[[factors.rule]]\nneeds=['face']\n".repeat(33), "1 to 32 rules are");
    }

    #[test]
    fn what_is_wrong_with_rules_is_said_in_japanese_too() {
        let text = "[[factors.rule]]\nneeds=['card-shown']\n[[factors.rule]]\nneeds=['card-shown','face']\n\
                    [[factors.rule]]\nneeds=['fresh-code']\nplace='counter'\n";
        let policy = parse("test.toml", text).unwrap().policy_at(Some(gate::DoorId(0)), SensorTier::Rgb);
        let told = findings(&policy);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|it| !it.fatal && !it.japanese.is_ascii()));
        let counter = "[[factors.rule]]\nneeds=['face']\nplace='counter'\n";
        let policy = parse("test.toml", counter).unwrap().policy_at(Some(gate::DoorId(0)), SensorTier::Rgb);
        assert!(findings(&policy)[0].fatal, "nobody comes in at a door");
    }
}
