//! Heads, prints and their motions, projected: what passes and what does not.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use super::*;

mod shapes;

/// Right, down and towards the camera, in eye distances from the middle of the eyes.
type Space = [f64; 3];

/// Eyes, nose and mouth corners in the order of the detector, with the nose so far in front of the others.
fn head(depth: f64) -> [Space; 5] {
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.58, depth], [-0.4, 1.1, 0.0], [0.4, 1.1, 0.0]]
}

/// A print of a face on a cylinder around an upright axis; its radius in eye distances.
fn bent(radius: f64) -> [Space; 5] {
    head(0.0).map(|[x, y, _]| {
        let angle = x / radius;
        [radius * angle.sin(), y, radius * (angle.cos() - 1.0)]
    })
}

/// A print folded along the nose, each half so many degrees away from the camera, and drawn wider to make up for it.
fn folded(degrees: f64) -> [Space; 5] {
    head(0.0).map(|[x, y, _]| [x, y, -x.abs() * degrees.to_radians().tan()])
}

/// Where a head is and how it is turned, in degrees and eye distances.
#[derive(Clone, Copy)]
struct Pose {
    yaw: f64,
    pitch: f64,
    roll: f64,
    away: f64,
    aside: f64,
}

/// Eyes 60 pixels apart.
const STRAIGHT: Pose = Pose { yaw: 0.0, pitch: 0.0, roll: 0.0, away: 10.0, aside: 0.0 };

fn rotated([a, b]: [f64; 2], degrees: f64) -> [f64; 2] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    [a * cos + b * sin, b * cos - a * sin]
}

/// What a camera of 600 pixels focal length sees.
fn project(face: &[Space; 5], pose: &Pose) -> FacePoints {
    let points = face.map(|[x, y, z]| {
        // The neck is a whole eye distance behind the eyes.
        let (y, z) = (y - 0.5, z + 1.0);
        let [y, z] = rotated([y, z], pose.pitch);
        let [x, z] = rotated([x, z], pose.yaw);
        let [x, y] = rotated([x, y], -pose.roll);
        let away = pose.away + 1.0 - z;
        [320.0 + 600.0 * (x + pose.aside) / away, 240.0 + 600.0 * y / away].map(|value| value as f32)
    });
    named(points)
}

fn named([right_eye, left_eye, nose, right_mouth, left_mouth]: [[f32; 2]; 5]) -> FacePoints {
    FacePoints { right_eye, left_eye, nose, right_mouth, left_mouth }
}

fn places(points: &FacePoints) -> [[f32; 2]; 5] {
    [points.right_eye, points.left_eye, points.nose, points.right_mouth, points.left_mouth]
}

fn sight(points: FacePoints) -> Sight {
    let frontal = points.lean().is_some_and(|lean| lean.abs() <= 0.3);
    Sight { seen: points, followed: Some(Followed { anchor: 7, points }), frontal }
}

