//! A log-linear histogram: quantiles of many values in little memory.
//!
//! Owns: the buckets. A bucket is at most 1/64 of its lower bound wide, and a quantile is the middle of a bucket, so it is
//! off by less than 1 %. Values below 64 are exact.

/// Buckets an octave is cut into, as a power of two.
const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;
/// Values from here up share the last bucket: 2^42, about 73 minutes when the unit is a nanosecond.
const MAX: u64 = (1 << 42) - 1;

/// Counts of whole numbers. Grows to the largest value it has seen, 9.5 KB at most.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    buckets: Vec<u32>,
    count: u64,
    sum: u64,
}

impl Histogram {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        let at = bucket(value);
        if at >= self.buckets.len() {
            self.buckets.resize(at + 1, 0);
        }
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket = bucket.saturating_add(1);
            self.count += 1;
            self.sum = self.sum.saturating_add(value);
        }
    }

    /// Counts everything another histogram has counted.
    pub fn merge(&mut self, other: &Self) {
        if other.buckets.len() > self.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(mine, more)| *mine = mine.saturating_add(*more));
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// How many values were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all values, exact.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// How many values lie at or below each bound; the bounds ascend. A bucket counts where its middle lies.
    pub fn at_most(&self, bounds: &[f64]) -> Vec<u64> {
        let mut counts = vec![0; bounds.len()];
        let mut place = 0;
        for (at, count) in self.buckets.iter().enumerate().filter(|(_, count)| **count > 0) {
            while bounds.get(place).is_some_and(|bound| middle(at) > *bound) {
                place += 1;
            }
            match counts.get_mut(place) {
                Some(sum) => *sum += u64::from(*count),
                None => break,
            }
        }
        let mut seen = 0;
        counts.iter_mut().for_each(|count| {
            seen += *count;
            *count = seen;
        });
        counts
    }

    /// The value below or at which the share `q` (0 to 1) of all values lies. `None` without values.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let rank = rank(q, self.count)?;
        let mut seen = 0;
        let at = self.buckets.iter().position(|count| {
            seen += u64::from(*count);
            seen > rank
        })?;
        Some(middle(at))
    }
}

/// What a histogram tells of one value: the middle of its bucket.
pub(crate) const fn told(value: u64) -> f64 {
    middle(bucket(value))
}

/// The place of a quantile among `count` sorted values, counted from 0.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..count")]
pub(crate) fn rank(q: f64, count: u64) -> Option<u64> {
    let last = count.checked_sub(1)?;
    Some(((q * count as f64).ceil() as u64).saturating_sub(1).min(last))
}

/// The bucket of a value: exact below `SUB`, then `SUB` buckets an octave.
#[expect(clippy::cast_possible_truncation, reason = "the largest bucket is 2367")]
const fn bucket(value: u64) -> usize {
    let value = if value > MAX { MAX } else { value };
    if value < SUB {
        return value as usize;
    }
    let shift = value.ilog2() - SUB_BITS;
    (((shift as u64) << SUB_BITS) + (value >> shift)) as usize
}

/// The middle of a bucket.
#[expect(clippy::cast_precision_loss, reason = "bounds stay below 2^43")]
const fn middle(at: usize) -> f64 {
    let at = at as u64;
    if at < SUB {
        return at as f64;
    }
    let shift = (at >> SUB_BITS) - 1;
    let low = (at - (shift << SUB_BITS)) << shift;
    low as f64 + ((1u64 << shift) - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::{Histogram, MAX, bucket, middle};

    #[test]
    fn every_bucket_starts_where_the_one_before_ends_and_none_is_wide() {
        let mut last = 0;
        for value in (0..100_000).chain((17..42).flat_map(|shift| [(1 << shift) - 1, 1 << shift])) {
            let at = bucket(value);
            assert!(at == last || at == last + 1 || value > 100_000);
            assert!((middle(at) - value as f64).abs() <= value as f64 / 100.0, "{value} {}", middle(at));
            last = at;
        }
        assert_eq!(bucket(u64::MAX), bucket(MAX));
        assert!(bucket(MAX) < 2368);
    }

    #[test]
    fn quantiles_of_a_ramp_are_its_shares() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=60).for_each(|value| histogram.record(value));
        assert_eq!((histogram.quantile(0.5), histogram.quantile(0.0), histogram.count()), (Some(30.0), Some(1.0), 60));
        assert_eq!(histogram.quantile(1.0), Some(60.0));
    }

    #[test]
    fn what_lies_at_or_below_a_bound_is_counted_there_and_at_every_bound_after_it() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.at_most(&[1.0, 2.0]), [0, 0]);
        [3, 10, 10, 11, 1_000_000].into_iter().for_each(|value| histogram.record(value));
        assert_eq!(histogram.at_most(&[1.0, 3.0, 10.0, 20.0, 2e6, 3e6]), [0, 1, 3, 4, 5, 5]);
        assert_eq!(histogram.at_most(&[10.0]), [3]);
        assert_eq!(histogram.sum(), 1_000_034);
        let mut both = histogram.clone();
        both.merge(&histogram);
        assert_eq!((both.sum(), both.at_most(&[10.0])), (2_000_068, vec![6]));
    }
}
