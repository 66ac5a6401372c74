//! Frames as a camera sends them give the same faces, samples and templates as the photographs they were made of.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PHOTOGRAPHS, fetched, photograph};
use gate::Monotonic;
use models::gaze::LONGEST_NARROW_VIEW;
use models::{Detection, Detector, Embedder, Format, Image, Picture, Sample, Threads, Vision};

const MIN_COSINE: f32 = 0.999;
const MAX_LANDMARK_DISTANCE: f32 = 0.5;

/// The photograph as a raw camera would send it: `Y0 Cb Y1 Cr`, BT.601 in limited range.
fn yuyv(image: &Image) -> (usize, Vec<u8>) {
    let width = image.width() & !1;
    let ycbcr = |pixel: &[u8]| {
        let [red, green, blue] = [pixel[0], pixel[1], pixel[2]].map(|value| f32::from(value) / 255.0);
        let luma = 0.299 * red + 0.587 * green + 0.114 * blue;
        let difference = |colour: f32, weight: f32| 128.0 + 224.0 * (colour - luma) / (2.0 - 2.0 * weight);
        [16.0 + 219.0 * luma, difference(blue, 0.114), difference(red, 0.299)]
    };
    let rows = image.rgb().chunks_exact(image.width() * 3);
    let pairs = rows.flat_map(|row| row[..width * 3].chunks_exact(6));
    let bytes = pairs.flat_map(|pair| {
        let (first, second) = (ycbcr(&pair[..3]), ycbcr(&pair[3..]));
        let mean = |channel: usize| f32::midpoint(first[channel], second[channel]);
        [first[0], mean(1), second[0], mean(2)].map(|value| value.round() as u8)
    });
    (width, bytes.collect())
}

/// The raw frame made colour as a whole, in floating point: the way that is not gone any more.
fn in_colour(width: usize, yuyv: &[u8]) -> Image {
    let pixel = |luma: u8, cb: u8, cr: u8| {
        let luma = (f32::from(luma) - 16.0) / 219.0;
        let (cb, cr) = ((f32::from(cb) - 128.0) / 224.0, (f32::from(cr) - 128.0) / 224.0);
        let (red, blue) = (luma + 1.402 * cr, luma + 1.772 * cb);
        let green = (luma - 0.299 * red - 0.114 * blue) / 0.587;
        [red, green, blue].map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8)
    };
    let pairs = yuyv.chunks_exact(4);
    let rgb: Vec<u8> =
        pairs.flat_map(|p| [pixel(p[0], p[1], p[3]), pixel(p[2], p[1], p[3])].concat()).collect();
    Image::new(width, rgb.len() / 3 / width, rgb).unwrap()
}

struct Networks {
    detector: Detector,
    embedder: Embedder,
}

impl Networks {
    fn load() -> Self {
        let (models, threads) = (fetched("models"), Threads::start(1).unwrap());
        let detector = Detector::load(&models, &threads).unwrap();
        Self { detector, embedder: Embedder::load(&models, &threads).unwrap() }
    }

    fn read(&mut self, picture: Picture) -> (Detection, Sample, gate::Template) {
        let face = self.detector.detect(picture).unwrap()[0];
        let sample = Sample::align(picture, &face.landmarks);
        let template = self.embedder.embed(&sample).unwrap();
        (face, sample, template)
    }
}

#[test]
fn a_raw_frame_gives_the_faces_and_templates_of_its_picture_in_colour() {
    let mut networks = Networks::load();
    for name in PHOTOGRAPHS {
        let (width, bytes) = yuyv(&photograph(name));
        let image = in_colour(width, &bytes);
        let frame = Picture::new(Format::Yuyv, width, image.height(), &bytes).unwrap();
        let (face, sample, template) = networks.read(frame);
        let (expected_face, expected_sample, expected) = networks.read((&image).into());
        let points = face.landmarks.points().into_iter().zip(expected_face.landmarks.points());
        let apart = points.map(|(found, expected)| found.distance(expected)).fold(0.0, f32::max);
        let cosine = template.compare(&expected).unwrap().0;
        let pairs = sample.image().rgb().iter().zip(expected_sample.image().rgb());
        let grey = pairs.map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>() / (112.0 * 112.0 * 3.0);
        println!("{name}: landmarks {apart:.3} px, cosine {cosine:.6}, samples {grey:.3} grey levels");
        assert!(apart <= MAX_LANDMARK_DISTANCE, "{name}: a landmark is {apart} px away");
        assert!(cosine >= MIN_COSINE, "{name}: cosine {cosine}");
    }
}

