//! Which worker thread a stream goes to.
//!
//! Owns: the choice. Not here: the threads, and how their load is measured.

/// Load of one worker thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Streams it serves now.
    pub streams: f64,
    /// Part of its time that it was busy lately, 0 to 1.
    pub busy: f64,
}

/// The thread for a new stream: `None` = start another one.
///
/// The load of a thread is its share of all streams plus the part of its time that it is busy, so that many quiet streams weigh
/// as much as one that computes. The least loaded thread is taken, the first among equals; another one is started while
/// there are fewer than `max` and none of those that run is without streams.
#[must_use]
pub fn choose(loads: &[Load], max: usize) -> Option<usize> {
    if loads.len() < max && loads.iter().all(|load| load.streams > 0.0) {
        return None;
    }
    let total = loads.iter().map(|load| load.streams).sum::<f64>().max(1.0);
    let weigh = |load: &Load| load.streams / total + load.busy;
    let least = loads.iter().enumerate().min_by(|(_, a), (_, b)| weigh(a).total_cmp(&weigh(b)));
    least.map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::{Load, choose};

    fn load(streams: f64, busy: f64) -> Load {
        Load { streams, busy }
    }

    #[test]
    fn a_thread_without_streams_is_used_before_another_is_started() {
        assert_eq!(choose(&[], 2), None);
        assert_eq!(choose(&[load(0.0, 0.0)], 2), Some(0));
        assert_eq!(choose(&[load(1.0, 0.0)], 2), None);
        assert_eq!(choose(&[load(1.0, 0.0)], 1), Some(0));
    }

    #[test]
    fn streams_are_spread_and_busy_threads_spared() {
        assert_eq!(choose(&[load(2.0, 0.1), load(1.0, 0.1)], 2), Some(1));
        assert_eq!(choose(&[load(3.0, 0.1), load(3.0, 0.1)], 2), Some(0));
        assert_eq!(
            choose(&[load(10.0, 0.0), load(1.0, 1.0)], 2),
            Some(0),
            "ten quiet streams against one that computes"
        );
    }
}
