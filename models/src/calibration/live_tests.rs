#![allow(clippy::unwrap_used)]

use super::super::random::Random;
use super::*;
use gate::{Candidate, Standing};

/// How a made-up door differs from the card.
#[derive(Clone, Copy)]
struct Story {
    /// Enrolled people.
    people: usize,
    /// By how much comparisons are mistaken more often than the card says.
    worse: f64,
    /// Spread of how easily each person is mistaken (0: all alike).
    spread: f64,
    /// Visits.
    visits: usize,
    /// Part of the visits that strangers make.
    strangers: f64,
    /// So many different strangers; they come again and again.
    distinct_strangers: usize,
}

const OFFICE: Story =
    Story { people: 300, worse: 1.0, spread: 0.0, visits: 2_000, strangers: 0.2, distinct_strangers: 100 };

fn person(number: usize) -> PersonId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number as u64).to_le_bytes());
    PersonId(id)
}

fn candidate(number: usize, score: f32) -> Candidate {
    Candidate { person: person(number), standing: Standing::Active, score: Score(score) }
}

/// Plays the story with made-up scores and returns the visit that raised the alarm. What two people score depends on both
/// of them and stays almost the same at each visit: a repeated visit is hardly new evidence.
fn play(story: Story, card: &Card, false_alarm: f64, seed: u64) -> Option<usize> {
    let mut random = Random::new(seed);
    let deviation = (1.0 + story.spread * story.spread).ln().sqrt();
    let mut factor = || (deviation * random.normal() - deviation * deviation / 2.0).exp();
    let factors: Vec<f64> = (0..story.people + story.distinct_strangers).map(|_| factor()).collect();
    let mut tail = LiveTail::with_false_alarm(card, false_alarm);
    let points = card.measured.comparison.as_ref().unwrap().points.clone();
    let pair = |one: usize, other: usize| {
        let key = (one.min(other) as u64) << 32 | one.max(other) as u64;
        Random::new(Random::new(key ^ seed.rotate_left(17)).bits()).uniform()
    };
    for visit in 0..story.visits {
        let stranger = random.uniform() < story.strangers;
        let visitor = if stranger {
            story.people + random.below(story.distinct_strangers)
        } else {
            random.below(story.people)
        };
        let mut above = Vec::new();
        for other in (0..story.people).filter(|other| *other != visitor) {
            let again = 0.9 + 0.2 * random.uniform();
            let rate = pair(visitor, other) * again / (story.worse * factors[visitor] * factors[other]);
            if let Some(point) = points.iter().rev().find(|point| rate < point.fmr) {
                above.push((person(other), Score(point.threshold)));
            }
        }
        above.sort_by(|left, right| right.1.0.total_cmp(&left.1.0));
        let nearest = above.first().map_or(0.1, |first| first.1.0);
        let best = if stranger {
            above
                .first()
                .map_or(candidate(0, 0.1), |first| Candidate { person: first.0, ..candidate(0, nearest) })
        } else {
            candidate(visitor, 0.66)
        };
        let found = Candidates { best: Some(best), runner_up: None };
        // A stranger who reaches even the strictest point counts as confirmed, as at the door.
        let seen = Impostors::of(&found, Threshold::Alone(Score(0.467)), 0.08, story.people, above);
        if tail.observe(&seen).is_some() {
            return Some(visit);
        }
    }
    None
}

/// How many of so many doors raise the alarm.
fn alarms(story: Story, false_alarm: f64, doors: u64) -> usize {
    let card = Card::sface();
    (0..doors).filter(|door| play(story, &card, false_alarm, door * 7 + 1).is_some()).count()
}

#[test]
fn a_card_that_holds_raises_no_more_false_alarms_than_stated() {
    // 10 % are allowed. Where visitors and references are alike or not, where strangers come again and again.
    for story in [
        OFFICE,
        Story { spread: 1.3, ..OFFICE },
        Story { people: 60, spread: 1.3, ..OFFICE },
        Story { people: 60, spread: 3.0, ..OFFICE },
        Story { strangers: 0.9, distinct_strangers: 5, spread: 1.3, ..OFFICE },
        Story { strangers: 0.9, distinct_strangers: 5, spread: 3.0, people: 60, ..OFFICE },
    ] {
        let raised = alarms(story, 0.1, 60);
        assert!(raised <= 12, "{raised} of 60 doors, spread {}, {} people", story.spread, story.people);
    }
}

#[test]
fn a_card_that_does_not_hold_is_found_out() {
    for story in [
        Story { worse: 4.0, ..OFFICE },
        Story { worse: 8.0, spread: 1.3, ..OFFICE },
        Story { worse: 16.0, people: 60, ..OFFICE },
    ] {
        let raised = alarms(story, FALSE_ALARM, 20);
        assert!(raised >= 19, "{raised} of 20 doors, {} times worse, {} people", story.worse, story.people);
    }
}

#[test]
fn a_camera_through_which_everybody_looks_alike_is_found_out_within_a_day() {
    // A fogged lens: everybody scores near the threshold with everybody, nobody is clearly ahead.
    let mut tail = LiveTail::new(&Card::sface());
    let visit = |visitor: usize| {
        let above = (0..50).map(|other| (person(other), Score(0.5 + 0.001 * other as f32)));
        let found = Candidates { best: Some(candidate(visitor, 0.56)), runner_up: None };
        Impostors::of(&found, Threshold::Alone(Score(0.467)), 0.08, 50, above)
    };
    assert!((0..20).any(|visitor| tail.observe(&visit(visitor)).is_some()));
    let alarm = tail.verdict().unwrap();
    assert!(alarm.reached as f64 > 10.0 * alarm.allowed, "{alarm:?}");
}

