//! The flags of a wake-up: one ring for many values, and no ring while nobody sleeps.
//!
//! Owns: the flags and their ordering. Not here: how a sleeper is woken, which is the border's work.
//! Both are checked with loom (`tests/loom.rs`).

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Coalesces rings: from the first `mark` to the next `clear` one ring is enough.
#[derive(Debug)]
pub struct Pending(AtomicBool);

impl Default for Pending {
    fn default() -> Self {
        Self(AtomicBool::new(false))
    }
}

impl Pending {
    /// Call *after* publishing. True when the caller must ring.
    #[must_use]
    pub fn mark(&self) -> bool {
        // A full fence before the look: it pairs with the one in `clear`, so either this side sees the flag down and
        // rings, or the other side sees what was published. The look alone keeps a flag that is up from bouncing
        // between cores.
        fence(Ordering::SeqCst);
        if self.0.load(Ordering::Relaxed) {
            return false;
        }
        // AcqRel: pairs with the store in `clear`; of several marks one rings.
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Call *before* draining: whatever is published after this rings again.
    pub fn clear(&self) {
        // Release: pairs with the swap in `mark`.
        self.0.store(false, Ordering::Release);
        // Pairs with the fence in `mark`: the draining that follows sees everything published before a mark that found
        // the flag still up.
        fence(Ordering::SeqCst);
    }
}

/// The flag of a side that goes to sleep when it finds nothing to do. There is one for each direction: a sender asleep on
/// a full channel has to be woken as much as a receiver asleep on an empty one.
#[derive(Debug)]
pub struct Sleep(AtomicBool);

impl Default for Sleep {
    fn default() -> Self {
        Self(AtomicBool::new(false))
    }
}

impl Sleep {
    /// Announces sleep. The caller must look once more for work afterwards, and call `cancel` when it finds some.
    pub fn announce(&self) {
        self.0.store(true, Ordering::Relaxed);
        // Pairs with the fence in `wake`: the flag is seen by whoever publishes after the last look.
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back.
    pub fn cancel(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Call *after* publishing. True when the other side sleeps and the caller must wake it; only one caller hears true.
    #[must_use]
    pub fn wake(&self) -> bool {
        // Pairs with the fence in `announce`: either this look sees the flag, or the last look there sees the work.
        fence(Ordering::SeqCst);
        self.0.load(Ordering::Relaxed) && self.0.swap(false, Ordering::AcqRel)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Pending, Sleep};

    #[test]
    fn one_ring_until_the_flag_is_cleared() {
        let pending = Pending::default();
        assert!(pending.mark());
        assert!(!pending.mark());
        pending.clear();
        assert!(pending.mark());
    }

    #[test]
    fn only_a_sleeper_is_woken_and_only_once() {
        let sleep = Sleep::default();
        assert!(!sleep.wake());
        sleep.announce();
        assert!(sleep.wake());
        assert!(!sleep.wake());
        sleep.announce();
        sleep.cancel();
        assert!(!sleep.wake());
    }
}
