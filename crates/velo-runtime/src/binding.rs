//! The row of a stream whose function runs on another thread: that thread reports, and the report lands in the row.
//!
//! Owns: that nothing is written once the row serves somebody else.

use crate::page::{Page, Row};
use std::sync::{Arc, Mutex, PoisonError};
use velo_core::row::Word;

/// A row that can be taken away.
pub struct Binding {
    place: Mutex<Option<(Arc<dyn Page>, usize)>>,
    /// Events that a function before this one got: its thread was lost, and another one took over.
    before: f64,
}

impl Binding {
    pub(crate) fn new(page: Arc<dyn Page>, first: usize) -> Arc<Self> {
        let before = Row::at(&*page, first).get(Word::Delivered);
        Arc::new(Self { place: Mutex::new(Some((page, first))), before })
    }

    /// Events given to the function so far, and whether it waits for the next one since `now`.
    pub(crate) fn write(&self, delivered: u64, waiting: bool, now: f64) {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((page, first)) = &*place else { return };
        let row = Row::at(&**page, *first);
        #[expect(clippy::cast_precision_loss, reason = "a count of events stays far below 2^53")]
        row.set(Word::Delivered, self.before + delivered as f64);
        if waiting {
            row.set(Word::WaitingSince, now);
        }
        row.set(Word::Waiting, f64::from(u8::from(waiting)));
    }

    /// The stream is over: its row is not written to any more.
    pub(crate) fn clear(&self) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Binding")
    }
}
