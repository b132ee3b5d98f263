//! How often latency is measured.

/// One event in this many is timed: a clock read per event would cost a fifth of the path. The number of samples is
/// published beside the quantiles.
pub const SAMPLE_EVERY: usize = 64;
