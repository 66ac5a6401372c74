//! Every format and every instruction set against the plain way: the whole picture made colour first, by the portable
//! loops. Sizes, windows and contents are drawn at random, so rows begin at every alignment and end in every remainder.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::align::Similarity;
use crate::image::Image;
use crate::lines::Level;
use crate::picture::{Format, Grey, Picture, Pixels, Rgb, Yuyv};

/// A small generator, so that a failure can be repeated from its seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    std::iter::repeat_with(byte).take(length).collect()
}

/// The whole picture in colour, pixel by pixel.
fn in_colour(picture: Picture) -> Image {
    fn all(pixels: &impl Pixels, width: usize, height: usize) -> Image {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let rgb = places.flat_map(|(x, y)| {
            let [red, green, blue, _] = pixels.at(x, y);
            [red, green, blue].map(|value| u8::try_from(value).unwrap())
        });
        Image::from_parts(width, height, rgb.collect())
    }
    match picture.format() {
        Format::Rgb => all(&Rgb(picture), picture.width(), picture.height()),
        Format::Grey => all(&Grey(picture), picture.width(), picture.height()),
        Format::Yuyv => all(&Yuyv(picture), picture.width(), picture.height()),
    }
}

/// A part of a picture, as fractions of what is possible.
#[derive(Debug, Clone)]
struct Case {
    format: Format,
    width: usize,
    height: usize,
    window: Window,
    seed: u64,
}

impl Case {
    fn bytes(&self) -> Vec<u8> {
        noise(self.seed, self.format.row_bytes(self.width) * self.height)
    }
}

fn part(side: usize) -> impl Strategy<Value = (usize, usize)> {
    (0..side).prop_flat_map(move |first| (Just(first), 1..=side - first))
}

fn case() -> impl Strategy<Value = Case> {
    let formats = prop_oneof![Just(Format::Rgb), Just(Format::Grey), Just(Format::Yuyv)];
    (formats, 1..150usize, 1..50usize, any::<u64>()).prop_flat_map(|(format, width, height, seed)| {
        let width = if format == Format::Yuyv { width.next_multiple_of(2) } else { width };
        (part(width), part(height)).prop_map(move |((left, width_of), (top, height_of))| Case {
            format,
            width,
            height,
            window: Window { left, top, width: width_of, height: height_of },
            seed,
        })
    })
}

/// All rows of a smaller copy.
fn rows(level: Level, picture: Picture, window: Window, to: (usize, usize)) -> Vec<f32> {
    let mut shrink = Shrink::at(level);
    shrink.aim(picture, window, to);
    let mut rows = vec![f32::NAN; to.0 * 3 * to.1];
    rows.chunks_exact_mut(to.0 * 3).enumerate().for_each(|(y, row)| shrink.row(picture, y, row));
    rows
}

/// The mean colour of the pixels that one pixel covers, by area, in double precision.
fn mean(image: &Image, window: Window, to: (usize, usize), (x, y): (usize, usize), channel: usize) -> f64 {
    let span = |from: usize, to: usize, index: usize| {
        let step = from as f64 / to as f64;
        let (begin, end) = (index as f64 * step, (index + 1) as f64 * step);
        (0..from).map(move |at| (at, (end.min(at as f64 + 1.0) - begin.max(at as f64)).max(0.0) / step))
    };
    let mut sum = 0.0;
    for (row, down) in span(window.height, to.1, y).filter(|(_, weight)| *weight > 0.0) {
        for (column, across) in span(window.width, to.0, x).filter(|(_, weight)| *weight > 0.0) {
            let value = image.pixel(window.left + column, window.top + row)[channel];
            sum += f64::from(value) * across * down;
        }
    }
    sum
}

