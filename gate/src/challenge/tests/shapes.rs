//! Planes, heads, bent prints, mirrored pictures and numbers that are none: what five points can and cannot tell apart.
use super::*;

#[test]
fn five_points_of_a_plane_never_pass_whatever_is_done_to_it() {
    let mut dice = Dice(1);
    for seed in 0..400 {
        let mut print = head(0.0);
        print[2][0] = dice.real(-0.08, 0.08);
        print[2][1] = dice.real(0.4, 0.8);
        let mut person = Person::new(dice.real(-70.0, 70.0), dice.real(20.0, 120.0), 66);
        let (pitch, roll) = (dice.real(-30.0, 30.0), dice.real(-20.0, 20.0));
        let progress = play(ChallengeDemand::default(), seed, 66, |progress| {
            let yaw = person.follow(progress);
            let part = yaw / 60.0;
            let pose = Pose {
                yaw,
                pitch: pitch * part,
                roll: roll * part,
                away: dice.real(8.0, 14.0),
                aside: dice.real(-0.5, 0.5),
            };
            Some(sight(noisy(&project(&print, &pose), &mut dice)))
        });
        assert_ne!(progress, Progress::Passed, "{seed}");
    }
}

#[test]
fn the_relief_of_a_plane_is_nothing() {
    let mut dice = Dice(2);
    let mut shown = 0;
    while shown < 2_000 {
        let pose = |dice: &mut Dice| Pose {
            yaw: dice.real(-65.0, 65.0),
            pitch: dice.real(-50.0, 50.0),
            roll: dice.real(-180.0, 180.0),
            away: dice.real(4.0, 20.0),
            aside: dice.real(-3.0, 3.0),
        };
        let mut print = head(0.0);
        print[2] = [dice.real(-0.3, 0.3), dice.real(0.2, 0.9), 0.0];
        let mut baseline = Baseline::default();
        for _ in 0..3 {
            baseline.add(&project(&print, &pose(&mut dice)));
        }
        if let Some(relief) = baseline.relief(&project(&print, &pose(&mut dice))) {
            assert!(relief.length() < 2e-3, "{relief:?}");
            shown += 1;
        }
    }
}

#[test]
fn the_relief_of_a_head_is_its_depth_times_the_sine_of_the_turn() {
    let far = Pose { away: 1_000.0, ..STRAIGHT };
    for depth in [0.3, 0.4, 0.55] {
        let mut baseline = Baseline::default();
        baseline.add(&project(&head(depth), &far));
        for yaw in [-40.0, -20.0, 0.0, 10.0, 35.0f64] {
            for roll in [-30.0, 0.0, 25.0] {
                let relief = baseline.relief(&project(&head(depth), &Pose { yaw, roll, ..far })).unwrap();
                let expected = depth * yaw.to_radians().sin();
                assert!((f64::from(relief.across) - expected).abs() < 0.01, "{depth} {yaw}: {relief:?}");
                assert!(relief.down.abs() < 0.01);
                assert!((f64::from(relief.foreshortening) - yaw.to_radians().cos()).abs() < 0.01);
            }
        }
    }
}

#[test]
fn what_is_not_a_number_or_not_a_face_never_passes() {
    let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e30, 0.0];
    for (coordinate, value) in (0..10).flat_map(|it| strange.map(|value| (it, value))) {
        let mut person = Person::new(30.0, 40.0, 66);
        let progress = play(ChallengeDemand::default(), 3, 66, |progress| {
            let pose = Pose { yaw: person.follow(progress), ..STRAIGHT };
            let mut points = places(&project(&head(0.4), &pose));
            points[coordinate / 2][coordinate % 2] = value;
            Some(Sight { frontal: true, ..sight(named(points)) })
        });
        assert!(matches!(progress, Progress::Failed(_)), "{coordinate} {value}: {progress:?}");
    }
    for same in [named([[5.0, 5.0]; 5]), named([0.0, 1.0, 2.0, 3.0, 4.0].map(|x| [x * 30.0, x * 20.0]))] {
        assert!(!Baseline::default().add(&same));
        assert_eq!(same.lean(), None);
        let progress =
            play(ChallengeDemand::default(), 4, 66, |_| Some(Sight { frontal: true, ..sight(same) }));
        assert_eq!(progress, Progress::Failed(ChallengeFailure::TimeOut));
    }
}

#[test]
fn in_a_mirrored_picture_nobody_passes() {
    for seed in 0..100 {
        for named_by_the_picture in [true, false] {
            let mut person = Person::new(30.0, 40.0, 66);
            let progress = play(ChallengeDemand::default(), seed, 66, |progress| {
                let pose = Pose { yaw: person.follow(progress), ..STRAIGHT };
                let [a, b, nose, c, d] = places(&project(&head(0.4), &pose)).map(|[x, y]| [640.0 - x, y]);
                // A detector names what is on the left of the picture the right eye.
                let points = if named_by_the_picture { [b, a, nose, d, c] } else { [a, b, nose, c, d] };
                Some(Sight { frontal: true, ..sight(named(points)) })
            });
            let expected = match named_by_the_picture {
                true => ChallengeFailure::WrongWay,
                false => ChallengeFailure::TimeOut,
            };
            assert_eq!(progress, Progress::Failed(expected), "{seed}");
        }
    }
}

#[test]
fn a_bent_print_does_not_pass_and_one_folded_along_the_nose_does() {
    for seed in 0..100 {
        // With 63 mm between the eyes, 1.6 is a radius of 100 mm.
        for radius in [1.6, 2.4, 5.0] {
            for degrees in [20.0, 30.0, 40.0, 50.0, 60.0] {
                assert_ne!(turned(&bent(radius), degrees, seed, 66), Progress::Passed, "{radius} {degrees}");
            }
        }
    }
    // Nearer to a head there is relief enough, and it is the depth that is missing.
    for radius in [0.9, 1.1, 1.3] {
        for degrees in [20.0, 30.0, 40.0] {
            let mut person = Person::new(degrees, 40.0, 66);
            let progress = play(ChallengeDemand::default(), 1, 66, |progress| {
                let yaw = person.follow(progress);
                Some(sight(project(&bent(radius), &Pose { yaw, ..STRAIGHT })))
            });
            assert_ne!(progress, Progress::Passed, "{radius} {degrees}");
        }
    }
    // What five points cannot tell apart: it stands here so that nobody believes otherwise.
    assert_eq!(turned(&folded(35.0), 30.0, 1, 66), Progress::Passed);
}

#[test]
fn a_print_that_is_turned_far_is_called_flat() {
    for seed in 0..50 {
        assert_eq!(turned(&head(0.0), 45.0, seed, 66), Progress::Failed(ChallengeFailure::Flat), "{seed}");
    }
}

#[test]
fn nothing_of_a_face_and_nothing_of_the_dice_can_be_printed() {
    let sight = sight(project(&head(0.4), &STRAIGHT));
    let mut challenge =
        Challenge::begin(0x0123_4567_89ab_cdef, Monotonic::default(), ChallengeDemand::default());
    let _ = challenge.see(Monotonic::from_micros(1), &sight);
    let text = format!("{:?} {sight:?} {challenge:?}", sight.seen);
    assert!(
        text.contains("FacePoints(..)") && text.contains("Dice(..)") && text.contains("Baseline(1 frames)")
    );
    for secret in
        [sight.seen.nose[0].to_string(), sight.seen.left_eye[0].to_string(), "81985529216486895".to_owned()]
    {
        assert!(!text.contains(&secret), "{secret} in {text}");
    }
}
