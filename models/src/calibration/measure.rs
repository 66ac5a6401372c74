//! From compared pictures to what a card may say: operating points with intervals, the fitted tail, and the range in which
//! both are supported.
//!
//! Comparisons that share a person are not independent, so counting them overstates what is known. The variance of an
//! observed rate is therefore taken over persons: with `e(a,b)` the false matches of two persons less those expected,
//! `sum over a of (sum over b of e(a,b))^2 - sum over pairs of e^2` (the dyadic-robust variance; it counts every two
//! comparisons that share a person, and is the plain count if none of them agree). From it follows how many *independent*
//! false matches would carry as much: the effective matches. The rule of 30 (ISO/IEC 19795-1) asks for 30 errors, so that
//! the true rate lies within 30 % at 90 % confidence; here it asks for 30 effective ones. A threshold's interval is where
//! the observed scores have the ends of the rate's interval.
//!
//! The parameters of the fitted tail get their interval from resampling persons (seeded; the fit only describes and checks,
//! no threshold is computed from it).

use std::collections::HashMap;

use rayon::prelude::*;

use super::compared::{Compared, pairs_of_persons};
use super::pareto::Pareto;
use super::random::Random;
use super::{CONFIDENCE, LOOSEST_RATE, RULE_OF_THIRTY, Z};
use crate::card::{Method, OperatingPoint, PointInterval, TailMeasurement};

/// Rates that are tried, loosest first.
const RATES: [f64; 6] = [LOOSEST_RATE, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];

/// Impostor scores that the fit should rest on, if that leaves its start between the two rates below.
const EXCESSES: f64 = 250.0;

/// The fit starts at this rate or a looser one.
const STRICTEST_START: f64 = 1e-3;

/// What the pictures say.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// The supported operating points.
    pub points: Vec<OperatingPoint>,
    /// Their intervals and the fitted tail.
    pub tail: TailMeasurement,
    /// The first rate that is not supported, and why.
    pub unsupported: Option<Unsupported>,
    /// The highest impostor score; above it no error was seen.
    pub highest_impostor: f32,
}

/// A rate of which the pictures say too little.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unsupported {
    /// The rate.
    pub fmr: f64,
    /// False matches that were counted at it.
    pub matches: u64,
    /// As many independent ones carry as much.
    pub effective: f64,
}

/// The pictures say nothing that a card could hold.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    /// Nobody to tell apart.
    #[error("pictures of at least two people are needed, {0} found")]
    TooFewPeople(usize),
    /// No true match rate.
    #[error(
        "at least one person needs two pictures: without a genuine comparison nothing says what a threshold costs"
    )]
    NoGenuine,
    /// Not even the loosest rate.
    #[error(
        "{impostors} impostor comparisons of {people} people support no threshold: at a false match rate of {LOOSEST_RATE} \
         they hold {:.1} independent false matches, and the rule of 30 asks for 30; add people rather than pictures",
        .unsupported.effective
    )]
    TooFewComparisons {
        /// Comparisons of two persons.
        impostors: u64,
        /// How many persons.
        people: usize,
        /// The loosest rate.
        unsupported: Unsupported,
    },
    /// Many scores are exactly equal: copies of a picture under two names, for instance.
    #[error(
        "the highest impostor scores cannot be fitted; are there copies of pictures under several names?"
    )]
    NoFit,
}

/// Measures. `resamples` and `seed` belong to the interval of the fitted shape.
///
/// # Errors
/// [`CalibrationError`]
pub fn measure(compared: &Compared, resamples: u32, seed: u64) -> Result<Calibration, CalibrationError> {
    let people = compared.pictures.iter().filter(|pictures| **pictures > 0).count();
    if people < 2 {
        return Err(CalibrationError::TooFewPeople(people));
    }
    if compared.genuine.is_empty() {
        return Err(CalibrationError::NoGenuine);
    }
    let (mut points, mut intervals, mut unsupported) = (Vec::new(), Vec::<PointInterval>::new(), None);
    for fmr in RATES {
        let (threshold, matches, effective) = at_rate(compared, fmr);
        if effective < RULE_OF_THIRTY || !(-1.0..1.0).contains(&threshold) {
            unsupported = Some(Unsupported { fmr, matches, effective });
            break;
        }
        let (low, high) = interval(compared, fmr, effective);
        points.push(OperatingPoint { fmr, threshold, tmr: compared.match_rate(threshold) });
        intervals.push(PointInterval {
            fmr,
            low: low.min(threshold),
            high: high.max(threshold),
            effective_matches: effective,
        });
    }
    if let (true, Some(unsupported)) = (points.is_empty(), unsupported) {
        return Err(CalibrationError::TooFewComparisons {
            impostors: compared.impostors,
            people,
            unsupported,
        });
    }
    let (fit, shapes) = fit(compared, resamples, seed).ok_or(CalibrationError::NoFit)?;
    let tail = TailMeasurement {
        method: Method::VarianceOverPersons,
        persons: people as u64,
        pictures: compared.pictures.iter().sum(),
        confidence: CONFIDENCE,
        intervals,
        above: fit.above as f32,
        rate: fit.rate,
        scale: fit.scale,
        shape: fit.shape,
        shape_low: shapes.0,
        shape_high: shapes.1,
        remark: String::new(),
    };
    let highest_impostor = compared.highest.first().map_or(-1.0, |impostor| impostor.score);
    Ok(Calibration { points, tail, unsupported, highest_impostor })
}

