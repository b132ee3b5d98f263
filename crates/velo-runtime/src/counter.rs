//! The lock in front of the desk, and manners at it: who works in turns lets those pass who wait.
//!
//! Owns: the lock. A mutex hands itself to nobody: whoever releases it and comes back at once has it again before a sleeper is awake.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// How long one who works in turns waits for the others: longer than it takes to wake a thread.
const WAY: Duration = Duration::from_micros(100);

/// Something behind a lock.
#[derive(Debug, Default)]
pub(crate) struct Counter<T> {
    state: Mutex<T>,
    /// Threads that found it locked and wait. Relaxed: only a hint.
    waiting: AtomicU32,
}

impl<T> Counter<T> {
    /// Locks. After a panic under the lock `heal` is called once, and then the lock serves on.
    pub(crate) fn lock(&self, heal: impl FnOnce(&mut T)) -> MutexGuard<'_, T> {
        match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => self.healed(poisoned, heal),
            Err(TryLockError::WouldBlock) => {
                self.waiting.fetch_add(1, Ordering::Relaxed);
                let locked = self.state.lock();
                self.waiting.fetch_sub(1, Ordering::Relaxed);
                locked.unwrap_or_else(|poisoned| self.healed(poisoned, heal))
            }
        }
    }

    /// Call between two turns, without the lock: others that wait for it have it first.
    pub(crate) fn give_way(&self) {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let begin = Instant::now();
        while self.waiting.load(Ordering::Relaxed) > 0 && begin.elapsed() < WAY {
            std::thread::yield_now();
        }
    }

    #[cold]
    fn healed<'a>(&self, poisoned: PoisonError<MutexGuard<'a, T>>, heal: impl FnOnce(&mut T)) -> MutexGuard<'a, T> {
        self.state.clear_poison();
        let mut state = poisoned.into_inner();
        heal(&mut state);
        state
    }
}