#[test]
fn a_grey_frame_gives_the_template_of_its_grey_picture() {
    let mut networks = Networks::load();
    let image = photograph("person-a-2.jpg");
    let grey: Vec<u8> = image.rgb().chunks_exact(3).map(|pixel| pixel[1]).collect();
    let tripled = grey.iter().flat_map(|value| [*value; 3]).collect();
    let tripled = Image::new(image.width(), image.height(), tripled).unwrap();
    let frame = Picture::new(Format::Grey, image.width(), image.height(), &grey).unwrap();
    let (found, expected) = (networks.read(frame), networks.read((&tripled).into()));
    assert!(found.0 == expected.0 && found.1 == expected.1);
}

#[test]
fn frames_of_odd_sizes_are_read_and_show_nobody() {
    let mut vision = Vision::load(&fetched("models"), &Threads::start(1).unwrap()).unwrap();
    let sizes = [(1, 1), (2, 1), (1, 719), (4_096, 2), (31, 33), (642, 482), (7_680, 4_320)];
    for (frame, (width, height)) in sizes.into_iter().enumerate() {
        let now = Monotonic::from_micros(frame as u64 * 100_000);
        for (format, length) in [(Format::Rgb, 3), (Format::Yuyv, 2), (Format::Grey, 1)] {
            if format == Format::Yuyv && width % 2 == 1 {
                continue;
            }
            let bytes = vec![90; width * height * length];
            let picture = Picture::new(format, width, height, &bytes).unwrap();
            let seen = vision.observe(now, picture).unwrap();
            assert!(seen.subject.is_none() && seen.faces_in_view == 0, "{picture:?}");
        }
    }
}

/// Photographs on a grey wall: each with the middle and the side of its square.
fn scene(people: &[(&Image, (usize, usize), usize)]) -> Image {
    let (width, height) = (1_280, 720);
    let mut rgb = vec![110; width * height * 3];
    for (photograph, (x, y), side) in people {
        let (left, top) = (x - side / 2, y - side / 2);
        for (row, column) in (0..*side).flat_map(|row| (0..*side).map(move |column| (row, column))) {
            let from = (row * photograph.height() / side * photograph.width()
                + column * photograph.width() / side)
                * 3;
            let to = ((top + row) * width + left + column) * 3;
            rgb[to..to + 3].copy_from_slice(&photograph.rgb()[from..from + 3]);
        }
    }
    Image::new(width, height, rgb).unwrap()
}

/// One frame's subject, remembered.
#[derive(Debug)]
struct Seen {
    whole: bool,
    faces: usize,
    subject: Option<(gate::TrackId, models::Rect, gate::Template)>,
}

fn observe(vision: &mut Vision, milliseconds: u64, image: &Image) -> Seen {
    let seen = vision.observe(Monotonic::from_micros(milliseconds * 1_000), image).unwrap();
    let subject = seen.subject.map(|subject| {
        (subject.track, subject.face, subject.reading.expect("the photographs are good").probe.0.clone())
    });
    Seen { whole: seen.whole_frame, faces: seen.faces_in_view, subject }
}

fn vision() -> Vision {
    Vision::load(&fetched("models"), &Threads::start(1).unwrap()).unwrap()
}

/// Milliseconds between two frames of a camera of 30 a second.
const INTERVAL: u64 = 33;

#[test]
fn a_face_that_stays_is_followed_by_its_surroundings_and_reads_the_same() {
    for name in PHOTOGRAPHS {
        let (mut vision, photograph) = (vision(), photograph(name));
        let still = scene(&[(&photograph, (640, 360), 700)]);
        let seen: Vec<_> = (0..20).map(|frame| observe(&mut vision, frame * INTERVAL, &still)).collect();
        assert_eq!(seen.iter().filter(|seen| seen.whole).count(), 2, "{name}: 20 frames last 627 ms");
        let (track, face, template) = seen[0].subject.as_ref().unwrap();
        for (frame, seen) in seen.iter().enumerate() {
            let (same, near, again) = seen.subject.as_ref().unwrap();
            let (overlap, cosine) = (near.overlap(face), template.compare(again).unwrap().0);
            println!("{name} {frame}: overlap {overlap:.3}, cosine {cosine:.4}");
            assert_eq!(same, track);
            // A whole search finds landmarks as far apart when the picture is moved by a few pixels.
            assert!(overlap >= 0.8 && cosine >= 0.85, "{name}: overlap {overlap}, cosine {cosine}");
        }
    }
}

