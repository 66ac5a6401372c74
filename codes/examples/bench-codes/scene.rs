//! Photographs of QR codes that were never taken: each is computed from its number alone, so that everybody measures and
//! tests on the same ones.
//!
//! A code on paper or on a phone's screen hangs before a cluttered room; a pinhole camera looks at it. In the order of
//! nature: print, bending, perspective, light with shadow and glare, focus and motion blur, exposure, noise. Levels go
//! from 0 (held well) to 4 (much to read, small, blurred, dark); [`LEVELS`] says how much of each.

// The tests read this file from another folder.
#[path = "chance.rs"]
mod chance;

use std::f32::consts::{PI, TAU};

use qrcode::{EcLevel, QrCode};

pub(crate) use chance::Chance;

/// How hard a photograph is. Ranges are drawn from evenly.
pub(crate) struct Level {
    /// Characters of the text.
    characters: usize,
    /// Side of one module at the code's centre, in pixels.
    module: (f32, f32),
    /// Turn in the picture's plane, most, in radians.
    roll: f32,
    /// Turn out of the picture's plane about both axes, most, in radians.
    tilt: f32,
    /// How much darker the dark side of the light's slope is, as a share.
    slope: f32,
    /// Depth of a cast shadow, as a share.
    shadow: f32,
    /// Strength of a reflected lamp, as a share of white.
    glare: f32,
    /// Depth of the paper's bow, as a share of its width.
    bow: f32,
    /// Standard deviation of the focus blur, in pixels.
    focus: (f32, f32),
    /// Length of the motion blur, in pixels.
    motion: (f32, f32),
    /// Exposure: 1 makes white paper almost white.
    gain: (f32, f32),
    /// Standard deviation of the noise, in levels of 255.
    noise: f32,
    /// Share of a screen's light that its pixel grid takes.
    grid: f32,
}

/// The levels, the best first.
pub(crate) const LEVELS: [Level; 5] = [
    Level {
        characters: 40,
        module: (5.0, 7.0),
        roll: 0.15,
        tilt: 0.10,
        slope: 0.1,
        shadow: 0.0,
        glare: 0.0,
        bow: 0.0,
        focus: (0.3, 0.6),
        motion: (0.0, 0.5),
        gain: (0.8, 1.0),
        noise: 2.0,
        grid: 0.02,
    },
    Level {
        characters: 120,
        module: (4.0, 5.5),
        roll: 0.5,
        tilt: 0.25,
        slope: 0.3,
        shadow: 0.2,
        glare: 0.1,
        bow: 0.02,
        focus: (0.6, 0.9),
        motion: (0.0, 1.5),
        gain: (0.6, 0.9),
        noise: 3.0,
        grid: 0.04,
    },
    Level {
        characters: 200,
        module: (3.0, 4.0),
        roll: PI,
        tilt: 0.35,
        slope: 0.5,
        shadow: 0.35,
        glare: 0.25,
        bow: 0.04,
        focus: (1.0, 1.4),
        motion: (0.5, 3.0),
        gain: (0.45, 0.75),
        noise: 4.0,
        grid: 0.06,
    },
    Level {
        characters: 300,
        module: (3.0, 3.7),
        roll: PI,
        tilt: 0.40,
        slope: 0.6,
        shadow: 0.45,
        glare: 0.35,
        bow: 0.05,
        focus: (1.0, 1.5),
        motion: (0.5, 2.5),
        gain: (0.3, 0.55),
        noise: 4.0,
        grid: 0.08,
    },
    Level {
        characters: 300,
        module: (2.7, 3.5),
        roll: PI,
        tilt: 0.45,
        slope: 0.65,
        shadow: 0.5,
        glare: 0.4,
        bow: 0.06,
        focus: (1.05, 1.55),
        motion: (0.5, 2.8),
        gain: (0.25, 0.45),
        noise: 4.2,
        grid: 0.10,
    },
];

/// One photograph in brightness, and what is to be read in it.
pub(crate) struct Photograph {
    pub(crate) level: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) luma: Vec<u8>,
    pub(crate) texts: Vec<String>,
}

/// So many photographs of each level from the `first` on, all different; both together at most 1000.
pub(crate) fn set(first: u64, of_each: u64, width: usize, height: usize) -> Vec<Photograph> {
    let number = |level: usize, at: u64| level as u64 * 1000 + first + at + width as u64 * 10;
    let level = |level| (0..of_each).map(move |at| photograph(number(level, at), level, width, height));
    (0..LEVELS.len()).flat_map(level).collect()
}

