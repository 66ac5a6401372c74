//! Frames as a camera sends them give the same faces, samples and templates as the photographs they were made of.
#![allow(clippy::unwrap_used)]

mod common;

use common::{PHOTOGRAPHS, fetched, photograph};
use gate::Monotonic;
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
