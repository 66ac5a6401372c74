//! The cards under `models/cards`: which files belong in `assets/fetched`, and the command that has them there.
//!
//! Cards under `models/cards/optional` are of networks whose licence allows less than a door needs. They are fetched only
//! by name, into a folder that no program but the benchmarks reads.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::client::Clients;
use crate::failure::{At, Failure};
use crate::fetch::{self, FetchError, Item, Outcome};
use crate::pin::Pin;
use crate::place::Place;
use crate::process::say;
use crate::python;

/// The one card that pins pictures, many to a file.
const PHOTOGRAPHS: &str = "photographs.toml";

#[derive(Deserialize)]
struct Photographs {
    photograph: Vec<Pin>,
}

/// What a person should know before an optional network is fetched.
#[derive(Deserialize)]
struct Terms {
    id: String,
    licence: String,
    origin: String,
    training_data: String,
}

/// Has every model and photograph in place, and the optional networks `with`, checked by both hashes.
pub(crate) fn fetch_all(place: &Place, with: &[String]) -> Result<(), Failure> {
    let items = items(place, with)?;
    if items.iter().all(|item| fetch::verify(item).is_ok()) {
        say(&format!(
            "models and photographs: all {} files are in place and are what their cards say",
            items.len()
        ));
        return Ok(());
    }
    let clients = Clients { python: python::environment(place)? };
    let mut fetched = 0;
    for item in &items {
        match fetch::fetch(item, &place.cache, &clients).map_err(message)? {
            Outcome::Fetched => fetched += 1,
            Outcome::AlreadyThere => {}
        }
    }
    say(&format!(
        "models and photographs: {} files are in place, {fetched} of them put there now",
        items.len()
    ));
    Ok(())
}

/// Looks at every file, fetches nothing, and names all that is absent or wrong.
pub(crate) fn verify_all(place: &Place, with: &[String]) -> Result<(), Failure> {
    let items = items(place, with)?;
    let wrong: Vec<String> =
        items.iter().filter_map(|item| fetch::verify(item).err()).map(|e| e.to_string()).collect();
    if wrong.is_empty() {
        say(&format!("models and photographs: all {} files are what their cards say", items.len()));
        return Ok(());
    }
    Err(Failure::new(wrong.join("\n")))
}

fn message(error: FetchError) -> Failure {
    Failure::new(error.to_string())
}

/// Every file that a card pins, in the order of the cards' names, and those of the optional cards `with`.
fn items(place: &Place, with: &[String]) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    for card in &cards_in(&place.root.join("models/cards"))? {
        items.extend(read(place, card)?);
    }
    let optional = place.root.join("models/cards/optional");
    for network in with {
        items.push(optional_item(place, &optional, network)?);
    }
    Ok(items)
}

fn cards_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut cards: Vec<PathBuf> = fs::read_dir(folder)
        .at("list the cards in", folder)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    cards.sort();
    Ok(cards)
}

/// The file of the optional card whose file or whose own name is `network`, after its terms were shown.
fn optional_item(place: &Place, folder: &Path, network: &str) -> Result<Item, Failure> {
    let mut names = Vec::new();
    for card in &cards_in(folder)? {
        let shown = card.strip_prefix(&place.root).unwrap_or(card).display().to_string();
        let unreadable = |cause| Failure::new(format!("{shown}: {cause}"));
        let text = fs::read_to_string(card).at("read", card)?;
        let pin: Pin = toml::from_str(&text).map_err(unreadable)?;
        let terms: Terms = toml::from_str(&text).map_err(unreadable)?;
        let name = pin.file.as_str().trim_end_matches(".onnx").to_owned();
        if network == name || network == terms.id {
            say(&format!(
                "{name} ({}): {}. Trained on: {}",
                terms.origin, terms.licence, terms.training_data
            ));
            return Ok(Item { card: shown, pin, folder: place.fetched("optional") });
        }
        names.push(name);
    }
    Err(Failure::new(format!("there is no optional network `{network}`; there is {}", names.join(", "))))
}

fn read(place: &Place, card: &Path) -> Result<Vec<Item>, Failure> {
    let text = fs::read_to_string(card).at("read", card)?;
    let photographs = card.ends_with(PHOTOGRAPHS);
    let pins = if photographs {
        toml::from_str::<Photographs>(&text).map(|list| list.photograph)
    } else {
        toml::from_str::<Pin>(&text).map(|pin| vec![pin])
    };
    let shown = card.strip_prefix(&place.root).unwrap_or(card).display().to_string();
    let pins = pins.map_err(|cause| Failure::new(format!("{shown}: {cause}")))?;
    let folder = place.fetched(if photographs { "photos" } else { "models" });
    Ok(pins.into_iter().map(|pin| Item { card: shown.clone(), pin, folder: folder.clone() }).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_cards_of_this_repository_can_be_read() {
        let items = items(&Place::here(), &[]).unwrap();
        let names: Vec<&str> = items.iter().map(|item| item.pin.file.as_str()).collect();
        assert!(names.contains(&"face_recognition_sface_2021dec.onnx"), "{names:?}");
        assert!(names.contains(&"person-a-1.jpg"), "{names:?}");
        let mut destinations: Vec<PathBuf> = items.iter().map(Item::destination).collect();
        destinations.sort();
        destinations.dedup();
        assert_eq!(destinations.len(), items.len(), "two cards claim one file: {names:?}");
    }

    #[test]
    fn an_optional_network_is_fetched_only_by_name_and_lies_apart() {
        let place = Place::here();
        let files = |with: &[String]| -> Vec<PathBuf> {
            items(&place, with).unwrap().iter().map(Item::destination).collect()
        };
        let usual = files(&[]);
        let asked = files(&["w600k_mbf".to_owned()]);
        assert_eq!(asked[..usual.len()], usual);
        assert_eq!(asked[usual.len()..], [place.fetched("optional").join("w600k_mbf.onnx")]);
        let message = items(&place, &["w601k".to_owned()]).unwrap_err().to_string();
        assert!(message.contains("w601k") && message.contains("w600k_mbf"), "{message}");
    }

    #[test]
    fn a_card_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let cards = folder.path().join("models/cards");
        fs::create_dir_all(&cards).unwrap();
        fs::write(cards.join("torn.toml"), "file = 'net.onnx'\n").unwrap();
        let place = Place { root: folder.path().to_owned(), cache: folder.path().join("cache") };
        let message = verify_all(&place, &[]).unwrap_err().to_string();
        assert!(message.contains("models/cards/torn.toml") && message.contains("sha256"), "{message}");
    }
}