/// The photograph of this number.
pub(crate) fn photograph(number: u64, level: usize, width: usize, height: usize) -> Photograph {
    let mut chance = Chance::new(number.wrapping_mul(0x0001_0001_0001) ^ 0x6765_6e6b_616e);
    let mut scene = Scene::room(&mut chance, width, height);
    let text = scene.hang(&mut chance, &LEVELS[level], 0.0);
    Photograph { level, width, height, luma: scene.expose(&mut chance, &LEVELS[level]), texts: vec![text] }
}

/// The same with two codes side by side.
pub(crate) fn pair(number: u64, level: usize, width: usize, height: usize) -> Photograph {
    let mut chance = Chance::new(!number);
    let mut scene = Scene::room(&mut chance, width, height);
    let quarter = width as f32 / 4.0;
    let texts = [-quarter, quarter].map(|along| scene.hang(&mut chance, &LEVELS[level], along)).to_vec();
    Photograph { level, width, height, luma: scene.expose(&mut chance, &LEVELS[level]), texts }
}

/// The same room with no code in it.
pub(crate) fn room(number: u64, level: usize, width: usize, height: usize) -> Photograph {
    let mut chance = Chance::new(number ^ 0x726f_6f6d);
    let mut scene = Scene::room(&mut chance, width, height);
    Photograph { level, width, height, luma: scene.expose(&mut chance, &LEVELS[level]), texts: Vec::new() }
}

/// A text as they are presented: a signed credential in base45, or a link.
fn text(chance: &mut Chance, characters: usize) -> String {
    const BASE45: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    const LINK: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    let (prefix, alphabet) =
        if chance.below(3) < 2 { ("FG1:", BASE45) } else { ("https://example.jp/v#", LINK) };
    let letter = |_| char::from(alphabet[chance.below(alphabet.len())]);
    prefix.chars().chain((prefix.len()..characters).map(letter)).collect()
}

/// Light that reaches the lens, pixel by pixel: 0 black, 1 white paper in full light.
struct Scene {
    width: usize,
    height: usize,
    light: Vec<f32>,
}

/// A code and what it is shown on, in modules from its centre.
struct Sheet {
    code: QrCode,
    half: f32,
    margin: f32,
    screen: bool,
    grid: f32,
}

impl Sheet {
    /// What comes back from this place; `None` beside the sheet.
    fn at(&self, along: f32, down: f32) -> Option<f32> {
        let out = along.abs().max(down.abs()) - self.half;
        if out > self.margin {
            let bezel = self.screen && out < self.margin + 3.0;
            return bezel.then_some(0.04);
        }
        let dark = out < 0.0 && {
            let cell = |place: f32| (place + self.half).floor().max(0.0) as usize;
            let (x, y) = (cell(along).min(self.code.width() - 1), cell(down).min(self.code.width() - 1));
            self.code[(x, y)] == qrcode::Color::Dark
        };
        Some(match (self.screen, dark) {
            (true, true) => 0.06,
            (true, false) => 1.0,
            (false, true) => 0.10,
            (false, false) => 0.88,
        })
    }

    /// What a screen's pixels let through at this place.
    fn mesh(&self, along: f32, down: f32) -> f32 {
        // Four screen pixels to a module: seldom in step with the camera's.
        let wave = |place: f32| 0.5 + 0.5 * (TAU * 4.0 * place).cos();
        if self.screen { 1.0 - self.grid * (wave(along) + wave(down)) } else { 1.0 }
    }
}

/// From a pixel to a place on a sheet.
struct Pose {
    centre: (f32, f32),
    focal: f32,
    distance: f32,
    across: [f32; 3],
    down: [f32; 3],
    /// Depth added at a distance of one module from the middle line.
    bow: f32,
}

impl Pose {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        let ray = [(x - self.centre.0) / self.focal, (y - self.centre.1) / self.focal, 1.0];
        let normal = cross(self.across, self.down);
        let mut depth = 0.0;
        let mut found = (0.0, 0.0);
        // A bow is shallow: two steps come close enough.
        for _ in 0..if self.bow == 0.0 { 1 } else { 3 } {
            let reach = (self.distance * normal[2] + depth) / dot(ray, normal);
            let point = [ray[0] * reach, ray[1] * reach, ray[2] * reach - self.distance];
            found = (dot(point, self.across), dot(point, self.down));
            depth = self.bow * found.0 * found.0;
        }
        found
    }
}

fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

