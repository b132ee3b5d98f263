//! Verdicts on their way to an isolate.
//!
//! Owns: what a verdict says, the key it is known by until it is taken, and who has to be woken. Not here: where they wait
//! (`schedule.rs`).

use crate::isolate::Isolate;
use crate::page::Bell;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use velo_core::signal::Verdict;

/// One verdict, as `take` hands it to JavaScript.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// What happened.
    pub verdict: Verdict,
    /// The slot of the stream, the id of a timer of no stream, or which trouble; else 0.
    pub about: u64,
    /// The generation of the row; 0 where there is no row.
    pub generation: f64,
    /// The count the verdict rests on: delivered events for `Idle`, read results for `Stall`, else 0.
    pub seen: f64,
}

/// What a deadline or a verdict is about, among those of one isolate. The order of the fields is the order among deadlines of the
/// same millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// See `Message`. Ids of timers grow for ever, so this is wider than a slot.
    pub(crate) about: u64,
    pub(crate) verdict: Verdict,
}

impl Key {
    pub(crate) fn of(slot: u32, verdict: Verdict) -> Self {
        Self { about: slot.into(), verdict }
    }

    /// The slot of the stream it is about; `None` when it is about something else.
    pub(crate) fn slot(self) -> Option<u32> {
        match self.verdict {
            Verdict::Idle | Verdict::Duration | Verdict::Stall | Verdict::Close | Verdict::Admitted => {
                u32::try_from(self.about).ok()
            }
            Verdict::Timer | Verdict::DrainAbort | Verdict::Drained | Verdict::Trouble => None,
        }
    }

    /// The verdict as it is told, with what its row says.
    pub(crate) const fn message(self, generation: f64, seen: f64) -> Message {
        Message { verdict: self.verdict, about: self.about, generation, seen }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.about << 4 ^ self.verdict as u64);
    }
}

/// Hashes a `Key`, which no outsider chooses: one multiplication is enough.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

pub(crate) type KeyState = BuildHasherDefault<KeyHasher>;

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        // The high half of the product is mixed into the low half, from which the table takes its bucket.
        let product = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whether verdicts wait for an isolate: a look without the lock of the desk, because the doorbell also rings for ducts.
#[derive(Debug, Default)]
pub struct Mail(AtomicBool);

impl Mail {
    /// False only when nothing was posted before the bell was answered: whatever is posted later rings again.
    #[must_use]
    pub fn waits(&self) -> bool {
        // Acquire: pairs with the Release in `set`. The fences of the doorbell's flag order this look after its answer.
        self.0.load(Ordering::Acquire)
    }

    /// Called with the desk locked, before the bell is rung.
    pub(crate) fn set(&self, waits: bool) {
        // Release: pairs with the Acquire in `waits`.
        self.0.store(waits, Ordering::Release);
    }
}

/// What has to happen after the lock of the desk is released.
#[derive(Default)]
pub(crate) struct Errands {
    pub(crate) bells: Vec<Arc<dyn Bell>>,
    pub(crate) wake_timer: bool,
    /// Dropped then, because it may hold much.
    pub(crate) gone: Option<Isolate>,
}

impl Errands {
    pub(crate) fn is_empty(&self) -> bool {
        !self.wake_timer && self.bells.is_empty() && self.gone.is_none()
    }

    /// Rings each bell once, however many verdicts it announces.
    pub(crate) fn ring(&mut self, bell: &Arc<dyn Bell>) {
        if !self.bells.iter().any(|known| Arc::ptr_eq(known, bell)) {
            self.bells.push(Arc::clone(bell));
        }
    }
}