proptest! {
    #[test]
    fn every_instruction_set_shrinks_to_the_same_bits(case in case(), across in 0.0..1.0f64, down in 0.0..1.0f64) {
        let bytes = case.bytes();
        let picture = Picture::new(case.format, case.width, case.height, &bytes).unwrap();
        let size = |side: usize, part: f64| 1 + (part * side as f64) as usize % side;
        let to = (size(case.window.width, across), size(case.window.height, down));
        let all: Vec<Vec<f32>> =
            Level::all().iter().map(|level| rows(*level, picture, case.window, to)).collect();
        for other in &all[1..] {
            prop_assert_eq!(&all[0], other);
        }
        let image = in_colour(picture);
        for place in [(0, 0), (to.0 - 1, to.1 - 1), (to.0 / 2, to.1 / 2), (to.0 - 1, 0)] {
            for channel in 0..3 {
                let found = f64::from(all[0][(place.1 * to.0 + place.0) * 3 + channel]);
                let expected = mean(&image, case.window, to, place, channel);
                // Random YUYV is often no colour at all: clamping before or after the mean makes a difference there.
                let clamped = case.format == Format::Yuyv && to != (case.window.width, case.window.height);
                prop_assert!(clamped || (found - expected).abs() <= 0.501, "{found} or {expected} at {place:?}");
            }
        }
    }

    #[test]
    fn a_warp_out_of_any_format_is_that_out_of_the_picture_in_colour(
        case in case(),
        a in -2.0..2.0f32,
        b in -2.0..2.0f32,
        x in -80.0..120.0f32,
        y in -60.0..90.0f32,
    ) {
        let bytes = case.bytes();
        let picture = Picture::new(case.format, case.width, case.height, &bytes).unwrap();
        let image = in_colour(picture);
        let similarity = Similarity { a, b, x, y };
        let seen = |level: Level, picture: Picture| {
            let mut seen = Image::black(37, 21);
            warp(level, &mut seen, picture, &similarity);
            seen
        };
        let expected = seen(Level::all()[0], (&image).into());
        for level in Level::all() {
            prop_assert!(seen(*level, picture) == expected);
            prop_assert!(seen(*level, (&image).into()) == expected);
        }
    }

    #[test]
    fn a_window_resized_out_of_any_format_is_that_out_of_the_picture_in_colour(
        case in case(),
        width in 1..70usize,
        height in 1..30usize,
    ) {
        let bytes = case.bytes();
        let picture = Picture::new(case.format, case.width, case.height, &bytes).unwrap();
        let image = in_colour(picture);
        let cut = |level: Level, picture: Picture| {
            let mut cut = Image::black(width, height);
            Resize::at(level).window(&mut cut, picture, case.window);
            cut
        };
        let expected = cut(Level::all()[0], (&image).into());
        for level in Level::all() {
            prop_assert!(cut(*level, picture) == expected);
        }
    }
}

#[test]
fn smooth_raw_pictures_shrink_like_their_colours() {
    // Two greys and a skin tone that change slowly: nothing is clamped, so means and colours change places freely.
    let (width, height) = (128, 64);
    let pair = |place: usize| {
        let (x, y) = (place % (width / 2), place / (width / 2));
        [60 + x as u8, 110 + (y / 4) as u8, 62 + x as u8, 140 + (x / 8) as u8]
    };
    let bytes: Vec<u8> = (0..width / 2 * height).flat_map(pair).collect();
    let picture = Picture::new(Format::Yuyv, width, height, &bytes).unwrap();
    let image = in_colour(picture);
    for (window, to) in [
        (Window::whole(width, height), (128, 64)),
        (Window::whole(width, height), (64, 32)),
        (Window::whole(width, height), (51, 40)),
        (Window { left: 3, top: 5, width: 90, height: 50 }, (45, 25)),
        (Window { left: 3, top: 5, width: 91, height: 51 }, (91, 51)),
    ] {
        let found = rows(Level::best(), picture, window, to);
        for (index, value) in found.iter().enumerate() {
            let (pixel, channel) = (index / 3, index % 3);
            let expected = mean(&image, window, to, (pixel % to.0, pixel / to.0), channel);
            assert!(
                (f64::from(*value) - expected).abs() <= 1.0,
                "{value} or {expected} in {window:?} {to:?}"
            );
        }
    }
}

#[test]
fn a_plan_for_one_picture_is_not_used_for_another() {
    let (first, second) = (Image::ramp(40, 30), Image::ramp(60, 30));
    let mut shrink = Shrink::new();
    let mut row = vec![0.0; 60];
    for (image, last) in [(&first, 39.0), (&second, 58.0), (&first, 39.0)] {
        shrink.aim(image.into(), Window::whole(image.width(), image.height()), (20, 15));
        shrink.row(image.into(), 0, &mut row);
        assert_eq!((row[0], row[57]), (1.0, last));
    }
}