impl Scene {
    /// A wall with things on it: patches, stripes and lines of print.
    fn room(chance: &mut Chance, width: usize, height: usize) -> Self {
        let wall = chance.between((0.25, 0.55));
        let mut scene = Self { width, height, light: vec![wall; width * height] };
        for _ in 0..24 {
            let (middle, turn) = (
                (chance.between((0.0, width as f32)), chance.between((0.0, height as f32))),
                chance.around(PI),
            );
            let half =
                (chance.between((6.0, width as f32 / 6.0)), chance.between((4.0, height as f32 / 6.0)));
            let (one, other) = (chance.between((0.05, 0.8)), chance.between((0.05, 0.8)));
            // A third is plain, a third is striped like a shirt, a third is printed like a poster.
            let (kind, pitch) = (chance.below(3), chance.between((4.0, 14.0)));
            let ink = chance.next();
            scene.patch(middle, turn, half, |along, down| match kind {
                0 => one,
                1 if (along / pitch).rem_euclid(1.0) < 0.5 => one,
                1 => other,
                _ => {
                    let (row, letter) = ((down / pitch).floor(), (along / (pitch * 0.3)).floor());
                    let between = (down / pitch).rem_euclid(1.0) > 0.6;
                    let mixed = Chance::new(ink ^ (row as i64 as u64) << 32 ^ letter as i64 as u64).next();
                    if between || mixed & 1 == 0 { one.max(other) } else { one.min(other) }
                }
            });
        }
        scene
    }

    fn patch(&mut self, middle: (f32, f32), turn: f32, half: (f32, f32), colour: impl Fn(f32, f32) -> f32) {
        let (sine, cosine) = turn.sin_cos();
        for y in 0..self.height {
            for x in 0..self.width {
                let (dx, dy) = (x as f32 - middle.0, y as f32 - middle.1);
                let (along, down) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
                if along.abs() < half.0 && down.abs() < half.1 {
                    self.light[y * self.width + x] = colour(along, down);
                }
            }
        }
    }

    /// Hangs a code up, `aside` pixels from the middle; gives back its text.
    fn hang(&mut self, chance: &mut Chance, level: &Level, aside: f32) -> String {
        let text = text(chance, level.characters);
        let correction = if chance.below(2) == 0 { EcLevel::M } else { EcLevel::L };
        let code = QrCode::with_error_correction_level(&text, correction).expect("a short text");
        let half = code.width() as f32 / 2.0;
        let screen = chance.below(2) == 0;
        let sheet = Sheet {
            half,
            margin: chance.between((2.5, 6.0)),
            screen,
            grid: level.grid * chance.unit(),
            code,
        };
        let pose = self.pose(chance, level, aside, &sheet);
        self.place(&sheet, &pose);
        text
    }

    fn pose(&self, chance: &mut Chance, level: &Level, aside: f32, sheet: &Sheet) -> Pose {
        let short = self.width.min(self.height) as f32;
        // Most codes of a level fit as large as drawn; one that does not is held farther away.
        let room = short * 0.92 / (2.0 * sheet.half + 6.0);
        let module = chance.between(level.module).min(room);
        let focal = self.width as f32 * 0.9;
        let slack = ((short - module * 2.0 * sheet.half) / 2.0 - 8.0).max(0.0) * 0.5;
        let centre = (
            self.width as f32 / 2.0 + aside + chance.around(slack),
            self.height as f32 / 2.0 + chance.around(slack),
        );
        let (roll, pitch, yaw) =
            (chance.around(level.roll), chance.around(level.tilt), chance.around(level.tilt));
        let turned = |[x, y, z]: [f32; 3]| {
            let (x, y) = (x * roll.cos() - y * roll.sin(), x * roll.sin() + y * roll.cos());
            let (y, z) = (y * pitch.cos() - z * pitch.sin(), y * pitch.sin() + z * pitch.cos());
            [x * yaw.cos() + z * yaw.sin(), y, z * yaw.cos() - x * yaw.sin()]
        };
        let bow = if sheet.screen { 0.0 } else { chance.around(level.bow) };
        Pose {
            centre,
            focal,
            distance: focal / module,
            across: turned([1.0, 0.0, 0.0]),
            down: turned([0.0, 1.0, 0.0]),
            bow: bow * 2.0 / sheet.half,
        }
    }

    /// Every pixel sees the mean of nine places of the print, and one of the screen's mesh: cameras alias it likewise.
    fn place(&mut self, sheet: &Sheet, pose: &Pose) {
        for y in 0..self.height {
            for x in 0..self.width {
                let (x_at, y_at) = (x as f32, y as f32);
                let (along, down) = pose.place(x_at, y_at);
                if along.abs().max(down.abs()) > sheet.half + sheet.margin + 5.0 {
                    continue;
                }
                let pixel = &mut self.light[y * self.width + x];
                let mut sum = 0.0;
                for part in 0..9u8 {
                    let (dx, dy) = (f32::from(part % 3) / 3.0, f32::from(part / 3) / 3.0);
                    let (along, down) = pose.place(x_at - 1.0 / 3.0 + dx, y_at - 1.0 / 3.0 + dy);
                    sum += sheet.at(along, down).unwrap_or(*pixel);
                }
                *pixel = sum / 9.0 * sheet.mesh(along, down);
            }
        }
    }

