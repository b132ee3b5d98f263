//! Credits: how many events one side may still send without asking.
//!
//! Owns: the count of what was granted. Not here: the counts of what was consumed, which the reader of the channel keeps.

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
    use super::Ledger;

    #[test]
    fn the_first_grant_fills_the_channel_and_later_ones_replace_what_was_consumed() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.grant(0), 4);
        assert_eq!(ledger.grant(0), 0);
        assert_eq!(ledger.grant(3), 3);
        assert_eq!((ledger.granted(), ledger.capacity()), (7, 4));
    }

    #[test]
    fn a_wrong_count_never_grants_more_than_the_capacity() {
        let mut ledger = Ledger::new(4);
        assert_eq!(ledger.grant(99), 4);
        assert_eq!(ledger.grant(99), 4);
        assert_eq!(ledger.grant(2), 0);
    }
}