impl Dice {
    fn real(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Half of the width of the noise of followed points, in pixels: twice what was measured, for 60 pixels between the eyes.
const NOISE_PX: f64 = 0.8;

fn noisy(points: &FacePoints, dice: &mut Dice) -> FacePoints {
    named(places(points).map(|point| point.map(|value| value + dice.real(-NOISE_PX, NOISE_PX) as f32)))
}

/// Plays frames until the challenge has ended. `act` is told the progress and says what the next frame shows, if a face.
fn play(
    demand: ChallengeDemand,
    seed: u64,
    interval_ms: u64,
    mut act: impl FnMut(Progress) -> Option<Sight>,
) -> Progress {
    let start = Monotonic::from_micros(5_000_000);
    let mut challenge = Challenge::begin(seed, start, demand);
    for frame in 1..100_000 {
        let now = start.plus(Duration::from_millis(frame * interval_ms));
        let progress = match act(challenge.progress()) {
            Some(sight) => challenge.see(now, &sight),
            None => challenge.tick(now),
        };
        if matches!(progress, Progress::Passed | Progress::Failed(_)) {
            return progress;
        }
    }
    panic!("a challenge ends");
}

/// Somebody who turns to where they are asked to, by so many degrees and so many a second.
struct Person {
    degrees: f64,
    speed: f64,
    interval_ms: u64,
    yaw: f64,
    /// What was said last, and how long ago.
    told: Progress,
    since_ms: u64,
}

/// Nobody moves sooner after they are told to: about the fastest choice between two that is measured.
const REACTION_MS: u64 = 250;

impl Person {
    fn new(degrees: f64, speed: f64, interval_ms: u64) -> Self {
        Self { degrees, speed, interval_ms, yaw: 0.0, told: Progress::Wait, since_ms: 0 }
    }

    /// The yaw of the next frame.
    fn follow(&mut self, progress: Progress) -> f64 {
        let target = match progress {
            Progress::Prompt(Side::Left) => self.degrees,
            Progress::Prompt(Side::Right) => -self.degrees,
            Progress::Wait | Progress::Back | Progress::TooFar | Progress::Passed | Progress::Failed(_) => {
                0.0
            }
        };
        self.since_ms = if progress == self.told { self.since_ms + self.interval_ms } else { 0 };
        self.told = progress;
        let step = self.speed * self.interval_ms as f64 / 1_000.0;
        let step = if self.since_ms < REACTION_MS { 0.0 } else { step };
        self.yaw += (target - self.yaw).clamp(-step, step);
        self.yaw
    }
}

fn turned(face: &[Space; 5], degrees: f64, seed: u64, interval_ms: u64) -> Progress {
    let mut person = Person::new(degrees, 40.0, interval_ms);
    let mut noise = Dice(!seed);
    play(ChallengeDemand::default(), seed, interval_ms, |progress| {
        let yaw = person.follow(progress);
        Some(sight(noisy(&project(face, &Pose { yaw, ..STRAIGHT }), &mut noise)))
    })
}

#[test]
fn a_head_that_turns_as_it_is_asked_to_passes_at_every_speed_of_a_camera() {
    for seed in 0..200 {
        for interval_ms in [33, 66, 100, 150] {
            assert_eq!(turned(&head(0.4), 30.0, seed, interval_ms), Progress::Passed, "{seed} {interval_ms}");
        }
    }
}

#[test]
fn a_head_that_turns_to_the_other_side_fails() {
    for seed in 0..200 {
        assert_eq!(
            turned(&head(0.4), -30.0, seed, 66),
            Progress::Failed(ChallengeFailure::WrongWay),
            "{seed}"
        );
    }
}

/// Everything that a plane can do: a new homography for every frame, near the one before or not.
#[test]
fn standing_still_nodding_and_tilting_the_head_never_pass() {
    for seed in 0..60 {
        let mut noise = Dice(seed);
        let mut frame = 0.0f64;
        for motion in 0..3 {
            let progress = play(ChallengeDemand::default(), seed, 66, |progress| {
                frame += 1.0;
                let prompted = matches!(progress, Progress::Prompt(_) | Progress::Back);
                let swing = if prompted { (frame / 6.0).sin() * 30.0 } else { 0.0 };
                let pose = match motion {
                    0 => STRAIGHT,
                    1 => Pose { pitch: swing, ..STRAIGHT },
                    _ => Pose { roll: swing, ..STRAIGHT },
                };
                Some(sight(noisy(&project(&head(0.45), &pose), &mut noise)))
            });
            assert!(matches!(progress, Progress::Failed(_)), "{seed} {motion}: {progress:?}");
        }
    }
}

#[test]
fn who_turns_before_the_prompt_starts_again_a_few_times_and_then_fails() {
    for seed in 0..50 {
        let (mut frame, mut prompts) = (0u32, 0);
        let progress = play(ChallengeDemand::default(), seed, 50, |progress| {
            frame += 1;
            prompts += usize::from(matches!(progress, Progress::Prompt(_)));
            // Turned for a third of a second, frontal for a third.
            let yaw = if frame / 7 % 2 == 1 { 25.0 } else { 0.0 };
            Some(sight(project(&head(0.45), &Pose { yaw, ..STRAIGHT })))
        });
        assert!(matches!(progress, Progress::Failed(_)), "{seed}: {progress:?} after {prompts} prompts");
    }
    let mut early = 0;
    for seed in 0..50 {
        let mut frontal = 0;
        let progress = play(ChallengeDemand::default(), seed, 50, |_| {
            frontal += 1;
            let yaw = if frontal > 7 { 25.0 } else { 0.0 };
            frontal = if frontal > 9 { 0 } else { frontal };
            Some(sight(project(&head(0.45), &Pose { yaw, ..STRAIGHT })))
        });
        early += usize::from(progress == Progress::Failed(ChallengeFailure::TooEarly));
    }
    assert_eq!(early, 50);
}

#[test]
fn a_movement_that_cannot_be_an_answer_to_the_prompt_is_too_early() {
    // At the prompt the head is on its way already: it is turned within the shortest human reaction.
    for seed in 0..100 {
        let (mut since, mut passed_before_restart) = (0u32, false);
        let mut restarts = 0;
        let _ = play(ChallengeDemand::default(), seed, 33, |progress| {
            match progress {
                Progress::Prompt(_) => since += 1,
                Progress::Back => passed_before_restart = true,
                Progress::Wait | Progress::TooFar | Progress::Passed | Progress::Failed(_) => {
                    restarts += usize::from(since > 0);
                    since = 0;
                }
            }
            let side = if progress == Progress::Prompt(Side::Right) { -1.0 } else { 1.0 };
            let yaw = side * f64::from(since.min(9)) * 2.8;
            Some(sight(project(&head(0.45), &Pose { yaw, ..STRAIGHT })))
        });
        assert!(restarts >= 3 && !passed_before_restart, "{seed}: {restarts}");
    }
}

/// Two photographs: one from the front, one of the turned head. They fit each other as a head does, but nothing lies
/// between them.
#[test]
fn a_picture_that_is_put_in_the_place_of_another_jumps() {
    for seed in 0..100 {
        for (interval_ms, hidden) in [(33, 0), (100, 0), (33, 30), (100, 10)] {
            let (mut frame, mut covered) = (0, 0);
            let mut last = Progress::Wait;
            let progress = play(ChallengeDemand::default(), seed, interval_ms, |progress| {
                frame = if progress == last { frame + 1 } else { 0 };
                covered = if progress != last { hidden } else { covered - 1i32 };
                last = progress;
                let yaw = match progress {
                    Progress::Prompt(Side::Left) if frame * interval_ms > 400 => 30.0,
                    Progress::Prompt(Side::Right) if frame * interval_ms > 400 => -30.0,
                    Progress::Prompt(_)
                    | Progress::Wait
                    | Progress::Back
                    | Progress::TooFar
                    | Progress::Passed
                    | Progress::Failed(_) => 0.0,
                };
                (covered <= 0).then(|| sight(project(&head(0.45), &Pose { yaw, ..STRAIGHT })))
            });
            assert_eq!(progress, Progress::Failed(ChallengeFailure::Jumped), "{seed} {interval_ms} {hidden}");
        }
    }
}

#[test]
fn one_noisy_frame_is_not_a_turn() {
    for seed in 0..100 {
        let mut frame = 0;
        let progress = play(ChallengeDemand::default(), seed, 66, |progress| {
            let prompted = matches!(progress, Progress::Prompt(_));
            frame = if prompted { frame + 1 } else { 0 };
            let side = if progress == Progress::Prompt(Side::Right) { -1.0 } else { 1.0 };
            let yaw = match frame % 12 {
                8 | 10 => 4.0,
                9 => 20.0,
                _ => 0.0,
            };
            Some(sight(project(&head(0.45), &Pose { yaw: yaw * side, ..STRAIGHT })))
        });
        assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut), "{seed}");
    }
}

