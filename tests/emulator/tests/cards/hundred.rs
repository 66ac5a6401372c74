//! A hundred cards: every scenario, tries that were spent elsewhere, right and wrong PINs, and people who try again.

use std::collections::BTreeMap;

use emulator::{Emulator, Plan, Reply, SCENARIOS, keys};

use crate::{
    flows::{Flow, Visitor},
    hand::Hand,
    seed,
};

const CARDS: u32 = 100;

/// How often somebody lays the same card on the reader: once more than a PIN has tries.
const VISITS: u32 = 4;

/// Different people; each has nine keys, which take their time.
const PEOPLE: u64 = 3;

struct Drawn {
    scenario: &'static str,
    plan: Plan,
    /// Tries that were spent on the way here: of the PIN, of the front code.
    spent: (u8, u8),
    /// What is typed here is right.
    right: (bool, bool),
}

/// Card `number`: each scenario comes in turn, the rest is drawn.
fn drawn(number: u32) -> Drawn {
    let [person, pin, code, right, ..]: [u8; 32] = keys::drawn(seed(), "card", number);
    let scenario = SCENARIOS[number as usize % SCENARIOS.len()];
    let mut plan = Plan::scenario(scenario).unwrap();
    plan.seed = 1 + u64::from(person) % PEOPLE;
    Drawn { scenario, plan, spent: (pin % 4, code % 11), right: (right & 3 != 0, right & 12 != 0) }
}

fn answer(card: &mut Emulator, command: &[u8]) -> Vec<u8> {
    match card.respond(command) {
        Reply::Answer(answer, _) => answer,
        Reply::Removed | Reply::Replaced => Vec::new(),
    }
}

/// Wrong entries at another terminal: application, secret, what was typed there.
fn spend(card: &mut Emulator, application: emulator::Application, secret: u8, wrong: &[u8], times: u8) {
    answer(card, &[&[0x00, 0xA4, 0x04, 0x0C, 0x0A], application.identifier().as_slice()].concat());
    answer(card, &[0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, secret]);
    for _ in 0..times {
        answer(card, &[&[0x00, 0x20, 0x00, 0x80, u8::try_from(wrong.len()).unwrap()], wrong].concat());
    }
}

/// What the PIN of a good card comes to, visit by visit.
fn expected(mut left: u8, right: bool) -> Vec<&'static str> {
    let mut ends = Vec::new();
    for _ in 0..VISITS {
        ends.push(match left {
            0 => "pin-blocked",
            1 => "pin-last-try",
            _ if right => "good",
            _ => {
                left -= 1;
                "pin-wrong"
            }
        });
    }
    ends
}

#[test]
fn a_hundred_cards_end_with_a_name_and_keep_their_last_try() {
    let mut ends: BTreeMap<&str, u32> = BTreeMap::new();
    for number in 0..CARDS {
        let Drawn { scenario, plan, spent, right } = drawn(number);
        let mut visitor = Visitor::typing(
            if right.0 { "1234" } else { "9999" },
            if right.1 { "02010120351234" } else { "02010120359999" },
        );
        let mut card = Emulator::new(plan);
        spend(&mut card, emulator::Application::Jpki, 0x18, b"0000", spent.0);
        spend(&mut card, emulator::Application::Surface, 0x12, b"02010120350000", spent.1);
        spend(&mut card, emulator::Application::Text, 0x15, b"02010120350000", spent.1);
        let (elsewhere, mut proved) = (card.last_tries(), Vec::new());
        for flow in (0..VISITS).flat_map(|_| Flow::ALL) {
            let secrets = card.secrets();
            let mut hand = Hand::lays(&mut card);
            let end = visitor.does(flow, &mut hand).map_or_else(|error| error.name(), |_| "good");
            assert!(
                hand.sent <= flow.bound(),
                "card {number} ({scenario}), {flow:?}: {} commands",
                hand.sent
            );
            assert!(
                card.secrets() - secrets <= 1,
                "card {number} ({scenario}), {flow:?}: a secret is sent once"
            );
            *ends.entry(end).or_default() += 1;
            if flow == Flow::Authenticate {
                proved.push(end);
            }
        }
        if scenario == "good" {
            assert_eq!(proved, expected(3 - spent.0, right.0), "card {number}, {spent:?} spent, {right:?}");
        }
        assert_eq!(card.last_tries(), elsewhere, "card {number} ({scenario}): the last try is its holder's");
        assert_eq!(card.forbidden_reads(), 0, "card {number} ({scenario})");
    }
    println!("{CARDS} cards, seed {}: {ends:?}", seed());
    for end in ["good", "pin-last-try", "pin-blocked", "front-code-last-try", "no-pin", "not-a-mynumber-card"]
    {
        assert!(ends.contains_key(end), "no card came to {end}; the hundred are too much alike: {ends:?}");
    }
}
