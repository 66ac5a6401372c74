//! The whole way from a photograph to a template, with the real networks and the real photographs.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PHOTOGRAPHS, fetched, photograph};
use gate::{Monotonic, QualityIssue, TrackId};
use models::card::Package;
use models::vision::{EnrolError, Observation};
use models::{Image, Picture, Rect, Threads, Vision};

fn vision() -> Vision {
    Vision::load(&fetched("models"), &Threads::start(1).unwrap()).unwrap()
}

/// The picture with every pixel changed by `change(x, y, value)`.
fn changed(image: &Image, mut change: impl FnMut(usize, usize, [u8; 3]) -> [u8; 3]) -> Image {
    let width = image.width();
    let pixels = image.rgb().as_chunks::<3>().0.iter().enumerate();
    let rgb = pixels.flat_map(|(index, pixel)| change(index % width, index / width, *pixel)).collect();
    Image::new(width, image.height(), rgb).unwrap()
}

/// Gaussian blur by three passes of a box in both directions: a box of radius r has a third of the variance r (r + 1).
fn blurred(image: &Image, sigma: f32) -> Image {
    let radius = ((sigma - 0.5).round() as usize).max(1);
    let mut result = image.clone();
    for pass in 0..6 {
        let source = result.clone();
        let (width, height) = (source.width(), source.height());
        let at =
            |x: usize, y: usize, channel: usize| usize::from(source.rgb()[(y * width + x) * 3 + channel]);
        result = changed(&source, |x, y, _| {
            let place = if pass % 2 == 0 { x } else { y };
            let last = if pass % 2 == 0 { width } else { height } - 1;
            let (from, to) = (place.saturating_sub(radius), (place + radius).min(last));
            std::array::from_fn(|channel| {
                let value = |p| if pass % 2 == 0 { at(p, y, channel) } else { at(x, p, channel) };
                ((from..=to).map(value).sum::<usize>() / (to - from + 1)) as u8
            })
        });
    }
    result
}

/// Every `step`-th pixel's neighbourhood averaged: the same picture, `step` times smaller.
fn smaller(image: &Image, step: usize) -> Image {
    let (width, height) = (image.width() / step, image.height() / step);
    let mean = |x: usize, y: usize, channel: usize| {
        let block = (0..step * step).map(|index| {
            let (x, y) = (x * step + index % step, y * step + index / step);
            usize::from(image.rgb()[(y * image.width() + x) * 3 + channel])
        });
        (block.sum::<usize>() / (step * step)) as u8
    };
    let rgb =
        (0..width * height * 3).map(|byte| mean(byte / 3 % width, byte / 3 / width, byte % 3)).collect();
    Image::new(width, height, rgb).unwrap()
}

fn issue(vision: &mut Vision, image: &Image) -> Option<QualityIssue> {
    match vision.enrol_photo(image) {
        Ok(_) => None,
        Err(EnrolError::Quality(issue)) => Some(issue),
        Err(other) => panic!("{other}"),
    }
}

fn observe<'a, 'b>(
    vision: &'a mut Vision,
    milliseconds: u64,
    frame: impl Into<Picture<'b>>,
) -> Observation<'a> {
    vision.observe(Monotonic::from_micros(milliseconds * 1_000), frame).unwrap()
}

/// What is remembered of a subject after the next frame.
struct Seen {
    track: TrackId,
    face: Rect,
    pad: Option<f32>,
}

