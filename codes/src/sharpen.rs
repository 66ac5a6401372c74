//! Takes the blur of a lens and of a hand back, and stretches the contrast.
//!
//! A camera that sees a module three pixels wide smears it over its neighbours; noise hides what is left. The filter that
//! comes nearest to the unblurred picture is Wiener's: with `H` the blur and `N` the share of noise, `H / (H * H + N)` of
//! each frequency. A Gaussian blur can be taken back along rows and columns apart, so the filter is nine numbers, applied
//! twice. Between two pixels the same filter has eight, so a picture of twice the size comes from the same arithmetic.

use std::f32::consts::PI;

/// Standard deviation of the blur that is taken back, in pixels. Found by trying, together with [`NOISE`]: 1.3 leaves
/// the blurred unread, 1.7 gains nothing.
const BLUR: f32 = 1.5;

/// Share of noise. A third of it makes the noise into modules; three times as much leaves the blur.
const NOISE: f32 = 0.03;

/// Pixels that count on either side.
const REACH: usize = 4;

/// Weights by distance: `whole` for 0, 1 .. 4 pixels, `half` for a half, one and a half .. three and a half.
struct Kernel {
    whole: [f32; REACH + 1],
    half: [f32; REACH],
}

impl Kernel {
    fn new() -> Self {
        let whole: [f32; REACH + 1] = std::array::from_fn(|at| weight(at as f32));
        let half: [f32; REACH] = std::array::from_fn(|at| weight(at as f32 + 0.5));
        let of_whole = whole[0] + 2.0 * whole[1..].iter().sum::<f32>();
        let of_half = 2.0 * half.iter().sum::<f32>();
        Self { whole: whole.map(|weight| weight / of_whole), half: half.map(|weight| weight / of_half) }
    }
}

/// The filter's answer at a distance in pixels, faded out towards the end of its reach.
fn weight(distance: f32) -> f32 {
    const STEPS: u8 = 128;
    let of_frequency = |step: u8| {
        let frequency = (f32::from(step) + 0.5) / f32::from(STEPS) / 2.0;
        let blur = (-2.0 * (PI * BLUR * frequency).powi(2)).exp();
        blur / (blur * blur + NOISE) * (2.0 * PI * frequency * distance).cos()
    };
    let fade = (PI / 2.0 * distance / (REACH as f32 + 1.0)).cos();
    (0..STEPS).map(of_frequency).sum::<f32>() * fade
}

/// The filter with its buffers.
pub(crate) struct Sharpener {
    kernel: Kernel,
    /// One row between the two directions, [`REACH`] pixels longer at each end.
    row: Vec<f32>,
    /// One finished row; of twice the size, its whole places and then its halves.
    answer: Vec<f32>,
    sharp: Vec<u8>,
}

/// Brightness one pixel after the other, and its width.
#[derive(Clone, Copy)]
pub(crate) struct Picture<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: &'a [u8],
}

/// What becomes black, and by what the rest is multiplied to reach white.
#[derive(Clone, Copy)]
struct Stretch {
    black: f32,
    gain: f32,
}

impl Sharpener {
    pub(crate) fn new() -> Self {
        Self { kernel: Kernel::new(), row: Vec::new(), answer: Vec::new(), sharp: Vec::new() }
    }

