//! Whoever was erased stays closed, to somebody who holds every file, every key and all that was ever said.

#![allow(missing_docs, clippy::unwrap_used)]

use ledger::GroupId;
use tests::city::{
    Door, Programs, Road,
    search::{Needle, in_files},
    thief::{Loot, Mark, Way},
    vault::known_of,
};

#[test]
fn whoever_is_erased_at_a_kiosk_alone_stands_in_no_page_of_its_vault_freed_or_not() {
    let folder = tempfile::TempDir::new().unwrap();
    let programs = Programs::here().unwrap();
    let door = Door::prepare("alone", folder.path(), &programs, Road::to(9).unwrap(), true).unwrap();
    let enrol = |name: &str, photo: &str| {
        let photo = programs.photo(photo).unwrap().to_string_lossy().into_owned();
        let enrolled = door.ask(&["enrol", "--name", name, "--photo", &photo]).unwrap();
        enrolled[0]["person"].as_str().unwrap().to_owned()
    };
    let (gone, stays) = (enrol("見本 太郎", "person-a-1.jpg"), enrol("見本 花子", "person-b-1.jpg"));
    let known = [&gone, &stays].map(|person| known_of(&door.data(), person).unwrap());
    let stands = |which: usize| {
        let known = &known[which];
        let mark =
            Mark { tenant: String::new(), group: GroupId([0; 16]), key_id: known.key_id, key: known.key };
        let mut loot = Loot::default();
        loot.take_vault(&door.data()).unwrap();
        let dump = folder.path().join("dump");
        loot.write_to(&dump).unwrap();
        let needles = [
            Needle::new("name", known.name.as_bytes()).unwrap(),
            Needle::new("template", &known.template[..64]).unwrap(),
        ];
        let found = in_files(&dump, &needles).unwrap();
        (
            loot.ways_to(&mark).contains(&Way::Plain),
            found.iter().map(|it| it.what.clone()).collect::<Vec<_>>(),
        )
    };
    assert!(stands(0).0, "the control: before the erasure the key is found");
    assert!(stands(0).1.contains(&"name".to_owned()) && stands(0).1.contains(&"template".to_owned()));
    door.ask(&["person", "erase", &gone, "--yes"]).unwrap();
    assert_eq!(stands(0), (false, Vec::new()));
    assert!(stands(1).0 && stands(1).1.len() == 2, "who was not erased is there");
}