#[test]
fn whoever_stands_too_far_away_is_told_and_does_not_pass() {
    let (mut person, mut told) = (Person::new(30.0, 40.0, 66), false);
    let progress = play(ChallengeDemand::default(), 5, 66, |progress| {
        told |= progress == Progress::TooFar;
        let pose = Pose { yaw: person.follow(progress), away: 24.0, ..STRAIGHT };
        Some(sight(project(&head(0.4), &pose)))
    });
    assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut));
    let mut challenge = Challenge::begin(5, Monotonic::default(), ChallengeDemand::default());
    let small = sight(project(&head(0.4), &Pose { away: 24.0, ..STRAIGHT }));
    assert_eq!(challenge.see(Monotonic::from_micros(1), &small), Progress::TooFar);
}

#[test]
fn without_followed_points_or_with_those_of_changing_anchors_nothing_passes() {
    for changing in [false, true] {
        let (mut person, mut anchor) = (Person::new(30.0, 40.0, 66), 0);
        let progress = play(ChallengeDemand::default(), 6, 66, |progress| {
            anchor += 1;
            let points = project(&head(0.4), &Pose { yaw: person.follow(progress), ..STRAIGHT });
            let followed = changing.then_some(Followed { anchor, points });
            Some(Sight { followed, ..sight(points) })
        });
        assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut), "{changing}");
    }
}

/// Whoever came nearer during the turn is followed from another frame on when it is over.
#[test]
fn points_of_another_anchor_are_not_compared_with_the_frontal_views() {
    let mut person = Person::new(30.0, 40.0, 66);
    let progress = play(ChallengeDemand::default(), 9, 66, |progress| {
        let pose = Pose { yaw: person.follow(progress), ..STRAIGHT };
        let mut other = head(0.4);
        other[2] = [0.06, 0.45, 0.4];
        let followed = match progress == Progress::Back {
            true => Followed { anchor: 8, points: project(&other, &pose) },
            false => Followed { anchor: 7, points: project(&head(0.4), &pose) },
        };
        Some(Sight { followed: Some(followed), ..sight(project(&head(0.4), &pose)) })
    });
    assert_eq!(progress, Progress::Passed);
}

