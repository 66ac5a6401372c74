//! What people agree to, and who agreed to what. A consent names the version of the text and keeps the digest of all its
//! languages as it was; a version that somebody agreed to is never changed.

use ledger::{Kind, Value};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    PeopleError,
    pen::{Known, Pen},
    registrations::Person,
};
use crate::{
    bytes::random,
    db::Cell,
    operators::{May, Operator},
};

/// Characters of a version.
const MAX_VERSION: usize = 40;
/// Bytes of one language of a text: a few printed pages.
const MAX_TEXT: usize = 64 * 1024;

/// In which language a text was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Language {
    /// 日本語.
    #[default]
    Japanese,
    /// やさしい日本語.
    Easy,
    /// English.
    English,
}

/// Who agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum GivenBy {
    /// The person.
    #[default]
    Person,
    /// The representative of the household.
    Representative,
    /// A parent or guardian who is not registered here.
    Guardian,
}

/// A consent to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Consent {
    /// The version of the text.
    pub(crate) version: String,
    /// The language in which it was read.
    #[serde(default)]
    pub(crate) language: Language,
    /// Who agreed.
    #[serde(default)]
    pub(crate) given_by: GivenBy,
}

/// A text to agree to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentText {
    /// Its version, for instance `2026-11`.
    pub(crate) version: String,
    /// 日本語.
    pub(crate) japanese: String,
    /// やさしい日本語.
    pub(crate) easy: String,
    /// English.
    pub(crate) english: String,
}

impl Language {
    fn word(self) -> &'static str {
        match self {
            Self::Japanese => "japanese",
            Self::Easy => "easy",
            Self::English => "english",
        }
    }
}

impl GivenBy {
    fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Representative => "representative",
            Self::Guardian => "guardian",
        }
    }
}

impl ConsentText {
    /// SHA-256 over version and languages, each with its length before it; the kiosk's is the same.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.version, &self.japanese, &self.easy, &self.english] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }

    fn check(&self) -> Result<(), PeopleError> {
        let version = &self.version;
        if !(1..=MAX_VERSION).contains(&version.chars().count()) || version.chars().any(char::is_control) {
            return Err(PeopleError::Unusable("a version has 1 to 40 characters and no line breaks"));
        }
        let languages = [&self.japanese, &self.easy, &self.english];
        if languages.iter().any(|text| text.trim().is_empty() || text.len() > MAX_TEXT) {
            return Err(PeopleError::Unusable(
                "a text is needed in Japanese, easy Japanese and English, each at most 64 KiB",
            ));
        }
        Ok(())
    }
}

/// Keeps a text, and states it to every facility. The very same again changes nothing.
pub(crate) fn add_text(pen: &mut dyn Pen, who: &Operator, text: &ConsentText) -> Result<(), PeopleError> {
    if !who.may_everywhere(May::Arrange) {
        return Err(PeopleError::NotAllowed);
    }
    text.check()?;
    let digest = text.digest();
    match digest_of(pen, &text.version)? {
        Some(kept) if kept == digest => return Ok(()),
        Some(_) => {
            return Err(PeopleError::Conflict(
                "this version is there with another text; give it a new version",
            ));
        }
        None => {}
    }
    let row = [
        text.version.as_str().into(),
        text.japanese.as_str().into(),
        text.easy.as_str().into(),
        text.english.as_str().into(),
        digest.into(),
        Cell::from(pen.now_ms()),
    ];
    let insert = "INSERT INTO consent_texts (version, japanese, easy, english, digest, added_ms)
                  VALUES ($1, $2, $3, $4, $5, $6)";
    pen.sql().execute(insert, &row)?;
    for (facility, _) in super::registrations::facilities(pen)? {
        let fields = vec![
            ("version", Value::text(&text.version)),
            ("digest", Value::bytes(digest)),
            ("by", Value::Null),
        ];
        pen.say(facility, Kind::ConsentText, fields, None)?;
    }
    Ok(())
}

/// Every text, in the order of versions.
pub(crate) fn texts(pen: &mut dyn Pen) -> Result<Vec<ConsentText>, PeopleError> {
    let text = "SELECT version, japanese, easy, english FROM consent_texts ORDER BY version";
    let rows = pen.sql().query(text, &[])?;
    let read = |row: &Vec<Cell>| {
        let text = |at: usize| row[at].text().map(str::to_owned);
        Ok(ConsentText { version: text(0)?, japanese: text(1)?, easy: text(2)?, english: text(3)? })
    };
    rows.iter().map(read).collect()
}

/// Keeps a consent, and states it at every facility of the person.
pub(crate) fn give(
    pen: &mut dyn Pen,
    who: &Operator,
    person: Person,
    known: &[Known],
    consent: &Consent,
) -> Result<(), PeopleError> {
    let digest = digest_of(pen, &consent.version)?;
    let digest = digest.ok_or(PeopleError::Unusable("no text has this version; add the text first"))?;
    let (language, given_by) = (consent.language.word(), consent.given_by.word());
    let row = [
        random::<16>()?.into(),
        person.0.into(),
        consent.version.as_str().into(),
        digest.into(),
        language.into(),
        given_by.into(),
        who.name.as_str().into(),
        Cell::from(pen.now_ms()),
    ];
    let text =
        "INSERT INTO consents (consent, person, version, digest, language, given_by, operator, given_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    pen.sql().execute(text, &row)?;
    for known in known {
        let fields = vec![
            ("person", Value::bytes(known.enrolee.0)),
            ("version", Value::text(&consent.version)),
            ("digest", Value::bytes(digest)),
            ("language", Value::text(language)),
            ("given_by", Value::text(given_by)),
            ("by", Value::Null),
        ];
        pen.say(known.facility, Kind::Consented, fields, None)?;
    }
    Ok(())
}

fn digest_of(pen: &mut dyn Pen, version: &str) -> Result<Option<[u8; 32]>, PeopleError> {
    let rows = pen.sql().query("SELECT digest FROM consent_texts WHERE version = $1", &[version.into()])?;
    Ok(rows.first().map(|row| row[0].array()).transpose()?)
}
