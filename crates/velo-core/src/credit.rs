//! Credits: how many events one side may still send without asking.
//!
//! Owns: the count of what was granted, and how many senders may wait for more. Not here: the counts of what was consumed, which the reader of
//! the channel keeps.

/// The shortest line of sends: with a small buffer a few senders may wait all the same.
const SHORTEST_LINE: u32 = 16;

/// How many sends may wait for credits; one more is refused.
#[must_use]
pub const fn line(capacity: u32) -> u32 {
    if capacity > SHORTEST_LINE { capacity } else { SHORTEST_LINE }
}

/// The ledger of one channel. At most `capacity` credits are out at any time, so at most `capacity` values wait in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    capacity: u32,
    granted: u64,
}

impl Ledger {
    /// A ledger that has granted nothing.
    #[must_use]
    pub const fn new(capacity: u32) -> Self {
        Self { capacity, granted: 0 }
    }

    /// A ledger of a stream that opens: all credits are out, so that a short stream never has to ask.
    #[must_use]
    pub const fn opened(capacity: u32) -> Self {
        Self { capacity, granted: capacity as u64 }
    }

    /// How many values the channel holds.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Credits granted since the start.
    #[must_use]
    pub const fn granted(&self) -> u64 {
        self.granted
    }

    /// Grants as many credits as keep `granted - consumed <= capacity`. `consumed` counts the values that left the
    /// channel since the start; more than were granted, or fewer than before, grants nothing it should not.
    pub fn grant(&mut self, consumed: u64) -> u32 {
        let outstanding = self.granted - consumed.min(self.granted);
        // Outstanding fits the capacity unless `consumed` went backwards; then nothing is granted.
        let room = u64::from(self.capacity).saturating_sub(outstanding);
        self.granted += room;
        u32::try_from(room).unwrap_or(self.capacity)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, line};

    #[test]
    fn as_many_sends_wait_as_there_are_places_and_never_fewer_than_sixteen() {
        assert_eq!([1, 15, 16, 17, u32::MAX].map(line), [16, 16, 16, 17, u32::MAX]);
    }

    #[test]
    fn the_first_grant_fills_the_channel_and_later_ones_replace_what_was_consumed() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.grant(0), 4);
        assert_eq!(ledger.grant(0), 0);
        assert_eq!(ledger.grant(3), 3);
        assert_eq!((ledger.granted(), ledger.capacity()), (7, 4));
        let mut opened = Ledger::opened(4);
        assert_eq!((opened.granted(), opened.grant(0), opened.grant(1)), (4, 0, 1));
    }

    #[test]
    fn a_wrong_count_never_grants_more_than_the_capacity() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.grant(99), 4);
        assert_eq!(ledger.grant(99), 4);
        assert_eq!(ledger.grant(2), 0);
    }
}
