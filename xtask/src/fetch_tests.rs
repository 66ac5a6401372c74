//! A fake client hands out real archives; `unzip` and `tar` take them apart.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;

use super::*;

/// `carrier/net.onnx` ("abc") and `carrier/photo.jpg`.
const WHEEL: &[u8] = include_bytes!("fixtures/two-members.zip");

/// Serves the same bytes for every package, or nothing; counts how often it was asked.
struct Fake {
    served: Option<Vec<u8>>,
    asked: Cell<u32>,
}

impl Client for Fake {
    fn download(&self, _: &Package, into: &Path) -> Result<PathBuf, String> {
        self.asked.set(self.asked.get() + 1);
        let bytes = self.served.as_ref().ok_or("no route to host")?;
        let archive = into.join("archive");
        fs::write(&archive, bytes).unwrap();
        Ok(archive)
    }
}

fn serving(bytes: &[u8]) -> Fake {
    Fake { served: Some(bytes.to_vec()), asked: Cell::new(0) }
}

fn offline() -> Fake {
    Fake { served: None, asked: Cell::new(0) }
}

/// A machine with an empty cache and an empty folder of models.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    fn item(&self, registry: &str, archive: &[u8], member: &str, content: &[u8]) -> Item {
        let (sha256, archive_sha256) = (Digest::of(content), Digest::of(archive));
        let text = format!(
            "file = 'net.onnx'\nsha256 = '{sha256}'\n[package]\nregistry = '{registry}'\nname = 'carrier'\n\
             version = '0.1.1'\narchive_sha256 = '{archive_sha256}'\nmember = '{member}'"
        );
        let pin = toml::from_str(&text).unwrap();
        Item { card: "models/cards/net.toml".to_owned(), pin, folder: self.models() }
    }

    /// The item that [`WHEEL`] satisfies.
    fn good(&self) -> Item {
        self.item("pypi", WHEEL, "carrier/net.onnx", b"abc")
    }

    fn in_place(&self) -> Vec<String> {
        names(&self.models())
    }

    fn kept_archives(&self) -> Vec<String> {
        names(&self.cache().join("archives"))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Fetching must fail, put nothing in place and leave no temporary folder; gives back the message.
fn refused(machine: &Machine, item: &Item, client: &Fake) -> String {
    let message = fetch(item, &machine.cache(), client).unwrap_err().to_string();
    assert_eq!(machine.in_place(), Vec::<String>::new(), "{message}");
    assert!(!names(&machine.cache()).iter().any(|name| name.starts_with("temporary")), "{message}");
    assert!(message.contains("models/cards/net.toml"), "{message}");
    message
}

fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn only_the_named_member_of_a_checked_archive_is_put_in_place() {
    let (machine, client) = (Machine::new(), serving(WHEEL));
    assert_eq!(fetch(&machine.good(), &machine.cache(), &client).unwrap(), Outcome::Fetched);
    assert_eq!(machine.in_place(), ["net.onnx"]);
    assert_eq!(fs::read(machine.good().destination()).unwrap(), b"abc");
    assert!(verify(&machine.good()).is_ok());
}

#[test]
fn a_tarball_of_npm_is_taken_apart_too() {
    let machine = Machine::new();
    let sources = machine.folder.path().join("package/model");
    fs::create_dir_all(&sources).unwrap();
    fs::write(sources.join("net.onnx"), b"abc").unwrap();
    fs::write(sources.join("other.onnx"), b"not asked for").unwrap();
    let packed = Command::new("tar").arg("-czC").arg(machine.folder.path()).arg("package").output().unwrap();
    let item = machine.item("npm", &packed.stdout, "package/model/net.onnx", b"abc");
    assert_eq!(fetch(&item, &machine.cache(), &serving(&packed.stdout)).unwrap(), Outcome::Fetched);
    assert_eq!(machine.in_place(), ["net.onnx"]);
}

#[test]
fn what_is_already_right_is_not_fetched_again() {
    let (machine, client) = (Machine::new(), serving(WHEEL));
    fetch(&machine.good(), &machine.cache(), &client).unwrap();
    assert_eq!(fetch(&machine.good(), &machine.cache(), &client).unwrap(), Outcome::AlreadyThere);
    assert_eq!(client.asked.get(), 1);
}

#[test]
fn a_kept_archive_serves_without_a_network() {
    let machine = Machine::new();
    fetch(&machine.good(), &machine.cache(), &serving(WHEEL)).unwrap();
    fs::remove_file(machine.good().destination()).unwrap();
    assert_eq!(fetch(&machine.good(), &machine.cache(), &offline()).unwrap(), Outcome::Fetched);
}

#[test]
fn a_damaged_kept_archive_is_fetched_again() {
    let (machine, client) = (Machine::new(), serving(WHEEL));
    fetch(&machine.good(), &machine.cache(), &client).unwrap();
    fs::write(machine.cache().join("archives").join(Digest::of(WHEEL).to_string()), b"damaged").unwrap();
    fs::remove_file(machine.good().destination()).unwrap();
    assert_eq!(fetch(&machine.good(), &machine.cache(), &client).unwrap(), Outcome::Fetched);
    assert_eq!(client.asked.get(), 2);
}

#[test]
fn another_archive_than_the_pinned_one_is_refused_and_named() {
    let machine = Machine::new();
    // The member inside would be right: the archive alone is reason enough.
    let item = machine.item("pypi", b"the archive that was examined", "carrier/net.onnx", b"abc");
    let message = refused(&machine, &item, &serving(WHEEL));
    let expected = Digest::of(b"the archive that was examined").to_string();
    assert_says(
        &message,
        &["carrier 0.1.1 (PyPI)", "archive_sha256", &expected, &Digest::of(WHEEL).to_string()],
    );
    assert_eq!(machine.kept_archives(), Vec::<String>::new());
}

#[test]
fn another_member_than_the_pinned_one_is_refused_and_named() {
    let machine = Machine::new();
    let item = machine.item("pypi", WHEEL, "carrier/net.onnx", b"what the card expects");
    let message = refused(&machine, &item, &serving(WHEEL));
    let expected = Digest::of(b"what the card expects").to_string();
    assert_says(&message, &["net.onnx", "(sha256)", &expected, &Digest::of(b"abc").to_string()]);
}

#[test]
fn a_member_that_is_not_in_the_archive_is_named() {
    let machine = Machine::new();
    let item = machine.item("pypi", WHEEL, "carrier/absent.onnx", b"abc");
    assert_says(&refused(&machine, &item, &serving(WHEEL)), &["carrier 0.1.1 (PyPI)", "carrier/absent.onnx"]);
}

#[test]
fn without_a_network_the_message_says_what_to_do() {
    let machine = Machine::new();
    let message = refused(&machine, &machine.good(), &offline());
    let place = machine.cache().join("archives").join(Digest::of(WHEEL).to_string());
    assert_says(&message, &["carrier 0.1.1", "no route to host", "online", &place.display().to_string()]);
}

#[test]
fn a_wrong_file_in_place_is_replaced_and_does_not_stay_when_it_cannot_be() {
    let machine = Machine::new();
    fs::create_dir_all(machine.models()).unwrap();
    fs::write(machine.good().destination(), b"tampered").unwrap();
    refused(&machine, &machine.good(), &offline());

    fs::write(machine.good().destination(), b"tampered").unwrap();
    fetch(&machine.good(), &machine.cache(), &serving(WHEEL)).unwrap();
    assert_eq!(fs::read(machine.good().destination()).unwrap(), b"abc");
}

#[test]
fn verifying_names_what_is_absent_or_wrong_and_changes_nothing() {
    let machine = Machine::new();
    assert_says(
        &verify(&machine.good()).unwrap_err().to_string(),
        &["net.toml", "not there", "cargo xtask models"],
    );
    fs::create_dir_all(machine.models()).unwrap();
    fs::write(machine.good().destination(), b"tampered").unwrap();
    let message = verify(&machine.good()).unwrap_err().to_string();
    assert_says(&message, &[&Digest::of(b"abc").to_string(), &Digest::of(b"tampered").to_string()]);
    assert_eq!(fs::read(machine.good().destination()).unwrap(), b"tampered");
}