    /// The sharpened picture, of the same size.
    pub(crate) fn sharpened(&mut self, picture: Picture) -> Picture<'_> {
        let Picture { width, height, .. } = picture;
        let stretch = self.stretch(picture);
        self.sharp.resize(width * height, 0);
        for y in 0..height {
            self.down(picture, y, false);
            self.along(width);
            let row = &mut self.sharp[y * width..][..width];
            row.iter_mut().zip(&self.answer).for_each(|(pixel, &answer)| *pixel = stretch.byte(answer));
        }
        Picture { width, height, bytes: &self.sharp[..width * height] }
    }

    /// The sharpened picture, twice as wide and high.
    pub(crate) fn enlarged(&mut self, picture: Picture) -> Picture<'_> {
        let Picture { width, height, .. } = picture;
        let stretch = self.stretch(picture);
        self.sharp.resize(width * height * 4, 0);
        for y in 0..height * 2 {
            self.down(picture, y / 2, y % 2 == 1);
            self.along(width);
            self.between(width);
            let row = self.sharp[y * width * 2..][..width * 2].as_chunks_mut::<2>().0;
            let (whole, half) = self.answer.split_at(width);
            for ((pair, &whole), &half) in row.iter_mut().zip(whole).zip(half) {
                *pair = [stretch.byte(whole), stretch.byte(half)];
            }
        }
        Picture { width: width * 2, height: height * 2, bytes: &self.sharp[..width * height * 4] }
    }

    /// From the darkest to the brightest thousandth, as every eighth row has them: lamps and specks count for nothing.
    fn stretch(&mut self, picture: Picture) -> Stretch {
        // Overshoots reach as far beyond black and white as these are apart.
        let mut counts = [0u32; 768];
        let mut all = 0;
        for y in (REACH..picture.height).step_by(8) {
            self.down(picture, y, false);
            self.along(picture.width);
            for answer in self.answer.iter().step_by(2) {
                counts[(answer + 256.0).clamp(0.0, 767.0) as usize] += 1;
                all += 1;
            }
        }
        let beyond = all / 1000;
        let place = |mut bins: Box<dyn Iterator<Item = (usize, &u32)> + '_>| {
            let mut seen = 0;
            let found = bins.find(|(_, count)| {
                seen += **count;
                seen > beyond
            });
            found.map_or(0.0, |(bin, _)| bin as f32 - 256.0)
        };
        let black = place(Box::new(counts.iter().enumerate()));
        let white = place(Box::new(counts.iter().enumerate().rev()));
        Stretch { black, gain: 255.0 / (white - black).max(1.0) }
    }

    /// Filters downwards into `row`: at row `y`, or half a row below it.
    fn down(&mut self, picture: Picture, y: usize, half: bool) {
        let Picture { width, height, bytes } = picture;
        let line = |offset: isize| {
            let y = y.saturating_add_signed(offset).min(height - 1);
            &bytes[y * width..][..width]
        };
        self.row.resize(width + 2 * REACH, 0.0);
        let row = &mut self.row[REACH..][..width];
        if half {
            let lines = [-3, -2, -1, 0, 1, 2, 3, 4].map(line);
            filter_half(self.kernel.half, lines, row);
        } else {
            let lines = [-4, -3, -2, -1, 0, 1, 2, 3, 4].map(line);
            filter_whole(self.kernel.whole, lines, row);
        }
        let (first, end) = (self.row[REACH], self.row[REACH + width - 1]);
        self.row[..REACH].fill(first);
        self.row[REACH + width..].fill(end);
    }

    /// Filters `row` along, at its pixels, into `answer`.
    fn along(&mut self, width: usize) {
        self.answer.resize(width, 0.0);
        let places = std::array::from_fn(|offset| &self.row[offset..][..width]);
        filter_whole(self.kernel.whole, places, &mut self.answer);
    }

    /// The same half a pixel to the right, after what is in `answer`.
    fn between(&mut self, width: usize) {
        self.answer.resize(2 * width, 0.0);
        let places = std::array::from_fn(|offset| &self.row[offset + 1..][..width]);
        filter_half(self.kernel.half, places, &mut self.answer[width..]);
    }
}

/// Brightness as it is and between the two directions.
trait Level: Copy {
    fn level(self) -> f32;
}

impl Level for u8 {
    fn level(self) -> f32 {
        f32::from(self)
    }
}

impl Level for f32 {
    fn level(self) -> f32 {
        self
    }
}

/// The nine neighbours of each place, weighted. All lines are as long as `answers`, which spares the loop its checks.
fn filter_whole<T: Level>(weights: [f32; REACH + 1], lines: [&[T]; 2 * REACH + 1], answers: &mut [f32]) {
    let length = answers.len();
    let [a, b, c, d, e, f, g, h, i] = lines.map(|line| &line[..length]);
    let [own, near, next, far, last] = weights;
    for x in 0..length {
        let close = own * e[x].level() + near * (d[x].level() + f[x].level());
        let middle = next * (c[x].level() + g[x].level());
        let distant = far * (b[x].level() + h[x].level()) + last * (a[x].level() + i[x].level());
        answers[x] = close + middle + distant;
    }
}

