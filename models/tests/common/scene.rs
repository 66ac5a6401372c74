//! A pinhole camera before surfaces that carry a photograph: a flat print, a bent one, and a head made of one.
//!
//! A surface is a function from a place on the photograph, in millimetres right of and below the nose, to a point in
//! space. It is drawn as a mesh of triangles with a depth buffer, correct in perspective.
#![allow(unreachable_pub, dead_code)]

use std::sync::OnceLock;

use models::{Image, Landmarks, Picture, Point};

/// What a camera of a kiosk sees: 640 x 480 pixels, 60 degrees wide.
pub const SIZE: (usize, usize) = (640, 480);
pub const FOCAL_PX: f32 = 554.0;

/// Distance of the pupils of an adult, in millimetres (Dodgson 2004: mean 63, 52 to 78).
pub const EYES_MM: f32 = 63.0;

/// Cells of the mesh in both directions.
const CELLS: usize = 48;

pub type Vector = [f32; 3];

/// Seeded random numbers (splitmix64).
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Even between two values.
    pub fn between(&mut self, from: f32, to: f32) -> f32 {
        from + (to - from) * ((self.roll() >> 40) as f32 / (1u64 << 24) as f32)
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[(self.roll() % choices.len() as u64) as usize]
    }

    pub fn coin(&mut self) -> bool {
        self.roll() & 1 == 1
    }

    /// Normal with mean 0 and variance 1.
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.between(f32::MIN_POSITIVE, 1.0).max(1e-9).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.between(0.0, 1.0)).cos()
    }
}

/// A photograph with what is needed to draw it at any distance.
pub struct Print {
    /// The photograph and copies of half the size each.
    levels: Vec<Image>,
    /// Pixels of the first level per millimetre on the print.
    pixels_per_mm: f32,
    nose: Point,
    size: (f32, f32),
}

impl Print {
    /// The photograph printed so that the eyes are `eyes_mm` apart.
    pub fn new(photograph: &Image, landmarks: &Landmarks, eyes_mm: f32) -> Self {
        let mut levels = vec![photograph.clone()];
        while levels[levels.len() - 1].width() > 60 {
            let last = &levels[levels.len() - 1];
            let half = Image::smaller(Picture::from(last), last.width().max(last.height()) / 2);
            levels.push(half);
        }
        Self {
            levels,
            pixels_per_mm: landmarks.eye_distance() / eyes_mm,
            nose: landmarks.nose,
            size: (photograph.width() as f32, photograph.height() as f32),
        }
    }

    /// Left, right, upper and lower edge of the part within `reach` millimetres of the nose.
    fn extent(&self, reach: f32) -> [f32; 4] {
        let scale = self.pixels_per_mm;
        let left = (-self.nose.x / scale).max(-reach);
        let right = ((self.size.0 - 1.0 - self.nose.x) / scale).min(reach);
        let top = (-self.nose.y / scale).max(-reach);
        let bottom = ((self.size.1 - 1.0 - self.nose.y) / scale).min(reach);
        [left, right, top, bottom]
    }

    /// The colour at a place in millimetres from the nose, at a level of detail.
    fn colour(&self, level: usize, x: f32, y: f32) -> [f32; 3] {
        let image = &self.levels[level];
        let factor = image.width() as f32 / self.size.0;
        let place = |mm: f32, nose: f32, last: usize| {
            (((mm * self.pixels_per_mm + nose + 0.5) * factor) - 0.5).clamp(0.0, (last - 1) as f32)
        };
        let (x, y) = (place(x, self.nose.x, image.width()), place(y, self.nose.y, image.height()));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(image.width() - 1), (top + 1).min(image.height() - 1));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let at = |x: usize, y: usize| &image.rgb()[(y * image.width() + x) * 3..][..3];
        let (a, b, c, d) = (at(left, top), at(right, top), at(left, bottom), at(right, bottom));
        std::array::from_fn(|it| {
            let upper = f32::from(a[it]) * (1.0 - fx) + f32::from(b[it]) * fx;
            let lower = f32::from(c[it]) * (1.0 - fx) + f32::from(d[it]) * fx;
            upper * (1.0 - fy) + lower * fy
        })
    }
}

/// How a print lies in space before it is moved: right, down and towards the camera, in millimetres from the nose.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    Flat,
    /// Bent around an upright axis, the middle towards the camera; `aside`: where the middle is.
    Cylinder {
        radius: f32,
        aside: f32,
    },
    /// A head: the nose stands `nose` mm out of the plane of eyes and mouth corners.
    Head {
        nose: f32,
        scale: f32,
    },
}

impl Form {
    fn point(self, x: f32, y: f32) -> Vector {
        match self {
            Self::Flat => [x, y, 0.0],
            Self::Cylinder { radius, aside } => {
                let angle = (x - aside) / radius;
                [radius * angle.sin(), y, radius * (angle.cos() - 1.0)]
            }
            Self::Head { nose, scale } => [x, y, head(x / scale, y / scale, nose / scale) * scale],
        }
    }