#[test]
fn a_face_that_does_not_look_into_the_camera_is_not_prompted() {
    for pose in [Pose { yaw: 20.0, ..STRAIGHT }, Pose { yaw: -20.0, ..STRAIGHT }] {
        let progress = play(ChallengeDemand::default(), 7, 66, |progress| {
            assert_eq!(progress, Progress::Wait);
            Some(sight(project(&head(0.45), &pose)))
        });
        assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut));
    }
}

#[test]
fn who_does_not_come_back_has_not_passed() {
    let mut person = Person::new(30.0, 40.0, 66);
    let progress = play(ChallengeDemand::default(), 8, 66, |progress| {
        let yaw = if progress == Progress::Back { person.yaw } else { person.follow(progress) };
        Some(sight(project(&head(0.4), &Pose { yaw, ..STRAIGHT })))
    });
    assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut));
}

#[test]
fn two_turns_are_two_prompts_to_sides_of_their_own() {
    let demand = ChallengeDemand { turns: 2, ..ChallengeDemand::default() };
    let mut same = 0;
    for seed in 0..200 {
        let (mut person, mut prompts) = (Person::new(30.0, 60.0, 66), Vec::new());
        let mut last = Progress::Wait;
        let progress = play(demand, seed, 66, |progress| {
            if let (Progress::Prompt(side), true) = (progress, progress != last) {
                prompts.push(side);
            }
            last = progress;
            Some(sight(project(&head(0.4), &Pose { yaw: person.follow(progress), ..STRAIGHT })))
        });
        assert_eq!((progress, prompts.len()), (Progress::Passed, 2), "{seed}");
        same += usize::from(prompts[0] == prompts[1]);
    }
    assert!((70..130).contains(&same), "the same side twice in {same} of 200");
}

#[test]
fn neither_the_side_nor_the_moment_of_the_prompt_can_be_known() {
    let (mut left, mut times) = (0, Vec::new());
    for seed in 0..400 {
        let start = Monotonic::default();
        let mut challenge = Challenge::begin(seed, start, ChallengeDemand::default());
        let still = sight(project(&head(0.4), &STRAIGHT));
        let prompt = (1..).find_map(|millisecond| {
            let now = start.plus(Duration::from_millis(millisecond));
            match challenge.see(now, &still) {
                Progress::Prompt(side) => Some((side, millisecond)),
                Progress::Wait => None,
                Progress::Back | Progress::TooFar | Progress::Passed | Progress::Failed(_) => {
                    panic!("nobody moved")
                }
            }
        });
        let (side, millisecond) = prompt.unwrap();
        left += usize::from(side == Side::Left);
        times.push(millisecond);
    }
    assert!((150..250).contains(&left), "left in {left} of 400");
    times.sort_unstable();
    assert!(times[0] >= 300 && times[399] <= 1_210, "{} to {}", times[0], times[399]);
    let quarters = [times[100], times[200], times[300]];
    for (quarter, expected) in quarters.into_iter().zip([530, 755, 980]) {
        assert!(quarter.abs_diff(expected) < 80, "{quarters:?}");
    }
}

#[test]
fn a_challenge_ends_in_time_and_stays_as_it_ended() {
    let demand = ChallengeDemand::default();
    let start = Monotonic::from_micros(9);
    let mut challenge = Challenge::begin(1, start, demand);
    assert_eq!(challenge.tick(start.plus(demand.time_limit)), Progress::Wait);
    let late = start.plus(demand.time_limit + Duration::from_micros(1));
    assert_eq!(challenge.tick(late), Progress::Failed(ChallengeFailure::TimeOut));
    let mut person = Person::new(30.0, 40.0, 66);
    for frame in 1..200 {
        let now = late.plus(Duration::from_millis(frame * 66));
        let pose = Pose { yaw: person.follow(Progress::Prompt(Side::Left)), ..STRAIGHT };
        let progress = challenge.see(now, &sight(project(&head(0.4), &pose)));
        assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut));
    }
}

#[test]
fn a_frame_that_is_not_newer_counts_for_nothing() {
    let mut challenge = Challenge::begin(1, Monotonic::default(), ChallengeDemand::default());
    let still = sight(project(&head(0.4), &STRAIGHT));
    for _ in 0..10_000 {
        assert_eq!(challenge.see(Monotonic::from_micros(1_000_000), &still), Progress::Wait);
    }
}