#[test]
fn who_comes_in_from_the_side_is_seen_in_bounded_time() {
    let mut vision = vision();
    let (first, other) = (photograph("person-a-2.jpg"), photograph("stranger-2.png"));
    let (alone, both) = (
        scene(&[(&first, (500, 360), 350)]),
        scene(&[(&first, (500, 360), 350), (&other, (1_060, 360), 350)]),
    );
    let bound = LONGEST_NARROW_VIEW.as_millis() as u64;
    for alone_for in 1..12u64 {
        let start = alone_for * 10_000;
        for frame in 0..alone_for {
            assert_eq!(observe(&mut vision, start + frame * INTERVAL, &alone).faces, 1);
        }
        let came = start + alone_for * INTERVAL;
        let seen = (0..20)
            .map(|frame| frame * INTERVAL)
            .find(|after| observe(&mut vision, came + after, &both).faces == 2);
        assert!(seen.unwrap() <= bound, "seen after {seen:?} ms");
    }
}

#[test]
fn who_steps_in_front_becomes_the_subject_in_bounded_time() {
    let mut vision = vision();
    let (first, other) = (photograph("person-a-2.jpg"), photograph("stranger-2.png"));
    let alone = scene(&[(&first, (380, 360), 250)]);
    let in_front = scene(&[(&first, (380, 360), 250), (&other, (880, 360), 700)]);
    let before = (0..3).map(|frame| observe(&mut vision, frame * INTERVAL, &alone)).last().unwrap();
    let came = 3 * INTERVAL;
    let taken = (0..20).map(|frame| frame * INTERVAL).find(|after| {
        let (track, ..) = observe(&mut vision, came + after, &in_front).subject.unwrap();
        track != before.subject.as_ref().unwrap().0
    });
    assert!(taken.unwrap() <= LONGEST_NARROW_VIEW.as_millis() as u64, "after {taken:?} ms");
}

#[test]
fn a_face_that_is_not_where_it_was_is_looked_for_everywhere_in_the_same_frame() {
    let (mut vision, photograph) = (vision(), photograph("person-a-2.jpg"));
    observe(&mut vision, 0, &scene(&[(&photograph, (380, 360), 300)]));
    let still = observe(&mut vision, INTERVAL, &scene(&[(&photograph, (380, 360), 300)]));
    assert!(!still.whole);
    let moved = observe(&mut vision, 2 * INTERVAL, &scene(&[(&photograph, (900, 360), 300)]));
    assert_eq!((moved.whole, moved.faces), (true, 1));
    let gone = observe(&mut vision, 3 * INTERVAL, &scene(&[]));
    assert_eq!((gone.whole, gone.faces), (true, 0));
}

#[test]
fn all_faces_of_a_picture_read_together_are_what_they_are_alone() {
    let mut vision = vision();
    let people = ["person-a-2.jpg", "stranger-2.png", "person-b-2.jpg"].map(photograph);
    let group = scene(&[
        (&people[0], (220, 360), 400),
        (&people[1], (640, 360), 400),
        (&people[2], (1_060, 360), 400),
    ]);
    let faces = vision.read_faces(&group).unwrap();
    assert_eq!(faces.len(), 3);
    let mut networks = Networks::load();
    let found = networks.detector.detect(&group).unwrap();
    let samples: Vec<_> = found.iter().map(|face| Sample::align(&group, &face.landmarks)).collect();
    let together = networks.embedder.embed_all(&samples).unwrap();
    for ((face, sample), (expected, template)) in faces.iter().zip(&samples).zip(found.iter().zip(&together))
    {
        assert_eq!(face.face, expected.face);
        assert_eq!(face.template.as_ref().unwrap(), template);
        assert_eq!(&networks.embedder.embed(sample).unwrap(), template);
    }
}