/// The eight neighbours of each place between two, weighted.
fn filter_half<T: Level>(weights: [f32; REACH], lines: [&[T]; 2 * REACH], answers: &mut [f32]) {
    let length = answers.len();
    let [a, b, c, d, e, f, g, h] = lines.map(|line| &line[..length]);
    let [near, next, far, last] = weights;
    for x in 0..length {
        let close = near * (d[x].level() + e[x].level()) + next * (c[x].level() + f[x].level());
        let distant = far * (b[x].level() + g[x].level()) + last * (a[x].level() + h[x].level());
        answers[x] = close + distant;
    }
}

impl Stretch {
    fn byte(self, answer: f32) -> u8 {
        ((answer - self.black) * self.gain).clamp(0.0, 255.0) as i32 as u8
    }
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use super::*;

    /// Stripes as wide as a module of three pixels, blurred by a Gaussian of 1.5 pixels: of a contrast of 40 levels,
    /// 16 are left.
    fn blurred_stripes(width: usize, height: usize) -> Vec<u8> {
        let print = |x: isize| if x.div_euclid(3) % 2 == 0 { 20.0 } else { 60.0 };
        let blurred = |x: usize| {
            let near = -6..=6isize;
            let weight = |at: isize| (-(at as f32 / BLUR).powi(2) / 2.0).exp();
            let total: f32 = near.clone().map(weight).sum();
            near.map(|at| print(x as isize + at) * weight(at)).sum::<f32>() / total
        };
        let row: Vec<u8> = (0..width).map(|x| blurred(x).round() as u8).collect();
        once(row).cycle().take(height).flatten().collect()
    }

    /// Dark and bright at the middle of stripes in the middle of the picture.
    fn contrast(picture: Picture, enlarged: usize) -> (u8, u8) {
        let at = |x: usize| picture.bytes[picture.height / 2 * picture.width + x * enlarged];
        (at(31), at(34))
    }

    #[test]
    fn dim_and_blurred_stripes_become_black_and_white_again() {
        let bytes = blurred_stripes(64, 48);
        let picture = Picture { width: 64, height: 48, bytes: &bytes };
        let (dark, bright) = contrast(picture, 1);
        assert!(bright - dark < 20, "{dark} {bright}");
        let mut sharpener = Sharpener::new();
        let (dark, bright) = contrast(sharpener.sharpened(picture), 1);
        assert!(dark < 40 && bright > 215, "{dark} {bright}");
        let (dark, bright) = contrast(sharpener.enlarged(picture), 2);
        assert!(dark < 40 && bright > 215, "{dark} {bright}");
    }

    #[test]
    fn a_plain_wall_stays_a_plain_wall() {
        let bytes = [77; 40 * 30];
        let mut sharpener = Sharpener::new();
        for sharp in [true, false] {
            let picture = Picture { width: 40, height: 30, bytes: &bytes };
            let picture = if sharp { sharpener.sharpened(picture) } else { sharpener.enlarged(picture) };
            assert!(picture.bytes.iter().all(|pixel| pixel.abs_diff(picture.bytes[0]) <= 1));
        }
    }

    #[test]
    fn twice_the_size_has_the_same_picture_at_every_other_pixel() {
        let bytes = blurred_stripes(50, 33);
        let picture = Picture { width: 50, height: 33, bytes: &bytes };
        let (mut one, mut other) = (Sharpener::new(), Sharpener::new());
        let (same, twice) = (one.sharpened(picture), other.enlarged(picture));
        for y in 0..33 {
            for x in 0..50 {
                assert_eq!(same.bytes[y * 50 + x], twice.bytes[2 * y * 100 + 2 * x], "{x} {y}");
            }
        }
    }
}
