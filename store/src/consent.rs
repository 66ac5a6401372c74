//! What people agree to, and who agreed to what. A consent names the version of the text and keeps the digest of all its
//! languages as it was at that moment; so a text that was changed afterwards is found, whoever changed it.

use gate::{Now, PersonId, RecordId};
use ledger::Value;
use rusqlite::params;
use sha2::{Digest, Sha256};

use crate::{
    By, Store, StoreError, bodies,
    feeds::Batch,
    vault::{Enrolled, find},
    words::{Word, read_word},
};

/// Characters of a version.
const MAX_VERSION: usize = 40;
/// Bytes of one language of a text: a few printed pages.
const MAX_TEXT: usize = 64 * 1024;

/// A text to agree to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentText {
    /// Its version, for instance `2026-11`.
    pub version: String,
    /// 日本語.
    pub japanese: String,
    /// やさしい日本語.
    pub easy: String,
    /// English.
    pub english: String,
}

/// In which language a text was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConsentLanguage {
    /// 日本語.
    #[default]
    Japanese,
    /// やさしい日本語.
    Easy,
    /// English.
    English,
}

/// Who agreed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GivenBy {
    /// The person.
    #[default]
    Person,
    /// The representative of the household, for one of its members.
    Representative,
    /// A parent or guardian who is not registered here.
    Guardian,
}

/// A consent that somebody gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentGiven {
    /// The version of the text.
    pub version: String,
    /// The language in which it was read.
    pub language: ConsentLanguage,
    /// Who agreed.
    pub given_by: GivenBy,
}

/// A consent as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What was given.
    pub given: ConsentGiven,
    /// SHA-256 over the text as it was, see [`ConsentText::digest`].
    pub digest: [u8; 32],
    /// Whether the text that is kept under this version is still that one.
    pub text_unchanged: bool,
    /// Milliseconds since 1970; none if there was no clock.
    pub wall_ms: Option<i64>,
}

impl ConsentText {
    /// SHA-256 over version and languages, each with its length before it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.version, &self.japanese, &self.easy, &self.english] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into()
    }
}

impl Store {
    /// Keeps a text. One that nobody agreed to yet may still be corrected; afterwards the same version with another text is
    /// refused. Returns the record, or none if the very same text is there already.
    ///
    /// # Errors
    /// [`StoreError::ConsentTextChanged`], [`StoreError::UnusableConsentText`]; or the write failed.
    pub fn add_consent_text(
        &mut self,
        now: Now,
        text: &ConsentText,
        by: By,
    ) -> Result<Option<RecordId>, StoreError> {
        check(text)?;
        let digest = text.digest();
        self.write_or_not(now, |batch| {
            let sql = "SELECT digest FROM consent_texts WHERE version = ?1";
            let kept: Option<[u8; 32]> = batch.first(sql, [&text.version], |row| row.get(0))?;
            if kept == Some(digest) {
                return Ok((None, false));
            }
            let sql = "SELECT 1 FROM consents WHERE version = ?1 LIMIT 1";
            if batch.first(sql, [&text.version], |_| Ok(()))?.is_some() {
                return Err(StoreError::ConsentTextChanged(text.version.clone()));
            }
            let sql = "INSERT OR REPLACE INTO consent_texts (version, japanese, easy, english, digest)
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            batch.execute(sql, params![text.version, text.japanese, text.easy, text.english, digest])?;
            let fields = vec![
                ("version", Value::text(&text.version)),
                ("digest", Value::bytes(digest)),
                ("by", bodies::staff(by)),
            ];
            Ok((Some(batch.append("ConsentText", fields, None)?), true))
        })
    }