fn subject(vision: &mut Vision, milliseconds: u64, image: &Image) -> Seen {
    let subject = observe(vision, milliseconds, image).subject.unwrap();
    Seen { track: subject.track, face: subject.face, pad: subject.reading.ok().map(|reading| reading.pad) }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Photographs {
    photograph: Vec<Photograph>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Photograph {
    file: String,
    sha256: String,
    licence: String,
    package: Package,
}

#[test]
fn the_photographs_are_those_of_their_list() {
    use sha2::{Digest, Sha256};
    let list: Photographs = toml::from_str(include_str!("../cards/photographs.toml")).unwrap();
    assert_eq!(list.photograph.iter().map(|entry| entry.file.as_str()).collect::<Vec<_>>(), PHOTOGRAPHS);
    for entry in &list.photograph {
        let bytes = std::fs::read(fetched("photos").join(&entry.file)).unwrap();
        let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, entry.sha256, "{} of {}", entry.file, entry.package.name);
        assert!(entry.licence.contains("public domain"));
    }
}

#[test]
fn one_person_on_two_photographs_is_alike_and_strangers_are_not() {
    let mut vision = vision();
    let templates: Vec<_> =
        PHOTOGRAPHS.iter().map(|name| vision.enrol_photo(&photograph(name)).unwrap().template).collect();
    let score = |left: usize, right: usize| templates[left].compare(&templates[right]).unwrap().0;
    assert!(score(0, 1) > 0.6, "person A: {}", score(0, 1));
    assert!(score(2, 3) > 0.5, "person B: {}", score(2, 3));
    for (left, right) in
        [(0, 2), (0, 3), (1, 2), (1, 3), (0, 4), (0, 5), (1, 4), (2, 4), (2, 5), (3, 4), (4, 5)]
    {
        assert!(score(left, right) < 0.359, "{left} and {right}: {}", score(left, right));
    }
}

#[test]
fn each_spoilt_copy_of_a_photograph_is_refused_with_its_own_reason() {
    let mut vision = vision();
    for name in PHOTOGRAPHS {
        let whole = photograph(name);
        let face_width = vision.enrol_photo(&whole).unwrap().quality.face_width;
        let dark = changed(&whole, |_, _, pixel| pixel.map(|value| value / 10));
        assert_eq!(issue(&mut vision, &dark), Some(QualityIssue::TooDark), "{name}");
        let bright = changed(&whole, |_, _, pixel| pixel.map(|value| 215 + value / 7));
        assert_eq!(issue(&mut vision, &bright), Some(QualityIssue::TooBright), "{name}");
        // Six pixels on the scale of the sample, in which a face is about 75 wide.
        assert_eq!(
            issue(&mut vision, &blurred(&whole, 6.0 * face_width / 75.0)),
            Some(QualityIssue::Blurred),
            "{name}"
        );
    }
    assert_eq!(issue(&mut vision, &smaller(&photograph("person-a-2.jpg"), 4)), Some(QualityIssue::TooFar));
}

#[test]
fn nobody_and_several_people_cannot_be_enrolled() {
    let mut vision = vision();
    let wall = Image::new(320, 240, vec![128; 320 * 240 * 3]).unwrap();
    assert!(matches!(vision.enrol_photo(&wall), Err(EnrolError::NoFace)));

    let one = photograph("stranger-2.png");
    let (width, height) = (one.width(), one.height());
    let rgb = one.rgb().chunks_exact(width * 3).flat_map(|line| [line, line].concat()).collect();
    let twins = Image::new(width * 2, height, rgb).unwrap();
    assert!(matches!(vision.enrol_photo(&twins), Err(EnrolError::SeveralFaces(2))));
}

#[test]
fn a_visit_is_one_track_until_somebody_else_stands_there() {
    let mut vision = vision();
    let (first, other) = (photograph("person-a-2.jpg"), photograph("stranger-2.png"));
    let seen: Vec<_> = (0..3).map(|frame| subject(&mut vision, frame * 100, &first)).collect();
    assert!(seen.iter().all(|subject| subject.track == seen[0].track && subject.pad.is_some()));
    let pad = seen[0].pad.unwrap();
    assert!((0.0..=1.0).contains(&pad));
    let later = subject(&mut vision, 1_500, &other);
    assert_ne!(later.track, seen[0].track);
}

#[test]
fn another_face_put_into_the_same_place_between_two_frames_breaks_the_track() {
    let mut vision = vision();
    let first = photograph("person-a-2.jpg");
    let before = subject(&mut vision, 0, &first);
    let stranger = photograph("stranger-2.png");
    let there = vision.enrol_photo(&stranger).unwrap().face;
    // The stranger's picture moved and scaled so that the face fills the box of the first one.
    let factor = there.width / before.face.width;
    let (from, to) = (there.centre(), before.face.centre());
    let swapped = changed(&first, |x, y, _| {
        let source = |place: usize, from: f32, to: f32| {
            (from + (place as f32 - to) * factor).clamp(0.0, 511.0) as usize
        };
        let start = (source(y, from.y, to.y) * stranger.width() + source(x, from.x, to.x)) * 3;
        [stranger.rgb()[start], stranger.rgb()[start + 1], stranger.rgb()[start + 2]]
    });
    let after = subject(&mut vision, 100, &swapped);
    assert!(after.face.overlap(&before.face) > 0.5, "the boxes alone would continue the track");
    assert_ne!(after.track, before.track);
}

#[test]
fn an_empty_scene_has_no_subject_and_costs_no_comparison() {
    let mut vision = vision();
    let wall = Image::new(640, 480, vec![90; 640 * 480 * 3]).unwrap();
    let observation = observe(&mut vision, 0, &wall);
    assert_eq!((observation.faces_in_view, observation.timings.embed_us), (0, 0));
    assert!(observation.subject.is_none());
}

#[test]
fn a_photograph_of_forty_megapixels_is_found_as_well_as_its_small_copy() {
    let mut vision = vision();
    let small = photograph("person-a-2.jpg");
    let factor = 12;
    let width = small.width() * factor;
    let line = |y: usize| small.rgb()[y * small.width() * 3..][..small.width() * 3].as_chunks::<3>().0;
    let mut rgb = Vec::with_capacity(width * small.height() * factor * 3);
    for y in 0..small.height() * factor {
        line(y / factor).iter().for_each(|pixel| (0..factor).for_each(|_| rgb.extend(pixel)));
    }
    let large = Image::new(width, small.height() * factor, rgb).unwrap();
    let (from_small, from_large) = (vision.enrol_photo(&small).unwrap(), vision.enrol_photo(&large).unwrap());
    assert!(from_small.template.compare(&from_large.template).unwrap().0 > 0.95);
    let (found, expected) = (from_large.face, from_small.face);
    assert!((found.x / factor as f32 - expected.x).abs() < 8.0);
    assert!((found.width / factor as f32 - expected.width).abs() < 8.0);
}

#[test]
fn the_landmarks_of_a_subject_are_in_pixels_of_the_frame_that_was_given() {
    let small = photograph("person-a-2.jpg");
    let factor = 4;
    let line = |y: usize| small.rgb()[y * small.width() * 3..][..small.width() * 3].as_chunks::<3>().0;
    let mut rgb = Vec::new();
    for y in 0..small.height() * factor {
        line(y / factor).iter().for_each(|pixel| (0..factor).for_each(|_| rgb.extend(pixel)));
    }
    let large = Image::new(small.width() * factor, small.height() * factor, rgb).unwrap();
    let read = |image: &Image| {
        let mut vision = vision().with_follower();
        let anchor = observe(&mut vision, 0, image).subject.unwrap().followed.unwrap().anchor;
        let again = observe(&mut vision, 100, image).subject.unwrap();
        let followed = again.followed.unwrap();
        assert_eq!(followed.anchor, anchor);
        assert!(again.sight().unwrap().frontal);
        let centre = again.face.centre();
        for point in again.landmarks.points() {
            assert!(point.distance(centre) < again.face.width, "{point:?}");
        }
        (again.landmarks, followed.points)
    };
    let ((small, small_followed), (large, large_followed)) = (read(&small), read(&large));
    for (small, large) in small.points().into_iter().zip(large.points()) {
        let expected = models::Point { x: small.x * factor as f32, y: small.y * factor as f32 };
        assert!(large.distance(expected) < 4.0 * factor as f32, "{large:?} {expected:?}");
    }
    let eyes = |points: &gate::FacePoints| points.eye_distance();
    assert!((eyes(&large_followed) / eyes(&small_followed) / factor as f32 - 1.0).abs() < 0.1);
}

#[test]
fn in_bytes_templates_stay_close_to_those_of_floats_and_tell_people_apart_as_well() {
    let threads = Threads::start(1).unwrap();
    let mut floats = vision();
    let mut bytes = vision().with_embedder_in_bytes(&fetched("models"), &threads).unwrap();
    let mut of = |name: &str| {
        let image = photograph(name);
        (floats.enrol_photo(&image).unwrap().template, bytes.enrol_photo(&image).unwrap().template)
    };
    let all: Vec<_> = PHOTOGRAPHS.iter().map(|name| of(name)).collect();
    for (name, (float, byte)) in PHOTOGRAPHS.iter().zip(&all) {
        let cosine = float.compare(byte).unwrap().0;
        assert!(cosine >= 0.995, "{name}: {cosine}");
    }
    for (left, right) in [(0, 1), (2, 3), (0, 2), (0, 4), (2, 5), (4, 5)] {
        let score = |a: &gate::Template, b: &gate::Template| a.compare(b).unwrap().0;
        let (float, mixed) = (score(&all[left].0, &all[right].0), score(&all[left].1, &all[right].0));
        assert!((float - mixed).abs() < 0.03, "{left} and {right}: {float} or {mixed}");
    }
}