#[test]
fn an_alarm_is_raised_once_and_stays() {
    let mut tail = LiveTail::with_false_alarm(&Card::sface(), 0.9);
    let raised = (0..30).filter(|visitor| {
        let found = Candidates { best: Some(candidate(*visitor, 0.7)), runner_up: None };
        let above = (100..110).map(|other| (person(other), Score(0.48)));
        tail.observe(&Impostors::of(&found, Threshold::Alone(Score(0.467)), 0.08, 40, above)).is_some()
    });
    assert_eq!(raised.count(), 1);
    assert!(tail.verdict().is_some());
}

fn search(best: Option<Candidate>, above: &[(usize, f32)]) -> Impostors {
    let found = Candidates { best, runner_up: None };
    let above = above.iter().map(|(number, score)| (person(*number), Score(*score)));
    Impostors::of(&found, Threshold::Alone(Score(0.467)), 0.08, 300, above)
}

fn reached(tail: &LiveTail) -> Vec<u64> {
    tail.tally().map(|tally| tally.reached).collect()
}

#[test]
fn many_visits_of_one_person_are_one_piece_of_evidence() {
    let mut tail = LiveTail::new(&Card::sface());
    for _ in 0..1_000 {
        tail.observe(&search(Some(candidate(1, 0.7)), &[(1, 0.7), (2, 0.42)]));
    }
    assert_eq!((reached(&tail), tail.visits()), (vec![1, 1, 0], 1));
    // The other of the pair brings nothing new: the comparison was made.
    tail.observe(&search(Some(candidate(2, 0.7)), &[(2, 0.7), (1, 0.42)]));
    assert_eq!((reached(&tail), tail.visits()), (vec![1, 1, 0], 2));
    // A third who reaches the second as well: that reference was counted.
    tail.observe(&search(Some(candidate(3, 0.7)), &[(3, 0.7), (2, 0.42), (4, 0.36)]));
    assert_eq!(reached(&tail), [2, 1, 0]);
    assert_eq!(tail.verdict(), None);
}

#[test]
fn a_stranger_who_comes_every_day_does_not_raise_the_alarm_alone() {
    let mut tail = LiveTail::new(&Card::sface());
    for _ in 0..5_000 {
        tail.observe(&search(Some(candidate(9, 0.45)), &[(9, 0.45), (8, 0.42), (7, 0.40)]));
    }
    assert_eq!(tail.verdict(), None);
    let unknown: Vec<u64> = tail.tally().map(|tally| tally.reached_by_unknown).collect();
    assert_eq!((unknown, reached(&tail)), (vec![2, 1, 0], vec![0, 0, 0]));
}

#[test]
fn whoever_was_recognised_badly_is_no_impostor_of_their_own_reference() {
    let mut tail = LiveTail::new(&Card::sface());
    for visitor in 0..300 {
        tail.observe(&search(Some(candidate(visitor, 0.44)), &[(visitor, 0.44)]));
    }
    assert_eq!(tail.verdict(), None);
    assert!(tail.tally().all(|tally| tally.reached_by_unknown == 0));
}

#[test]
fn two_enrolments_of_one_face_are_not_held_against_the_card_but_a_crowd_is() {
    let twin = search(Some(candidate(1, 0.70)), &[(1, 0.70), (2, 0.68), (3, 0.40)]);
    assert_eq!(twin.reached, [(person(3), Score(0.40))]);
    let crowd = search(Some(candidate(1, 0.70)), &[(1, 0.70), (2, 0.68), (3, 0.65)]);
    assert_eq!(crowd.reached.len(), 2);
}

#[test]
fn several_references_of_one_person_are_reached_once() {
    let seen = search(Some(candidate(1, 0.7)), &[(2, 0.37), (2, 0.43), (2, 0.36)]);
    assert_eq!(seen.reached, [(person(2), Score(0.43))]);
}

#[test]
fn a_new_period_looks_at_everybody_again_and_keeps_the_alarm() {
    let mut tail = LiveTail::new(&Card::sface());
    tail.observe(&search(Some(candidate(1, 0.7)), &[(1, 0.7), (2, 0.42)]));
    for _ in 1..PERIOD {
        tail.observe(&search(None, &[]));
    }
    assert_eq!(tail.visits(), 0);
    tail.observe(&search(Some(candidate(1, 0.7)), &[(1, 0.7), (2, 0.42)]));
    assert_eq!(reached(&tail), [1, 1, 0]);
}

#[test]
fn scores_that_are_no_numbers_and_empty_galleries_count_for_nothing() {
    let mut tail = LiveTail::new(&Card::sface());
    tail.observe(&search(Some(candidate(1, f32::NAN)), &[(2, f32::NAN)]));
    assert_eq!(reached(&tail), [0, 0, 0]);
    let empty = Impostors::of(&Candidates::default(), Threshold::Alone(Score(0.467)), 0.08, 0, []);
    assert_eq!(tail.observe(&empty), None);
    let unmeasured = LiveTail::new(&Card::yunet());
    assert_eq!((unmeasured.floor(), unmeasured.verdict()), (None, None));
}
