//! The coarse clock: how often it is published, and how far behind a time read from it may be.
//!
//! Owns: the pace and the record of late ticks. Not here: the clock itself; every time comes from the caller, in ms.

use std::collections::VecDeque;

/// A tick is at most this long.
const LONGEST: f64 = 100.0;
/// What the timer thread adds to a tick: it sleeps in whole milliseconds and wakes a little late.
const GRAIN: f64 = 2.0;
/// Late ticks that are remembered, 64 KB at most: none that a timeout in force still rests on is forgotten, unless the timer thread was late for
/// seconds in sum since.
const GAPS: usize = 4096;

/// The tick for a timeout: 1/32 of it, between 1 and 100 ms.
pub(crate) fn tick_of(timeout: f64) -> f64 {
    (timeout / 32.0).clamp(1.0, LONGEST).floor()
}

/// The ticks that armed idle and stall timers ask for.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How many timers ask for a tick of so many ms; places 1 to 100.
    wanted: [u32; 101],
    total: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { wanted: [0; 101], total: 0 }
    }
}

impl Pace {
    pub(crate) fn add(&mut self, timeout: f64) {
        if let Some(count) = self.place(timeout) {
            *count += 1;
            self.total += 1;
        }
    }

    pub(crate) fn remove(&mut self, timeout: f64) {
        if let Some(count) = self.place(timeout) {
            *count = count.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
        }
    }

    /// The shortest tick asked for, in ms. `None` when the clock may stand still.
    pub(crate) fn shortest(&self) -> Option<u64> {
        if self.total == 0 {
            return None;
        }
        self.wanted.iter().position(|count| *count > 0).and_then(|tick| u64::try_from(tick).ok())
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tick lies between 1 and 100")]
    fn place(&mut self, timeout: f64) -> Option<&mut u32> {
        self.wanted.get_mut(tick_of(timeout) as usize)
    }
}

/// What isolates can see of the time, and when that stood still for longer than a tick.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    shown: f64,
    /// What was shown before, and may have been read until the one after it was there.
    before: f64,
    /// By their begin.
    gaps: VecDeque<(f64, f64)>,
}

impl Clock {
    /// Notes that `now` is about to be written where every isolate sees it.
    pub(crate) fn show(&mut self, now: f64) {
        self.before = self.shown;
        self.shown = now;
    }

    /// Notes that it is there by `now`, `tick` ms being what was aimed at. A machine under load may hold the timer thread up before it reads the
    /// time, or between that and the last write; both make a time last longer.
    pub(crate) fn seen(&mut self, now: f64, tick: f64) {
        if now - self.before > tick + GRAIN {
            if self.gaps.len() == GAPS {
                self.gaps.pop_front();
            }
            self.gaps.push_back((self.before, now));
        }
    }

    /// The latest moment at which JavaScript can have read `time` from the clock, for a timeout that asks for `tick`.
    pub(crate) fn latest(&self, time: f64, tick: f64) -> f64 {
        let usual = time + tick + GRAIN;
        let next = self.gaps.partition_point(|(from, _)| *from <= time);
        let gap = next.checked_sub(1).and_then(|last| self.gaps.get(last)).filter(|(_, to)| time < *to);
        gap.map_or(usual, |(_, to)| usual.max(*to))
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pace, tick_of};

    #[test]
    fn a_tick_is_a_thirty_second_of_the_timeout_within_bounds() {
        assert_eq!([10.0, 64.0, 1000.0, 30_000.0].map(tick_of), [1.0, 2.0, 31.0, 100.0]);
    }

    #[test]
    fn the_shortest_timeout_sets_the_pace_and_none_stops_it() {
        let mut pace = Pace::default();
        assert_eq!(pace.shortest(), None);
        pace.add(30_000.0);
        pace.add(64.0);
        assert_eq!(pace.shortest(), Some(2));
        pace.remove(64.0);
        assert_eq!(pace.shortest(), Some(100));
        pace.remove(30_000.0);
        assert_eq!(pace.shortest(), None);
    }

    #[test]
    fn a_late_tick_is_remembered() {
        let mut clock = Clock::default();
        show(&mut clock, &[(1.0, 1.0), (900.0, 900.0), (1000.0, 1000.0)]);
        assert_eq!(clock.latest(1.0, 100.0), 900.0);
        assert_eq!(clock.latest(900.0, 100.0), 1002.0);
    }

    #[test]
    fn a_time_can_be_read_until_the_next_one_is_written_whole() {
        let mut clock = Clock::default();
        // Between reading 12 and writing it the thread had no turn until 40.
        show(&mut clock, &[(10.0, 10.0), (12.0, 40.0), (42.0, 42.0)]);
        assert_eq!(clock.latest(10.0, 2.0), 40.0);
        assert_eq!(clock.latest(11.0, 2.0), 40.0, "shown to one isolate only, by a stream that began");
        assert_eq!(clock.latest(12.0, 2.0), 42.0);
        assert_eq!(clock.latest(42.0, 2.0), 46.0);
    }

    #[test]
    fn late_ticks_of_minutes_are_remembered() {
        let mut clock = Clock::default();
        let times: Vec<_> = (1..=2000).map(|step| f64::from(step) * 10.0).map(|time| (time, time)).collect();
        show(&mut clock, &times);
        assert_eq!(clock.latest(10.0, 1.0), 20.0);
        assert_eq!(clock.latest(19_990.0, 1.0), 20_000.0);
    }

    fn show(clock: &mut Clock, times: &[(f64, f64)]) {
        for (shown, seen) in times {
            clock.show(*shown);
            clock.seen(*seen, 2.0);
        }
    }
}
