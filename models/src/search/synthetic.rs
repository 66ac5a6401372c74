//! Made-up templates for tests and benchmarks: isotropic ones, and ones that spread as those of real faces do.

/// Steele, Lea and Flood's splitmix64: a small generator for reproducible samples, never for keys.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to 1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A standard normal number (Marsaglia's polar method; the second of each pair is thrown away).
    pub fn normal(&mut self) -> f32 {
        loop {
            let (x, y) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return (x * (-2.0 * square.ln() / square).sqrt()) as f32;
            }
        }
    }
}

/// A vector of length one in a direction that is as likely as any other.
pub fn unit(random: &mut Random, width: usize) -> Vec<f32> {
    scaled((0..width).map(|_| random.normal()).collect())
}

fn scaled(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    vector
}

/// How templates spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Every direction is as likely as any other: the least that can be known of a row, the hardest for a bound.
    Isotropic,
    /// As those that `SFace` made of LFW, as far as it was measured: comparisons of different people have a mean of 0.083,
    /// their 99th percentile at 0.285 and the 99.9th at 0.334; those of the same person a mean of 0.658.
    ///
    /// Those numbers say this much: a common direction holds 0.083 of the squared length, what tells people apart 0.575,
    /// what differs between two pictures 0.342. The percentiles stand 0.202 and 0.251 above the mean, which is 2.33 times
    /// 0.087 and 3.09 times 0.081. A standard deviation of 0.084 is as of 0.917² / 0.084² = 119 equal dimensions, so the
    /// spectrum is nearly flat (variances that fall geometrically to 0.34 of the first give it over 128 dimensions), and
    /// nothing is left for what varies along the common direction. The axes are turned at random, because nothing says that
    /// they are the network's own.
    Faces,
}

/// Squared lengths: of the common direction, of what tells people apart, of what differs between two pictures.
const COMMON: f32 = 0.083;
const PERSON: f32 = 0.575;
const PICTURE: f32 = 0.342;
/// The last variance of the spectrum, as a share of the first.
const LAST_VARIANCE: f32 = 0.34;

/// A source of people and of templates of them.
#[derive(Debug, Clone)]
pub struct People {
    random: Random,
    /// The common direction, of unit length.
    common: Vec<f32>,
    /// Standard deviations along the axes, before these are turned; their squares sum to one.
    deviations: Vec<f32>,
    /// Mirrors, two of which make a turn.
    mirrors: [Vec<f32>; 2],
    spread: Spread,
}

impl People {
    /// People whose templates have `width` numbers. The distribution is the same for every seed.
    #[must_use]
    pub fn new(spread: Spread, width: usize, seed: u64) -> Self {
        let mut shape = Random::new(0);
        let share = |axis: usize| LAST_VARIANCE.powf(axis as f32 / width.max(2) as f32);
        let all: f32 = (0..width).map(share).sum();
        let deviations = (0..width).map(|axis| (share(axis) / all).sqrt()).collect();
        let common = unit(&mut shape, width);
        let mirrors = [unit(&mut shape, width), unit(&mut shape, width)];
        Self { random: Random::new(seed), common, deviations, mirrors, spread }
    }

    /// `templates` templates of one more person, all of unit length.
    pub fn person(&mut self, templates: usize) -> Vec<Vec<f32>> {
        let own = self.across(PERSON);
        let template = |_| match self.spread {
            Spread::Isotropic => unit(&mut self.random, self.common.len()),
            Spread::Faces => {
                let picture = self.across(PICTURE);
                let parts = self.common.iter().zip(&own).zip(&picture);
                scaled(parts.map(|((common, own), picture)| COMMON.sqrt() * common + own + picture).collect())
            }
        };
        (0..templates).map(template).collect()
    }

    /// A vector of about this squared length, across the common direction.
    fn across(&mut self, squared: f32) -> Vec<f32> {
        let mut vector: Vec<f32> = self
            .deviations
            .iter()
            .map(|deviation| self.random.normal() * deviation * squared.sqrt())
            .collect();
        let mut less = |times: f32, direction: &[f32]| {
            let along: f32 = vector.iter().zip(direction).map(|(x, d)| x * d).sum();
            vector.iter_mut().zip(direction).for_each(|(x, d)| *x -= times * along * d);
        };
        self.mirrors.iter().for_each(|mirror| less(2.0, mirror));
        less(1.0, &self.common);
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_faces_compare_as_measured_ones_do() {
        let mut people = People::new(Spread::Faces, 128, 5);
        let pairs: Vec<_> = (0..1500).map(|_| people.person(2)).collect();
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let genuine = pairs.iter().map(|pair| cosine(&pair[0], &pair[1])).sum::<f32>() / pairs.len() as f32;
        let mut impostors: Vec<f32> = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            impostors.extend(pairs[..at].iter().map(|other| cosine(&pair[0], &other[0])));
        }
        impostors.sort_by(f32::total_cmp);
        let mean = impostors.iter().sum::<f32>() / impostors.len() as f32;
        let at = |share: f64| impostors[(impostors.len() as f64 * share) as usize];
        for (found, measured) in [(genuine, 0.658), (mean, 0.083), (at(0.99), 0.285), (at(0.999), 0.334)] {
            assert!((found - measured).abs() < 0.015, "{found} is not {measured}");
        }
    }
}