/// At 95 % confidence the true rate is at most this, if `trials` independent trials held no error (rule of 3).
#[must_use]
pub fn rule_of_three(trials: u64) -> f64 {
    (3.0 / trials.max(1) as f64).min(1.0)
}

/// The lowest threshold that keeps the rate, how many reach it, and how many independent ones carry as much.
fn at_rate(compared: &Compared, fmr: f64) -> (f32, u64, f64) {
    let allowed = (fmr * compared.impostors as f64) as usize;
    let threshold = compared.highest.get(allowed).map_or(-1.0, |first| first.score.next_up());
    let matches = compared.highest.partition_point(|impostor| impostor.score >= threshold);
    (threshold, matches as u64, effective_matches(compared, matches))
}

/// The first `matches` of the highest scores as so many independent ones.
fn effective_matches(compared: &Compared, matches: usize) -> f64 {
    let count = matches as f64;
    if matches == 0 {
        return 0.0;
    }
    let rate = count / compared.impostors as f64;
    let mut pairs = HashMap::<(u32, u32), f64>::new();
    for impostor in &compared.highest[..matches] {
        *pairs.entry((impostor.left, impostor.right)).or_default() += 1.0;
    }
    let all: f64 = compared.pictures.iter().sum::<u64>() as f64;
    let mut persons: Vec<f64> = compared
        .pictures
        .iter()
        .map(|own| -rate * *own as f64 * (all - *own as f64)) // what is expected of each person's comparisons
        .collect();
    let mut own = 0.0;
    // In a fixed order, so that sums do not depend on a hash.
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|(persons, _)| *persons);
    for ((left, right), found) in pairs {
        persons[left as usize] += found;
        persons[right as usize] += found;
        own += found * found;
    }
    let variance = persons.iter().map(|excess| excess * excess).sum::<f64>() - own;
    // Never better than independent.
    count * count / variance.max(count)
}

/// The scores at the ends of the rate's interval.
fn interval(compared: &Compared, fmr: f64, effective: f64) -> (f32, f32) {
    let factor = rate_factor(effective);
    let at = |rate: f64| {
        let place = (rate * compared.impostors as f64) as usize;
        compared.highest.get(place).or(compared.highest.last()).map_or(-1.0, |impostor| impostor.score)
    };
    (at(fmr * factor), at(fmr / factor))
}

/// How far a rate that rests on so many independent errors may be off, as a factor, at 90 % confidence.
pub(super) fn rate_factor(effective: f64) -> f64 {
    (Z / effective.sqrt()).exp()
}

/// The fit, and where its shape lies when persons are drawn again.
fn fit(compared: &Compared, resamples: u32, seed: u64) -> Option<(Pareto, (f64, f64))> {
    let rate = (EXCESSES / compared.impostors as f64).clamp(STRICTEST_START, LOOSEST_RATE);
    let allowed = (rate * compared.impostors as f64) as usize;
    let tail = compared.highest.get(..=allowed)?;
    let above = f64::from(tail[allowed].score);
    let once = tail.iter().map(|impostor| (f64::from(impostor.score), 1));
    let fit = Pareto::fit(above, rate, once)?;
    let first = Random::new(seed).bits();
    let mut shapes: Vec<f64> = (0..u64::from(resamples))
        .into_par_iter()
        .filter_map(|resample| {
            let times = drawn_again(compared.pictures.len(), first.wrapping_add(resample));
            let counted = tail.iter().map(|impostor| {
                (f64::from(impostor.score), times[impostor.left as usize] * times[impostor.right as usize])
            });
            let reached: u64 = counted.clone().map(|(_, times)| times).sum();
            let weights: Vec<u64> = times.iter().zip(&compared.pictures).map(|(a, b)| a * b).collect();
            let rate = reached as f64 / pairs_of_persons(&weights).max(1) as f64;
            Pareto::fit(above, rate, counted).map(|fit| fit.shape)
        })
        .collect();
    shapes.sort_by(f64::total_cmp);
    let end = |share: f64| {
        let place = (share * shapes.len() as f64) as usize;
        shapes.get(place.min(shapes.len().saturating_sub(1))).copied().unwrap_or(fit.shape)
    };
    let outside = (1.0 - CONFIDENCE) / 2.0;
    Some((fit, (end(outside).min(fit.shape), end(1.0 - outside).max(fit.shape))))
}

/// How often each person is drawn, if as many are drawn with replacement as there are.
fn drawn_again(persons: usize, seed: u64) -> Vec<u64> {
    // The first numbers of neighbouring seeds are unlike, so that their sequences do not run into each other.
    let (mut random, mut times) = (Random::new(Random::new(seed).bits()), vec![0; persons]);
    (0..persons).for_each(|_| times[random.below(persons)] += 1);
    times
}

#[cfg(test)]
#[path = "measure_tests.rs"]
mod tests;
