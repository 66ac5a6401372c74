//! Reading frames takes no memory from the system once every kind of frame has been seen. A kiosk runs for months: what
//! allocates at every frame fragments the heap, and stalls when another thread holds its lock.
//!
//! The only test of its file, since it counts what the whole program allocates.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "common/counting.rs"]
mod counting;

use common::{fetched, photograph};
use counting::allocations;
use gate::Monotonic;
use models::{Format, Image, Picture, Threads, Vision};

/// A camera's frames in one format: a face that comes nearer and moves, nobody, another face, a poor one.
struct Sequence {
    format: Format,
    width: usize,
    height: usize,
    frames: Vec<Vec<u8>>,
}

impl Sequence {
    fn of(format: Format, width: usize, height: usize) -> Self {
        let (first, other) = (photograph("person-a-2.jpg"), photograph("stranger-2.png"));
        let scene = |face: &Image, scale: f32, left: f32| {
            let side = height as f32 * scale;
            let (left, top) = (width as f32 * left - side / 2.0, (height as f32 - side) / 2.0);
            let pixel = move |x: usize, y: usize| {
                let (x, y) = ((x as f32 - left) / side, (y as f32 - top) / side);
                let inside = (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y);
                let place = |part: f32, whole: usize| (part * whole as f32) as usize;
                let start = (place(y, face.height()) * face.width() + place(x, face.width())) * 3;
                if inside { face.rgb()[start..start + 3].try_into().unwrap() } else { [110; 3] }
            };
            bytes(format, width, height, pixel)
        };
        let mut frames: Vec<_> =
            (0..12).map(|step| scene(&first, 0.6 + 0.03 * step as f32, 0.45 + 0.01 * step as f32)).collect();
        frames.extend((0..4).map(|_| bytes(format, width, height, |_, _| [90; 3])));
        frames.extend((0..6).map(|_| scene(&other, 0.8, 0.5)));
        frames.extend((0..2).map(|_| scene(&first, 0.1, 0.5)));
        Self { format, width, height, frames }
    }

    /// Plays it once; what each frame allocated, and how many showed a subject and gave a template.
    fn play(&self, vision: &mut Vision, now: &mut u64) -> (Vec<usize>, usize, usize) {
        let (mut allocated, mut subjects, mut templates) = (Vec::with_capacity(self.frames.len()), 0, 0);
        for bytes in &self.frames {
            *now += 60_000;
            let before = allocations();
            let picture = Picture::new(self.format, self.width, self.height, bytes).unwrap();
            let seen = vision.observe(Monotonic::from_micros(*now), picture).unwrap();
            allocated.push(allocations() - before);
            let subject = seen.subject.as_ref();
            subjects += usize::from(subject.is_some());
            templates += usize::from(subject.is_some_and(|subject| subject.reading.is_ok()));
        }
        (allocated, subjects, templates)
    }
}

/// The scene in one format; a raw camera's colours are not of interest here, only its brightness.
fn bytes(format: Format, width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    match format {
        Format::Rgb => places.flat_map(|(x, y)| pixel(x, y)).collect(),
        Format::Grey => places.map(|(x, y)| pixel(x, y)[1]).collect(),
        Format::Yuyv => {
            places.flat_map(|(x, y)| [16 + pixel(x, y)[1] / 2 + pixel(x, y)[1] / 3, 128]).collect()
        }
    }
}

#[test]
fn a_frame_allocates_nothing_in_the_long_run() {
    let mut vision = Vision::load(&fetched("models"), &Threads::start(1).unwrap()).unwrap().with_follower();
    let mut now = 0;
    for (format, width, height) in [
        (Format::Yuyv, 640, 480),
        (Format::Rgb, 1_280, 720),
        (Format::Grey, 800, 600),
        (Format::Yuyv, 1_920, 1_080),
    ] {
        let sequence = Sequence::of(format, width, height);
        sequence.play(&mut vision, &mut now);
        let (allocated, subjects, templates) = sequence.play(&mut vision, &mut now);
        assert!(subjects >= 16 && templates >= 12, "{subjects} subjects, {templates} templates");
        assert_eq!(allocated, vec![0; sequence.frames.len()], "{format:?} {width} x {height}");
    }
}
