//! Who stands at a simulated door: contacts and cards, by handle, by file and by FIFO.

#![allow(clippy::unwrap_used)]

mod place;

use std::{fs, io::Write, path::Path, time::Duration};

use boards::{
    CredentialKind, Input, Inputs, InputsError, Presented, Reader, ReaderError, SimInputs, SimReader,
    contract::{self, InputsSubject, ReaderSubject, clock},
    inputs::Contacts,
    lines::{Bias, Line, Lines, SimChip},
};
use place::{BOARD, Place};

#[test]
fn scripted_contacts_keep_the_contract_of_inputs() {
    contract::inputs(|| {
        let (inputs, contacts) = SimInputs::scripted(clock());
        InputsSubject {
            inputs: Box::new(inputs),
            wired: Input::ALL.to_vec(),
            play: Box::new(move |input, active| contacts.set(input, active)),
        }
    });
}

fn add_line(path: &Path, line: &str) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    writeln!(file, "{line}").unwrap();
}

fn make_fifo(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
}

/// A board whose contacts are in a file.
fn with_inputs(name: &str) -> String {
    format!("{BOARD}[inputs]\nkind = \"sim\"\npath = \"{name}\"\n")
}

#[test]
fn contacts_of_a_file_keep_the_contract_of_inputs() {
    contract::inputs(|| {
        let place = Place::new();
        let path = place.at("inputs.txt");
        fs::write(&path, "door open\nfire off\nrex\ndoor closed\ntamper off\n").unwrap();
        let inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
        let wired = vec![Input::DoorPosition, Input::FireContact, Input::Tamper, Input::RequestToExit];
        let play = move |input, active| {
            let _kept = &place;
            match (input, active) {
                (Input::DoorPosition, true) => add_line(&path, "door open"),
                (Input::DoorPosition, false) => add_line(&path, "door closed"),
                (Input::FireContact, true) => add_line(&path, "fire on"),
                (Input::FireContact, false) => add_line(&path, "fire off"),
                (Input::Tamper, true) => add_line(&path, "tamper on"),
                (Input::Tamper, false) => add_line(&path, "tamper off"),
                (Input::RequestToExit, true) => add_line(&path, "rex on"),
                (Input::RequestToExit, false) => add_line(&path, "rex off"),
            }
        };
        InputsSubject { inputs, wired, play: Box::new(play) }
    });
}

fn told(inputs: &mut dyn Inputs) -> Option<(Input, bool)> {
    let change = inputs.next(Duration::from_millis(400)).unwrap();
    change.map(|change| (change.input, change.active))
}

#[test]
fn an_input_that_the_file_never_named_is_not_there() {
    let place = Place::new();
    let path = place.at("inputs.txt");
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    assert_eq!(told(inputs.as_mut()), None, "the file is missing, which is nothing wrong");
    add_line(&path, "door closed");
    assert_eq!(told(inputs.as_mut()), Some((Input::DoorPosition, false)));
    add_line(&path, "door open");
    assert_eq!(told(inputs.as_mut()), Some((Input::DoorPosition, true)));
    assert_eq!(told(inputs.as_mut()), None);
}

#[test]
fn a_press_of_the_exit_button_is_let_go_by_itself() {
    let place = Place::new();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    for _ in 0..2 {
        add_line(&place.at("inputs.txt"), "rex");
        assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, true)));
        assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, false)));
    }
}

#[test]
fn a_fire_that_began_before_the_start_is_told_at_the_start() {
    let place = Place::new();
    fs::write(place.at("inputs.txt"), "fire off\nrex\nfire on\n").unwrap();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    assert_eq!(told(inputs.as_mut()), Some((Input::RequestToExit, false)), "a press of yesterday is over");
    assert_eq!(told(inputs.as_mut()), Some((Input::FireContact, true)));
}

#[test]
fn a_wrong_word_is_answered_with_the_right_ones_and_the_next_line_counts() {
    let place = Place::new();
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    add_line(&place.at("inputs.txt"), "card 0102030405060708");
    add_line(&place.at("inputs.txt"), &"door ".repeat(200));
    add_line(&place.at("inputs.txt"), "fire on");
    for _ in 0..2 {
        let error = inputs.next(Duration::from_secs(60)).unwrap_err();
        assert!(matches!(error, InputsError::Command { .. }), "{error}");
        let said = error.to_string();
        assert!(
            said.contains("inputs.txt") && said.contains("`fire on`") && !said.contains("0102"),
            "{said}"
        );
    }
    assert_eq!(told(inputs.as_mut()), Some((Input::FireContact, true)));
}

#[test]
fn a_fifo_plays_door_inputs_and_a_file_may_be_replaced_or_emptied() {
    let place = Place::new();
    let path = place.at("inputs.fifo");
    make_fifo(&path);
    let mut inputs = place.board(&with_inputs("inputs.fifo")).open_inputs(clock()).unwrap().unwrap();
    let said = [("tamper on", true), ("tamper off", false), ("tamper on", true)];
    for (line, active) in said {
        add_line(&path, line);
        assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, active)), "each writer is heard");
    }
    let path = place.at("inputs.txt");
    let mut inputs = place.board(&with_inputs("inputs.txt")).open_inputs(clock()).unwrap().unwrap();
    add_line(&path, "# what the door does\n\ntamper on");
    assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, true)));
    fs::write(&path, "tamper off\n").unwrap();
    assert_eq!(told(inputs.as_mut()), Some((Input::Tamper, false)));
    fs::write(place.at("new.txt"), "tamper on\nfire off\n").unwrap();
    fs::rename(place.at("new.txt"), &path).unwrap();
    let both = [told(inputs.as_mut()), told(inputs.as_mut())];
    assert!(both.contains(&Some((Input::Tamper, true))) && both.contains(&Some((Input::FireContact, false))));
}

