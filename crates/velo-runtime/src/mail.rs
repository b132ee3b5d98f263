//! Verdicts on their way to an isolate.
//!
//! Owns: what a verdict says, the key it is known by until it is taken, and who has to be woken. Not here: where they wait
//! (`schedule.rs`).

use crate::isolate::Isolate;
use crate::page::Bell;
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