    /// Light, lens, exposure and noise.
    fn expose(&mut self, chance: &mut Chance, level: &Level) -> Vec<u8> {
        self.illuminate(chance, level);
        let motion = chance.between(level.motion);
        self.smear(motion, chance.around(PI));
        self.defocus(chance.between(level.focus));
        let gain = chance.between(level.gain) * 255.0;
        let noise = level.noise;
        self.light
            .iter()
            .map(|&light| {
                let exposed = (light * gain).min(250.0);
                // Shot noise grows with the light; half of the noise is the amplifier's.
                let spread = noise * (0.5 + 0.5 * (exposed / 128.0).max(0.0)).sqrt();
                (exposed + 8.0 + spread * chance.normal()).round().clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    fn illuminate(&mut self, chance: &mut Chance, level: &Level) {
        let (width, height) = (self.width as f32, self.height as f32);
        let (towards, slope) = (chance.around(PI), level.slope * chance.between((0.5, 1.0)));
        let (sine, cosine) = towards.sin_cos();
        let (edge, edge_at, depth) =
            (chance.around(PI).sin_cos(), chance.around(0.3), level.shadow * chance.unit());
        let lamp = (chance.between((0.3, 0.7)) * width, chance.between((0.3, 0.7)) * height);
        let (glare, spread) = (level.glare * chance.unit(), chance.between((0.05, 0.15)) * width);
        for y in 0..self.height {
            for x in 0..self.width {
                let (across, down) = (x as f32 / width - 0.5, y as f32 / height - 0.5);
                let sloped = 1.0 - slope * (0.5 + across * cosine + down * sine).clamp(0.0, 1.0);
                let beyond = across * edge.1 + down * edge.0 - edge_at;
                let shaded = 1.0 - depth * (beyond * 40.0).clamp(0.0, 1.0);
                let far = ((x as f32 - lamp.0).powi(2) + (y as f32 - lamp.1).powi(2)) / (spread * spread);
                let pixel = &mut self.light[y * self.width + x];
                *pixel = *pixel * sloped * shaded + glare * (-far).exp();
            }
        }
    }

    /// Motion of the hand: the mean along a line.
    fn smear(&mut self, length: f32, towards: f32) {
        if length < 0.3 {
            return;
        }
        let (sine, cosine) = towards.sin_cos();
        let steps = (length * 2.0).ceil() as usize + 1;
        let source = self.light.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                let sum: f32 = (0..steps)
                    .map(|step| {
                        let along = (step as f32 / (steps - 1) as f32 - 0.5) * length;
                        sampled(
                            &source,
                            self.width,
                            self.height,
                            x as f32 + along * cosine,
                            y as f32 + along * sine,
                        )
                    })
                    .sum();
                self.light[y * self.width + x] = sum / steps as f32;
            }
        }
    }

    fn defocus(&mut self, deviation: f32) {
        let reach = (deviation * 3.0).ceil() as isize;
        let weight = |at: isize| (-(at as f32 / deviation).powi(2) / 2.0).exp();
        let total: f32 = (-reach..=reach).map(weight).sum();
        let (width, height) = (self.width as isize, self.height as isize);
        for (dx, dy) in [(1, 0), (0, 1)] {
            let source = self.light.clone();
            for y in 0..height {
                for x in 0..width {
                    let seen = |at: isize| {
                        let (x, y) = ((x + at * dx).clamp(0, width - 1), (y + at * dy).clamp(0, height - 1));
                        source[(y * width + x) as usize] * weight(at)
                    };
                    self.light[(y * width + x) as usize] = (-reach..=reach).map(seen).sum::<f32>() / total;
                }
            }
        }
    }
}

/// Between four pixels.
fn sampled(source: &[f32], width: usize, height: usize, x: f32, y: f32) -> f32 {
    let (x, y) = (x.clamp(0.0, width as f32 - 1.001), y.clamp(0.0, height as f32 - 1.001));
    let (left, top) = (x as usize, y as usize);
    let (right_share, low_share) = (x - left as f32, y - top as f32);
    let row = |top: usize| {
        source[top * width + left] * (1.0 - right_share) + source[top * width + left + 1] * right_share
    };
    row(top) * (1.0 - low_share) + row(top + 1) * low_share
}