    /// Nothing is farther than this from the nose.
    fn reach(self) -> f32 {
        match self {
            Self::Flat => 160.0,
            Self::Cylinder { radius, .. } => (radius * 1.5).min(160.0),
            Self::Head { scale, .. } => 82.0 * scale,
        }
    }
}

/// Height of a face over the plane of eyes and mouth corners, in millimetres, at life size: a skull that falls away to
/// the sides, and a nose, whose tip is at the origin.
fn head(x: f32, y: f32, nose: f32) -> f32 {
    // The skull: 0 at the eyes (31 mm aside, 33 above) and at the mouth corners (25 aside, 37 below).
    let skull = |x: f32, y: f32| {
        let (across, along) = (x / 78.0, (y - 2.0) / 115.0);
        90.0 * (1.0 - across * across - along * along).max(0.02).sqrt()
    };
    let at_eyes = skull(31.5, -33.0);
    let at_mouth = skull(25.0, 37.0);
    let plane = at_eyes + (at_mouth - at_eyes) * (y + 33.0) / 70.0;
    let surface = skull(x, y) - plane;
    let rise = nose - (skull(0.0, 0.0) - (at_eyes + (at_mouth - at_eyes) * 33.0 / 70.0));
    // The ridge from the root of the nose to the tip, and the short way from the tip to the lip.
    let ridge = if y < 0.0 { (1.0 + y / 42.0).max(0.0).powf(1.2) } else { (1.0 - y / 14.0).max(0.0) };
    let width = if y < -8.0 { 8.0 } else { 11.0 };
    surface + rise * ridge * (-(x * x) / (2.0 * width * width)).exp()
}

/// Where something is and how it is turned: degrees and millimetres.
#[derive(Debug, Clone, Copy)]
pub struct Pose {
    /// Positive towards the subject's left, that is to the right of the picture.
    pub yaw: f32,
    /// Positive down.
    pub pitch: f32,
    /// Positive clockwise in the picture.
    pub roll: f32,
    /// Right, down, away from the camera.
    pub place: Vector,
    /// How far behind the nose the axis of yaw and pitch lies.
    pub axis: f32,
}

impl Default for Pose {
    fn default() -> Self {
        Self { yaw: 0.0, pitch: 0.0, roll: 0.0, place: [0.0, 0.0, 600.0], axis: 0.0 }
    }
}

impl Pose {
    /// A point given as right, down, towards the camera; the result as right, down, away from it.
    pub fn apply(&self, [x, y, z]: Vector) -> Vector {
        let z = z + self.axis;
        let (sin, cos) = self.pitch.to_radians().sin_cos();
        let (y, z) = (y * cos + z * sin, z * cos - y * sin);
        let (sin, cos) = self.yaw.to_radians().sin_cos();
        let (x, z) = (x * cos + z * sin, z * cos - x * sin);
        let (sin, cos) = self.roll.to_radians().sin_cos();
        let (x, y) = (x * cos - y * sin, x * sin + y * cos);
        [x + self.place[0], y + self.place[1], self.place[2] - z + self.axis]
    }

    /// The pixel at which a point appears.
    pub fn project(&self, point: Vector) -> [f32; 2] {
        pixel(self.apply(point))
    }
}

fn pixel([x, y, away]: Vector) -> [f32; 2] {
    [SIZE.0 as f32 / 2.0 + FOCAL_PX * x / away, SIZE.1 as f32 / 2.0 + FOCAL_PX * y / away]
}

/// What light and camera do to a frame.
#[derive(Debug, Clone, Copy)]
pub struct Sensor {
    /// Grey levels of noise.
    pub noise: f32,
    /// Factor of the brightness.
    pub gain: f32,
    /// Width in pixels of a smear to the side, as of a movement during the exposure.
    pub smear: usize,
}

impl Default for Sensor {
    fn default() -> Self {
        Self { noise: 3.0, gain: 1.0, smear: 1 }
    }
}

/// A camera's picture of a print in some form, before a wall.
pub fn frame(print: &Print, form: Form, pose: &Pose, sensor: Sensor, dice: &mut Dice) -> Image {
    let mut canvas = Canvas::wall();
    let [left, right, top, bottom] = print.extent(form.reach());
    let place = |cell: usize, from: f32, to: f32| from + (to - from) * cell as f32 / CELLS as f32;
    let mut points = Vec::with_capacity((CELLS + 1) * (CELLS + 1));
    for row in 0..=CELLS {
        for column in 0..=CELLS {
            let (x, y) = (place(column, left, right), place(row, top, bottom));
            points.push(Corner { at: pose.apply(form.point(x, y)), on: [x, y] });
        }
    }
    let shrunk = print.pixels_per_mm * pose.place[2] / FOCAL_PX;
    let level = (shrunk.max(1.0).log2().round() as usize).min(print.levels.len() - 1);
    for row in 0..CELLS {
        for column in 0..CELLS {
            let first = row * (CELLS + 1) + column;
            let [a, b, c, d] = [first, first + 1, first + CELLS + 1, first + CELLS + 2].map(|it| points[it]);
            canvas.triangle(print, level, [a, b, c]);
            canvas.triangle(print, level, [b, d, c]);
        }
    }
    canvas.expose(sensor, dice)
}

