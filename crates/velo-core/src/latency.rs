//! Latencies of one stream: a handful of raw samples, and a histogram only for streams that live long enough to need one.
//!
//! Owns: the samples. In and out are microseconds; inside they are whole nanoseconds, so that short ones keep their digits.

use crate::histogram::{Histogram, rank, told};

/// Samples kept as they are before a histogram is allocated.
const RAW: usize = 16;

/// The latencies of one stream. Empty it holds no memory.
#[derive(Clone, Debug)]
pub enum Latency {
    /// At most 16 samples, in nanoseconds.
    Raw(Vec<u64>),
    /// More than 16 samples.
    Binned(Box<Histogram>),
}

/// Quantiles in microseconds, NaN without samples.
#[derive(Clone, Copy, Debug)]
pub struct Quantiles {
    /// Half of the samples are at or below.
    pub p50: f64,
    /// 95 % of the samples are at or below.
    pub p95: f64,
    /// 99 % of the samples are at or below.
    pub p99: f64,
    /// How many samples the three rest on.
    pub samples: u64,
}

/// How latencies spread over bounds; microseconds.
#[derive(Clone, Debug)]
pub struct Spread {
    /// How many samples lie at or below each bound.
    pub at_most: Vec<u64>,
    /// Of all samples.
    pub sum: f64,
    /// How many there are.
    pub samples: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self::Raw(Vec::new())
    }
}

impl Latency {
    /// Adds a sample in microseconds. What is no duration (negative, NaN) is left out.
    pub fn record(&mut self, micros: f64) {
        if let Some(nanos) = nanos(micros) {
            self.push(nanos);
        }
    }

    /// Adds everything another one has recorded.
    pub fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Self::Raw(samples)) => samples.iter().for_each(|nanos| self.push(*nanos)),
            (Self::Binned(mine), Self::Binned(more)) => mine.merge(more),
            (Self::Raw(samples), Self::Binned(more)) => {
                let mut histogram = more.clone();
                samples.iter().for_each(|nanos| histogram.record(*nanos));
                *self = Self::Binned(histogram);
            }
        }
    }

    fn push(&mut self, nanos: u64) {
        match self {
            Self::Raw(samples) if samples.len() < RAW => {
                // Grows by doubling from one: most streams are short, and 16 places would be their largest part.
                if samples.len() == samples.capacity() {
                    samples.reserve_exact(samples.len().max(1));
                }
                samples.push(nanos);
            }
            Self::Raw(samples) => {
                let mut histogram = Box::<Histogram>::default();
                samples.iter().chain([&nanos]).for_each(|sample| histogram.record(*sample));
                *self = Self::Binned(histogram);
            }
            Self::Binned(histogram) => histogram.record(nanos),
        }
    }

    /// How everything recorded spreads over bounds in microseconds, which ascend. A few samples are counted where a histogram counts them, too: with one
    /// more they may become one, and what lies at or below a bound never gets less.
    #[must_use]
    pub fn spread(&self, bounds: &[f64]) -> Spread {
        let nanos: Vec<f64> = bounds.iter().map(|micros| micros * 1000.0).collect();
        let (at_most, sum, samples) = match self {
            Self::Raw(samples) => {
                let below = |bound: &f64| samples.iter().filter(|sample| told(**sample) <= *bound).count() as u64;
                (nanos.iter().map(below).collect(), samples.iter().sum(), samples.len() as u64)
            }
            Self::Binned(histogram) => (histogram.at_most(&nanos), histogram.sum(), histogram.count()),
        };
        Spread { at_most, sum: sum as f64 / 1000.0, samples }
    }

    /// The quantiles of everything recorded.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        match self {
            Self::Raw(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                let at = |q| {
                    let rank = rank(q, sorted.len() as u64).and_then(|rank| usize::try_from(rank).ok());
                    rank.and_then(|rank| sorted.get(rank)).map(|nanos| *nanos as f64)
                };
                Quantiles::from(at, sorted.len() as u64)
            }
            Self::Binned(histogram) => Quantiles::from(|q| histogram.quantile(q), histogram.count()),
        }
    }
}

impl Quantiles {
    fn from(nanos: impl Fn(f64) -> Option<f64>, samples: u64) -> Self {
        let micros = |q| nanos(q).map_or(f64::NAN, |nanos| nanos / 1000.0);
        Self { p50: micros(0.50), p95: micros(0.95), p99: micros(0.99), samples }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a number from 0 up")]
fn nanos(micros: f64) -> Option<u64> {
    (micros >= 0.0).then_some((micros * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::Latency;

    #[test]
    fn without_samples_there_are_no_quantiles() {
        let quantiles = Latency::default().quantiles();
        assert!(quantiles.p50.is_nan() && quantiles.p95.is_nan() && quantiles.p99.is_nan());
        assert_eq!(quantiles.samples, 0);
    }

    #[test]
    fn sixteen_samples_are_exact_and_the_seventeenth_makes_a_histogram() {
        let mut latency = Latency::default();
        (1..=16).for_each(|micros| latency.record(f64::from(micros)));
        assert!(matches!(latency, Latency::Raw(_)));
        assert_eq!((latency.quantiles().p50, latency.quantiles().p99), (8.0, 16.0));
        latency.record(17.0);
        assert!(matches!(latency, Latency::Binned(_)));
        assert!((latency.quantiles().p50 - 9.0).abs() < 0.1);
        assert_eq!(latency.quantiles().samples, 17);
    }

    #[test]
    fn a_handful_and_many_spread_alike() {
        let mut latency = Latency::default();
        (1..=10).for_each(|micros| latency.record(f64::from(micros)));
        let spread = latency.spread(&[0.5, 1.1, 5.1, 100.0]);
        assert_eq!((spread.at_most, spread.sum, spread.samples), (vec![0, 1, 5, 10], 55.0, 10));
        (11..=100).for_each(|micros| latency.record(f64::from(micros)));
        let spread = latency.spread(&[0.5, 10.1, 50.5, 101.0]);
        assert_eq!((spread.at_most, spread.sum, spread.samples), (vec![0, 10, 50, 100], 5050.0, 100));
    }

    #[test]
    fn what_lies_at_or_below_a_bound_never_gets_less() {
        let bounds = [5.0, 10.0, 25.0, 50.0];
        for nanos in 4_900..5_100 {
            let mut latency = Latency::default();
            latency.record(f64::from(nanos) / 1000.0);
            let mut last = latency.spread(&bounds).at_most;
            for _ in 0..20 {
                latency.record(30.0);
                let now = latency.spread(&bounds).at_most;
                assert!(
                    last.iter().zip(&now).all(|(before, after)| before <= after),
                    "{nanos}: {now:?} after {last:?}"
                );
                last = now;
            }
        }
    }

    #[test]
    fn what_is_no_duration_is_left_out() {
        let mut latency = Latency::default();
        [-1.0, f64::NAN].into_iter().for_each(|micros| latency.record(micros));
        latency.record(f64::INFINITY);
        assert_eq!(latency.quantiles().samples, 1);
    }
}
