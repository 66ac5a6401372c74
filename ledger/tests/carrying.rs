//! Which runs go to whom: a device carries what concerns all and its own group, and nothing else is offered, served or taken.
#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use ledger::*;

const NORTH: GroupId = GroupId([0x4e; 16]);
const SOUTH: GroupId = GroupId([0x53; 16]);
const PEER: Peer = Peer(1);

fn registry() -> AuthorKey {
    AuthorKey::from_bytes([0x91; 32])
}

fn device(number: u8) -> AuthorKey {
    AuthorKey::from_bytes([number; 32])
}

fn facility(group: GroupId) -> Feed {
    Feed { class: Class::FacilityUrgent, group: Some(group), epoch: 0 }
}

/// A run of one Open and these records in the clear, in a feed.
fn run(author: &AuthorKey, name: u8, feed: Feed, bodies: Vec<Body>) -> Vec<SignedRecord> {
    let open = Open { feed: feed.to_string(), priors: vec![], ..open_of(author.id()) };
    let (mut writer, first) =
        RunWriter::open(author, RunId([name; 16]), &open, clock(), Seal::Plain).unwrap();
    let more: Vec<SignedRecord> =
        bodies.iter().map(|body| writer.append(author, body, &[], Seal::Plain).unwrap()).collect();
    [first].into_iter().chain(more).collect()
}

fn admitted(device: &AuthorKey, group: GroupId) -> Body {
    let fields = Members::admitted(device.id(), group, KeyId([1; 16]), WrapPublic([2; 32]));
    Body { kind: "Admitted".into(), clock: clock(), fields, personal: None }
}

/// Control, urgent of both groups, and one run of a device of each: runs 1 to 5.
fn runs() -> Vec<(Feed, AuthorKey, Vec<SignedRecord>)> {
    let control = vec![admitted(&device(1), NORTH), admitted(&device(2), SOUTH)];
    let feeds = [Feed::of(Class::Control), facility(NORTH), facility(SOUTH), Feed::of(Class::DeviceBulk)];
    let [first, north, south, bulk] = feeds;
    vec![
        (first, registry(), run(&registry(), 1, first, control)),
        (north, registry(), run(&registry(), 2, north, vec![])),
        (south, registry(), run(&registry(), 3, south, vec![])),
        (bulk, device(1), run(&device(1), 4, bulk, vec![])),
        (bulk, device(2), run(&device(2), 5, bulk, vec![])),
    ]
}

fn whole_registry() -> Sync {
    let mut sync = Sync::new(Role::Registry, registry().id(), registry().id(), &Real);
    for (feed, author, records) in runs() {
        sync.step(0, Event::Wrote(feed, author.id(), records));
    }
    sync
}

fn offered(commands: &[Command]) -> Vec<u8> {
    let mut names = Vec::new();
    for command in commands {
        if let Command::Send(_, message) = command
            && let Message::Have(have) = &**message
        {
            names.extend(have.iter().map(|have| have.at.run.0[0]));
        }
    }
    names.sort_unstable();
    names
}

fn wanted(commands: &[Command]) -> Vec<u8> {
    let mut names = Vec::new();
    for command in commands {
        if let Command::Send(_, message) = command
            && let Message::Want(want) = &**message
        {
            names.extend(want.iter().map(|(run, _)| run.0[0]));
        }
    }
    names.sort_unstable();
    names
}

fn hears(sync: &mut Sync, message: Message) -> Vec<Command> {
    sync.step(0, Event::Heard(PEER, Box::new(message)))
}

fn page(records: &[SignedRecord]) -> Message {
    Message::Page(paginate(records).remove(0))
}

/// What a registry that offers everything says.
fn everything() -> Message {
    let mut sync = whole_registry();
    let mut commands = sync.step(0, Event::Connected(PEER, None));
    let Some(Command::Send(_, message)) = commands.pop() else { panic!("it announces") };
    *message
}

#[test]
fn a_known_device_is_offered_its_group_and_nothing_else() {
    let mut sync = whole_registry();
    let stranger = device(9).id();
    for (whose, expected) in [
        (None, vec![1, 2, 3, 4, 5]),
        (Some(registry().id()), vec![1, 2, 3, 4, 5]),
        (Some(device(1).id()), vec![1, 2, 4]),
        (Some(device(2).id()), vec![1, 3, 5]),
        (Some(stranger), vec![1]),
    ] {
        assert_eq!(offered(&sync.step(0, Event::Connected(PEER, whose))), expected, "{whose:?}");
    }
}