#[derive(Clone, Copy)]
struct Corner {
    at: Vector,
    on: [f32; 2],
}

struct Canvas {
    rgb: Vec<[f32; 3]>,
    nearest: Vec<f32>,
}

impl Canvas {
    fn wall() -> Self {
        let (width, height) = SIZE;
        let shade = |index: usize| {
            let (x, y) = ((index % width) as f32, (index / width) as f32);
            let value = 120.0 + 25.0 * (x / 97.0).sin() + 15.0 * (y / 61.0).cos();
            [value, value * 0.97, value * 0.9]
        };
        static WALL: OnceLock<Vec<[f32; 3]>> = OnceLock::new();
        let wall = WALL.get_or_init(|| (0..width * height).map(shade).collect());
        Self { rgb: wall.clone(), nearest: vec![0.0; width * height] }
    }

    /// Draws one triangle, seen from both sides; what is nearer hides what is farther.
    fn triangle(&mut self, print: &Print, level: usize, corners: [Corner; 3]) {
        if corners.iter().any(|corner| corner.at[2] < 50.0) {
            return;
        }
        let [a, b, c] = corners.map(|corner| pixel(corner.at));
        let area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
        if area.abs() < 1e-6 {
            return;
        }
        let low = |axis: usize| a[axis].min(b[axis]).min(c[axis]).ceil().max(0.0) as usize;
        let high = |axis: usize, size: usize| {
            (a[axis].max(b[axis]).max(c[axis]).floor() + 1.0).clamp(0.0, size as f32) as usize
        };
        let inverse = corners.map(|corner| 1.0 / corner.at[2]);
        for y in low(1)..high(1, SIZE.1) {
            for x in low(0)..high(0, SIZE.0) {
                let (px, py) = (x as f32, y as f32);
                let weight = |p: [f32; 2], q: [f32; 2]| {
                    ((q[0] - p[0]) * (py - p[1]) - (q[1] - p[1]) * (px - p[0])) / area
                };
                let weights = [weight(b, c), weight(c, a), weight(a, b)];
                if weights.iter().any(|weight| *weight < -1e-4) {
                    continue;
                }
                let near: f32 = (0..3).map(|it| weights[it] * inverse[it]).sum();
                let index = y * SIZE.0 + x;
                if near <= self.nearest[index] {
                    continue;
                }
                self.nearest[index] = near;
                let on = |axis: usize| {
                    (0..3).map(|it| weights[it] * inverse[it] * corners[it].on[axis]).sum::<f32>() / near
                };
                self.rgb[index] = print.colour(level, on(0), on(1));
            }
        }
    }

    fn expose(&self, sensor: Sensor, dice: &mut Dice) -> Image {
        static NOISE: OnceLock<Vec<f32>> = OnceLock::new();
        let noise = NOISE.get_or_init(|| {
            let mut dice = Dice(0);
            (0..NOISE_VALUES).map(|_| dice.normal()).collect()
        });
        let (width, height) = SIZE;
        let mut rgb = Vec::with_capacity(width * height * 3);
        for row in self.rgb.chunks_exact(width) {
            // Every row has its own part of the table.
            let first = dice.roll() as usize % (NOISE_VALUES - width * 3);
            let noise = noise[first..].as_chunks::<3>().0;
            for (x, noise) in noise[..width].iter().enumerate() {
                let seen = if sensor.smear > 1 { mean(row, x, sensor.smear) } else { row[x] };
                let byte = |it: usize| seen[it] * sensor.gain + noise[it] * sensor.noise + 0.5;
                rgb.extend((0..3).map(|it| byte(it).clamp(0.0, 255.0) as u8));
            }
        }
        Image::new(width, height, rgb).expect("three bytes for each pixel")
    }
}

/// Numbers of noise that are made once.
const NOISE_VALUES: usize = 1 << 18;

/// The colour around a pixel, `smear` pixels wide.
fn mean(row: &[[f32; 3]], x: usize, smear: usize) -> [f32; 3] {
    let first = x.saturating_sub(smear / 2);
    let pixels = &row[first..(first + smear).min(row.len())];
    std::array::from_fn(|it| pixels.iter().map(|pixel| pixel[it]).sum::<f32>() / pixels.len() as f32)
}
