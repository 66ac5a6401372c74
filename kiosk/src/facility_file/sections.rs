//! The sections of a facility's file as they are written: keys with units, words in kebab-case. What is left out has the
//! value of [`Policy::default`] and [`Retention::default`], which are the only places where it is told.

use std::time::Duration;

use gate::{
    Admits, AgeRule, ClaimRule, DoorTimes, FaceAlone, FaceRules, Facility, Greeting, InsideRule, PartyRule,
    Policy, SchoolStage,
};
use serde::{Deserialize, Deserializer};
use store::Retention;
use toml::value::Datetime;

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Whole {
    pub(super) admission: Admission,
    pub(super) hours: Option<Hours>,
    pub(super) fee: Vec<Fee>,
    pub(super) face: Face,
    pub(super) face_alone: FaceAloneRules,
    pub(super) factors: Option<super::factors::Factors>,
    pub(super) claim: Claim,
    pub(super) codes: Codes,
    pub(super) card_photo: super::card_photo::CardPhoto,
    pub(super) visit: Visit,
    pub(super) door: Door,
    pub(super) retention: Days,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Admission {
    #[serde(with = "AdmitsWord")]
    pub(super) admits: Admits,
    #[serde(with = "PartyWord")]
    pub(super) party: PartyRule,
    #[serde(with = "InsideWord")]
    pub(super) inside: InsideRule,
    pub(super) longest_stay_h: u64,
    pub(super) attributes_fresh_days: u64,
    #[serde(with = "AgeWord")]
    pub(super) age: AgeRule,
    pub(super) names: bool,
    #[serde(with = "GreetingWord")]
    pub(super) greeting: Greeting,
    pub(super) kiosks: u64,
    pub(super) utc_offset_min: i64,
}

impl Default for Admission {
    fn default() -> Self {
        let usual = Facility::default();
        Self {
            admits: usual.admits,
            party: usual.party,
            inside: usual.inside,
            longest_stay_h: usual.longest_stay.as_secs() / 3_600,
            attributes_fresh_days: usual.attributes_fresh_days.into(),
            age: usual.age,
            names: usual.names,
            greeting: usual.greeting,
            kiosks: usual.kiosks.into(),
            utc_offset_min: usual.offset_minutes.into(),
        }
    }
}

/// All seven days or no section at all: a forgotten Saturday would otherwise be open or closed without anybody's will.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hours {
    pub(super) monday: String,
    pub(super) tuesday: String,
    pub(super) wednesday: String,
    pub(super) thursday: String,
    pub(super) friday: String,
    pub(super) saturday: String,
    pub(super) sunday: String,
    #[serde(default)]
    pub(super) closed: Vec<Datetime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fee {
    pub(super) id: String,
    pub(super) yen: u64,
    pub(super) ja: String,
    pub(super) easy: String,
    pub(super) en: String,
    pub(super) resident: Option<bool>,
    pub(super) from_age: Option<u64>,
    pub(super) below_age: Option<u64>,
    #[serde(default, deserialize_with = "school")]
    pub(super) school: Option<SchoolStage>,
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Face {
    pub(super) frames: u64,
    pub(super) attempts: u64,
    pub(super) pad_floor: f64,
    pub(super) target_fpir: f64,
    pub(super) margin: f64,
    pub(super) patience_s: u64,
    pub(super) absence_ms: u64,
    pub(super) freshness_ms: u64,
}

impl Default for Face {
    fn default() -> Self {
        let usual = Policy::default();
        Self {
            frames: usual.frames.into(),
            attempts: usual.attempts.into(),
            pad_floor: plain(usual.pad_floor),
            target_fpir: usual.target_fpir,
            margin: plain(usual.margin),
            patience_s: usual.patience.as_secs(),
            absence_ms: milliseconds(usual.absence),
            freshness_ms: milliseconds(usual.freshness),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FaceAloneRules {
    #[serde(with = "FaceAloneWord")]
    pub(super) simulated: FaceAlone,
    #[serde(with = "FaceAloneWord")]
    pub(super) rgb: FaceAlone,
    #[serde(with = "FaceAloneWord")]
    pub(super) nir: FaceAlone,
    #[serde(with = "FaceAloneWord")]
    pub(super) depth: FaceAlone,
    #[serde(with = "FaceAloneWord")]
    pub(super) counter: FaceAlone,
    #[serde(with = "FaceAloneWord")]
    pub(super) registry_old: FaceAlone,
}

impl Default for FaceAloneRules {
    fn default() -> Self {
        let FaceRules { simulated, rgb, nir, depth, counter, registry_old } = FaceRules::default();
        Self { simulated, rgb, nir, depth, counter, registry_old }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Claim {
    pub(super) target_fmr: f64,
    pub(super) patience_s: u64,
    pub(super) reader_patience_s: u64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Codes {
    pub(super) site: String,
    pub(super) zone: u64,
    pub(super) old_denylist_counts: bool,
}

impl Default for Claim {
    fn default() -> Self {
        let usual = ClaimRule::default();
        Self {
            target_fmr: usual.target_fmr,
            patience_s: usual.patience.as_secs(),
            reader_patience_s: usual.reader_patience.as_secs(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Visit {
    pub(super) outcome_shown_s: u64,
    pub(super) grant_life_ms: u64,
    pub(super) refusals_before_pause: u64,
    pub(super) pause_s: u64,
    pub(super) longest_pause_s: u64,
}

impl Default for Visit {
    fn default() -> Self {
        let usual = Policy::default();
        Self {
            outcome_shown_s: usual.outcome_shown.as_secs(),
            grant_life_ms: milliseconds(usual.grant_life),
            refusals_before_pause: usual.refusals_before_pause.into(),
            pause_s: usual.pause.as_secs(),
            longest_pause_s: usual.longest_pause.as_secs(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Door {
    pub(super) open_within_s: u64,
    pub(super) held_open_s: u64,
    pub(super) exit_within_s: u64,
}

impl Default for Door {
    fn default() -> Self {
        let usual = DoorTimes::default();
        Self {
            open_within_s: usual.open_within.as_secs(),
            held_open_s: usual.held_open.as_secs(),
            exit_within_s: usual.exit_within.as_secs(),
        }
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Days {
    pub(super) decisions_days: u64,
    pub(super) refusals_days: u64,
    pub(super) visits_person_days: u64,
    pub(super) accesses_days: u64,
    pub(super) removed_staff_days: u64,
}

impl Default for Days {
    fn default() -> Self {
        let usual = Retention::default();
        Self {
            decisions_days: usual.decisions_days.into(),
            refusals_days: usual.refusals_days.into(),
            visits_person_days: usual.visits_person_days.into(),
            accesses_days: usual.accesses_days.into(),
            removed_staff_days: usual.removed_staff_days.into(),
        }
    }
}

fn milliseconds(span: Duration) -> u64 {
    span.as_millis().try_into().expect("the defaults are seconds")
}

/// The decimal number that stands for a 32-bit float in our sources: 0.08, not 0.07999999821186066.
fn plain(number: f32) -> f64 {
    number.to_string().parse().expect("a number's text is a number")
}

#[derive(Deserialize)]
#[serde(remote = "Admits", rename_all = "kebab-case")]
enum AdmitsWord {
    EveryEnrolee,
    Entitled,
}

#[derive(Deserialize)]
#[serde(remote = "PartyRule", rename_all = "kebab-case")]
enum PartyWord {
    OnePerson,
    Household,
}

#[derive(Deserialize)]
#[serde(remote = "InsideRule", rename_all = "kebab-case")]
enum InsideWord {
    WelcomeAgain,
    Refuse,
}

#[derive(Deserialize)]
#[serde(remote = "AgeRule", rename_all = "kebab-case")]
enum AgeWord {
    OnBirthday,
    OnTheEve,
}

#[derive(Deserialize)]
#[serde(remote = "Greeting", rename_all = "kebab-case")]
enum GreetingWord {
    Enter,
    Board,
}

#[derive(Deserialize)]
#[serde(remote = "FaceAlone", rename_all = "kebab-case")]
enum FaceAloneWord {
    Opens,
    OpensAfterTurn,
    NeedsClaim,
}

#[derive(Deserialize)]
#[serde(remote = "SchoolStage", rename_all = "kebab-case")]
enum SchoolWord {
    Preschool,
    Elementary,
    JuniorHigh,
    HighSchool,
    Beyond,
}

/// `remote` knows no `Option`; a key that is there has a word.
fn school<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SchoolStage>, D::Error> {
    SchoolWord::deserialize(from).map(Some)
}
