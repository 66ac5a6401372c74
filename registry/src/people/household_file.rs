//! A household in a file (TOML): the form that `kiosk household add` reads too.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Facts;

/// A household's file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HouseholdFile {
    /// Whether the household agreed that its names are shown.
    #[serde(default)]
    pub(crate) names_agreed: bool,
    /// Its members.
    pub(crate) member: Vec<MemberFile>,
}

/// A member in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberFile {
    pub(crate) name: String,
    /// Speaks for the household; exactly one does.
    #[serde(default)]
    pub(crate) representative: bool,
    /// Never shown, and not found through the family.
    #[serde(default)]
    pub(crate) protected: bool,
    /// Relative to the file; none for a newborn.
    #[serde(default)]
    pub(crate) photos: Vec<PathBuf>,
    /// The version of the text that was agreed to.
    pub(crate) consent: Option<String>,
    #[serde(default)]
    pub(crate) registered: Facts,
}

/// Reads a file. The error says where, and never quotes what stands there.
pub(crate) fn read(path: &Path) -> Result<HouseholdFile, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read {}: {error}; give a file of yours", path.display()))?;
    parse(&text).map_err(|why| format!("{}: {why}", path.display()))
}

fn parse(text: &str) -> Result<HouseholdFile, String> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_example_of_the_kiosk_is_a_household_for_the_registry() {
        let file = parse(include_str!("../../../assets/households/example.toml")).unwrap();
        assert_eq!(file.member.len(), 2);
        assert!(file.member[0].representative && !file.member[0].photos.is_empty());
        assert!(file.member[1].photos.is_empty(), "a newborn");
        assert!(file.member.iter().all(|it| it.registered.check().is_ok()));
    }

    #[test]
    fn a_wrong_word_is_named_with_its_line_and_without_the_name_beside_it() {
        let error = parse("[[member]]\nname = \"見本\"\nborn = \"1986-07-07\"").err().unwrap();
        assert!(error.starts_with("line 3") && !error.contains("見本"), "{error}");
    }
}
