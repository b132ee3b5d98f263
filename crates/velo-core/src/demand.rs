//! Demand: how many values a receiver has asked for, and the sender that sleeps until it asks for more.
//!
//! Owns: the count and the flag around it. Checked with loom (`tests/loom.rs`).

use crate::doorbell::Sleep;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Seen by both sides.
#[derive(Debug)]
pub struct Demand {
    /// Values that may be sent beyond what was asked for.
    ahead: u64,
    /// Values asked for since the beginning. Written by the receiver.
    total: AtomicU64,
    /// The sender has nothing it may send.
    sender: Sleep,
}

impl Demand {
    /// Demand of which `ahead` values may run ahead; 0 = lockstep.
    #[must_use]
    pub fn new(ahead: u32) -> Self {
        Self { ahead: ahead.into(), total: AtomicU64::new(0), sender: Sleep::default() }
    }

    /// How many more values may be sent after `sent`. With none the sender is noted as asleep. Sender only.
    #[must_use]
    pub fn credit(&self, sent: u64) -> u64 {
        let credit = self.look(sent);
        if credit > 0 {
            return credit;
        }
        self.sender.announce();
        let credit = self.look(sent);
        if credit > 0 {
            self.sender.cancel();
        }
        credit
    }

    /// Asks for values, `total` since the beginning; true when the sender must be woken. Receiver only.
    #[must_use]
    pub fn ask(&self, total: u64) -> bool {
        // Release: pairs with the Acquire in `look`.
        self.total.store(total, Ordering::Release);
        self.sender.wake()
    }

    /// Whether the sender sleeps and must be woken, although nothing more is asked for: the receiver is gone.
    #[must_use]
    pub fn leave(&self) -> bool {
        self.sender.wake()
    }

    fn look(&self, sent: u64) -> u64 {
        // Acquire: pairs with the Release in `ask`.
        (self.ahead + self.total.load(Ordering::Acquire)).saturating_sub(sent)
    }
}
