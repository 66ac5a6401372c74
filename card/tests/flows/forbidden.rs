//! What must not exist: the individual number's files and secrets.

use std::path::Path;

use card::{Application, File, Secret};

use crate::hostile::every_flow;
use crate::mini::MiniCard;

/// The files and secrets of the individual number, by application.
const FORBIDDEN: [(Application, u16); 4] = [
    (Application::Text, 0x01),
    (Application::Text, 0x14),
    (Application::Surface, 0x05),
    (Application::Surface, 0x13),
];

#[test]
fn no_table_names_the_individual_number() {
    let files = File::ALL.iter().map(|it| (it.application(), it.identifier()));
    let secrets = Secret::ALL.iter().map(|it| (it.application(), it.identifier()));
    for named in files.chain(secrets) {
        assert!(!FORBIDDEN.contains(&named), "{named:04X?}");
    }
}

#[test]
fn no_flow_selects_it() {
    let mut card = MiniCard::new();
    every_flow(&mut card, |_, _, end| assert_eq!(end, None));
    let mut application = None;
    for told in card.told.iter().filter(|it| it[1] == 0xA4) {
        if told[2] == 4 {
            application = Application::ALL.into_iter().find(|it| it.identifier() == &told[5..]);
            assert!(application.is_some(), "{told:02X?}");
        } else {
            let id = u16::from_be_bytes([told[5], told[6]]);
            assert!(!FORBIDDEN.contains(&(application.unwrap(), id)), "{told:02X?}");
        }
    }
}

#[test]
fn the_sources_know_no_such_identifier_and_keep_all_others_in_one_place() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap().to_lowercase();
        seen += 1;
        for forbidden in ["0x0001", "0x0005", "0x0013", "0x0014", "照合番号a"] {
            assert!(!source.contains(forbidden), "{}: {forbidden}", path.display());
        }
        let identifiers = source.match_indices("0x00").filter(|(at, _)| {
            let digits = source[at + 2..].bytes().take_while(u8::is_ascii_hexdigit).count();
            digits == 4
        });
        let place = path.ends_with("applications.rs");
        assert!(place || identifiers.count() == 0, "{}: an identifier outside the table", path.display());
    }
    assert!(seen > 10);
}