    /// Every text, in the order of versions; the last is what is offered.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn consent_texts(&self) -> Result<Vec<ConsentText>, StoreError> {
        let sql = "SELECT version, japanese, easy, english FROM consent_texts ORDER BY version";
        self.rows(sql, |row| {
            Ok(ConsentText {
                version: row.get(0)?,
                japanese: row.get(1)?,
                easy: row.get(2)?,
                english: row.get(3)?,
            })
        })
    }

    /// Records a consent of somebody who is enrolled.
    ///
    /// # Errors
    /// [`StoreError::UnknownPerson`], [`StoreError::Erased`], [`StoreError::UnknownConsentText`]; or the write failed.
    pub fn give_consent(
        &mut self,
        now: Now,
        person: PersonId,
        given: &ConsentGiven,
        by: By,
    ) -> Result<RecordId, StoreError> {
        self.write(now, |batch| {
            let of = find(batch, person)?;
            give(batch, &of, given, by)
        })
    }

    /// The consents of one person, oldest first.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn consents_of(&self, person: PersonId) -> Result<Vec<Consent>, StoreError> {
        let texts = self.consent_texts()?;
        let sql = "SELECT version, language, given_by, digest, wall_ms FROM consents
                   JOIN people ON people.number = consents.person
                   WHERE people.person = ?1 ORDER BY consents.number";
        self.rows_of(sql, [person.0], |row| {
            let given = ConsentGiven {
                version: row.get(0)?,
                language: read_word(row, 1)?,
                given_by: read_word(row, 2)?,
            };
            let digest = row.get(3)?;
            let text = texts.iter().find(|text| text.version == given.version);
            let text_unchanged = text.is_some_and(|text| text.digest() == digest);
            Ok(Consent { given, digest, text_unchanged, wall_ms: row.get(4)? })
        })
    }

    /// Everybody who agreed to a text that is no longer the one that is kept under its version, with that version. Nothing
    /// here changes such a text; whoever did went around the kiosk.
    ///
    /// # Errors
    /// The data file cannot be read.
    pub fn changed_consents(&self) -> Result<Vec<(PersonId, String)>, StoreError> {
        let texts = self.consent_texts()?;
        let sql = "SELECT people.person, version, digest FROM consents
                   JOIN people ON people.number = consents.person ORDER BY consents.number";
        let all = self.rows(sql, |row| {
            Ok((PersonId(row.get(0)?), row.get::<_, String>(1)?, row.get::<_, [u8; 32]>(2)?))
        })?;
        let changed = |version: &str, digest: [u8; 32]| {
            !texts.iter().any(|text| text.version == version && text.digest() == digest)
        };
        let found = all.into_iter().filter(|(_, version, digest)| changed(version, *digest));
        Ok(found.map(|(person, version, _)| (person, version)).collect())
    }
}

/// Keeps a consent, with the digest of its text.
pub(crate) fn give(
    batch: &mut Batch<'_>,
    of: &Enrolled,
    given: &ConsentGiven,
    by: By,
) -> Result<RecordId, StoreError> {
    let sql = "SELECT digest FROM consent_texts WHERE version = ?1";
    let digest: Option<[u8; 32]> = batch.first(sql, [&given.version], |row| row.get(0))?;
    let digest = digest.ok_or_else(|| StoreError::UnknownConsentText(given.version.clone()))?;
    let sql = "INSERT INTO consents (person, version, digest, language, given_by, staff, wall_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let (language, given_by) = (given.language.word(), given.given_by.word());
    let row = params![of.number, given.version, digest, language, given_by, by.bytes(), batch.wall_ms()];
    batch.execute(sql, row)?;
    let fields = vec![
        ("person", Value::bytes(of.person.0)),
        ("version", Value::text(&given.version)),
        ("digest", Value::bytes(digest)),
        ("language", Value::text(language)),
        ("given_by", Value::text(given_by)),
        ("by", bodies::staff(by)),
    ];
    batch.say(of, "Consented", fields, None)
}

fn check(text: &ConsentText) -> Result<(), StoreError> {
    let refuse = |why| Err(StoreError::UnusableConsentText(why));
    let version = &text.version;
    if version.is_empty() || version.chars().count() > MAX_VERSION || version.chars().any(char::is_control) {
        return refuse("a version has 1 to 40 characters and no line breaks");
    }
    let languages = [&text.japanese, &text.easy, &text.english];
    if languages.iter().any(|text| text.trim().is_empty()) {
        return refuse("it is needed in Japanese, easy Japanese and English");
    }
    if languages.iter().any(|text| text.len() > MAX_TEXT) {
        return refuse("one language has at most 64 KiB");
    }
    Ok(())
}

impl Word for ConsentLanguage {
    const ALL: &'static [Self] = &[Self::Japanese, Self::Easy, Self::English];

    fn word(self) -> &'static str {
        match self {
            Self::Japanese => "japanese",
            Self::Easy => "easy",
            Self::English => "english",
        }
    }
}

impl Word for GivenBy {
    const ALL: &'static [Self] = &[Self::Person, Self::Representative, Self::Guardian];

    fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Representative => "representative",
            Self::Guardian => "guardian",
        }
    }
}