#[test]
fn a_known_device_is_told_no_news_of_another_group() {
    let mut sync = whole_registry();
    sync.step(0, Event::Connected(PEER, Some(device(1).id())));
    let news = |sync: &mut Sync, name, group| {
        let records = run(&registry(), name, facility(group), vec![]);
        offered(&sync.step(0, Event::Wrote(facility(group), registry().id(), records)))
    };
    assert_eq!(news(&mut sync, 6, NORTH), [6]);
    assert_eq!(news(&mut sync, 7, SOUTH), []);
}

#[test]
fn a_known_device_is_served_nothing_of_another_group_though_it_asks() {
    let mut sync = whole_registry();
    sync.step(0, Event::Connected(PEER, Some(device(1).id())));
    let all = (1..=5).map(|name| (RunId([name; 16]), 0)).collect();
    let served: Vec<u8> = hears(&mut sync, Message::Want(all))
        .into_iter()
        .map(|command| if let Command::Serve(_, run, _) = command { run.0[0] } else { 0 })
        .collect();
    assert_eq!(served, [1, 2, 4]);
}

#[test]
fn a_device_asks_for_control_first_and_then_for_its_group() {
    for role in [Role::Kiosk, Role::Agent] {
        let mut sync = Sync::new(role, device(1).id(), registry().id(), &Real);
        sync.step(0, Event::Connected(PEER, Some(registry().id())));
        assert_eq!(wanted(&hears(&mut sync, everything())), [1], "before its admission");
        hears(&mut sync, page(&runs()[0].2));
        assert_eq!(sync.members().group_of(device(1).id()), Some(NORTH));
        assert_eq!(wanted(&hears(&mut sync, everything())), [2, 4], "as a member of its group");
    }
}

#[test]
fn a_device_keeps_nothing_of_another_group_whoever_brings_it() {
    let mut sync = Sync::new(Role::Agent, device(1).id(), registry().id(), &Real);
    sync.step(0, Event::Connected(PEER, None));
    let held = |sync: &Sync| -> Vec<u8> { sync.lines().map(|line| line.at().run.0[0]).collect() };
    for (_, _, records) in runs().iter().skip(1) {
        let commands = hears(&mut sync, page(records));
        assert!(matches!(commands[..], [Command::Stranger(..)]), "{commands:?}");
    }
    for (_, _, records) in runs() {
        hears(&mut sync, page(&records));
    }
    assert_eq!(held(&sync), [1, 2, 4]);
}

#[test]
fn a_feed_of_a_device_names_no_other_group_than_its_own() {
    let mut sync = whole_registry();
    sync.step(0, Event::Connected(PEER, None));
    let keyring = |group| Feed::keyring(Class::DeviceKeyring, group, 1);
    let said = |sync: &mut Sync, name, group| {
        let records = run(&device(1), name, keyring(group), vec![]);
        hears(sync, page(&records));
        sync.line(RunId([name; 16])).is_some()
    };
    assert!(said(&mut sync, 6, NORTH));
    assert!(!said(&mut sync, 7, SOUTH));
}

#[test]
fn an_old_keyring_of_one_group_leaves_those_of_another_alone() {
    let mut sync = whole_registry();
    for (name, group) in [(6, NORTH), (7, SOUTH)] {
        let feed = Feed::keyring(Class::Keyring, group, 1);
        let records = run(&registry(), name, feed, vec![]);
        sync.step(0, Event::Wrote(feed, registry().id(), records));
    }
    let commands = sync.step(0, Event::Opened(NORTH, 2));
    assert!(matches!(commands[..], [Command::Drop(RunId(run))] if run[0] == 6), "{commands:?}");
}

#[test]
fn a_device_that_two_statements_admit_is_of_one_group_in_every_order() {
    let both = [admitted(&device(1), NORTH), admitted(&device(1), SOUTH)];
    let of = |bodies: &[&Body]| {
        let mut members = Members::new(registry().id());
        for body in bodies {
            members.apply(Kind::Admitted, body);
        }
        members
    };
    assert_eq!(of(&[&both[0], &both[1]]), of(&[&both[1], &both[0]]));
    assert_eq!(of(&[&both[1], &both[0]]).group_of(device(1).id()), Some(NORTH));
    assert_eq!(of(&[&both[0]]).devices_of(SOUTH).count(), 0);
}