#[test]
fn a_folder_is_no_wiring() {
    let place = Place::new();
    let error =
        place.board(&with_inputs("pictures")).open_inputs(clock()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("pictures") && error.contains("`path`"), "{error}");
}

#[test]
fn contacts_on_the_lines_of_a_chip_keep_the_contract_of_inputs() {
    let line = |offset, active_low| Line { offset, active_low, bias: Bias::PullUp };
    contract::inputs(|| {
        let chip = SimChip::new(clock()).unwrap();
        let lines = [line(23, false), line(24, true)];
        chip.put(23, false);
        let wired = vec![Input::DoorPosition, Input::RequestToExit];
        let watch = chip.clone().watch(&lines).unwrap();
        let inputs = Contacts::open(watch, &wired, clock()).unwrap();
        let play = move |input, active| match input {
            Input::DoorPosition => chip.put(23, active),
            Input::RequestToExit => chip.put(24, !active),
            Input::FireContact | Input::Tamper => panic!("{input:?} is not wired"),
        };
        InputsSubject { inputs: Box::new(inputs), wired, play: Box::new(play) }
    });
}

fn with_reader(name: &str) -> String {
    BOARD.replace("readers = []", "") + &format!("[[readers]]\nkind = \"sim\"\npath = \"{name}\"\n")
}

fn reader(place: &Place, name: &str) -> Box<dyn Reader> {
    place.board(&with_reader(name)).open_readers(clock()).unwrap().pop().unwrap()
}

const KINDS: [CredentialKind; 2] = [CredentialKind::FacilityCard, CredentialKind::Qr];

fn line_for(kind: CredentialKind, identifier: &[u8]) -> String {
    let hex: String = identifier.iter().map(|byte| format!("{byte:02x}")).collect();
    match kind {
        CredentialKind::FacilityCard => format!("card {}", hex.to_uppercase()),
        CredentialKind::Qr => format!("qr {}", str::from_utf8(identifier).unwrap()),
        CredentialKind::MyNumberCard => panic!("no driver reads this card"),
    }
}

#[test]
fn a_scripted_reader_keeps_the_contract_of_a_reader() {
    contract::reader(|| {
        let (reader, cards) = SimReader::scripted(clock());
        let present = move |kind, identifier: &[u8]| assert!(cards.present(kind, identifier));
        ReaderSubject { reader: Box::new(reader), kinds: KINDS.to_vec(), present: Box::new(present) }
    });
}

#[test]
fn a_reader_of_a_file_keeps_the_contract_of_a_reader() {
    for fifo in [false, true] {
        contract::reader(|| {
            let place = Place::new();
            if fifo {
                make_fifo(&place.at("cards"));
            }
            let reader = reader(&place, "cards");
            let present =
                move |kind, identifier: &[u8]| add_line(&place.at("cards"), &line_for(kind, identifier));
            ReaderSubject { reader, kinds: KINDS.to_vec(), present: Box::new(present) }
        });
    }
}

fn shown(reader: &mut dyn Reader) -> Option<(CredentialKind, Vec<u8>)> {
    let presented = reader.next(Duration::from_millis(400)).unwrap();
    presented.map(|Presented { kind, identifier, .. }| (kind, identifier.bytes().to_vec()))
}

#[test]
fn a_card_of_before_the_start_opens_nothing_after_it() {
    let place = Place::new();
    fs::write(place.at("cards.txt"), "card 01\ncard 02").unwrap();
    let mut reader = reader(&place, "cards.txt");
    assert_eq!(shown(reader.as_mut()), None);
    add_line(&place.at("cards.txt"), "03");
    assert_eq!(shown(reader.as_mut()), None, "half a line of before is no card either");
    add_line(&place.at("cards.txt"), "card 0102030405060708");
    let number = vec![1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(shown(reader.as_mut()), Some((CredentialKind::FacilityCard, number)));
}

#[test]
fn what_is_no_card_is_refused_without_showing_it_and_the_next_one_counts() {
    let place = Place::new();
    let mut reader = reader(&place, "cards.txt");
    let long = "ab".repeat(65);
    let wrong = ["card", "card ", "card 0", "card 0g", "card 1234 5678", "qr ", "key 4711", "4711"];
    for line in wrong.into_iter().chain([format!("card {long}").as_str(), &"card 47".repeat(100), "card é0"])
    {
        add_line(&place.at("cards.txt"), line);
        let error = reader.next(Duration::from_secs(60)).map(|told| told.is_some()).unwrap_err();
        assert!(matches!(error, ReaderError::Command { .. }), "{line}: {error}");
        let said = format!("{error} {error:?}");
        assert!(said.contains("cards.txt") && said.contains("`card HEX`"), "{said}");
        assert!(!said.contains("47") && !said.contains("1234") && !said.contains("abab"), "{said}");
    }
    add_line(&place.at("cards.txt"), "\n# a visitor\nqr 避難所 12");
    assert_eq!(shown(reader.as_mut()), Some((CredentialKind::Qr, "避難所 12".into())));
}

#[test]
fn a_hand_knows_when_nobody_reads_any_more() {
    let (mut reader, cards) = SimReader::scripted(clock());
    let shown_once = (0..100).filter(|_| cards.present(CredentialKind::FacilityCard, b"1")).count();
    assert!((1..100).contains(&shown_once), "a reader that nobody asks keeps a bounded number");
    assert!(reader.next(Duration::ZERO).unwrap().is_some());
    assert!(cards.present(CredentialKind::FacilityCard, b"1"));
    drop(reader);
    assert!(!cards.present(CredentialKind::FacilityCard, b"1"));
}
