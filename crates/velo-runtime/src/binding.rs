//! The row of a stream of which a function runs on another thread: that thread reports, and the report lands in the row.
//!
//! Owns: that nothing is written once the row serves somebody else.

use crate::page::{Page, Row};
use std::sync::{Arc, Mutex, PoisonError};
use velo_core::row::Word;

/// A row that can be taken away.
pub struct Binding {
    place: Mutex<Option<(Arc<dyn Page>, usize)>>,
    /// Events delivered by threads that exited before this one took over; `None` for the later stages of a pipeline, whose
    /// events are not those of the stream.
    before: Option<f64>,
}

impl Binding {
    /// For the first stage.
    pub(crate) fn head(page: Arc<dyn Page>, first: usize) -> Arc<Self> {
        let before = Some(Row::at(&*page, first).get(Word::Delivered));
        Arc::new(Self { place: Mutex::new(Some((page, first))), before })
    }

    /// For the later stages of a pipeline.
    pub(crate) fn later(page: Arc<dyn Page>, first: usize) -> Arc<Self> {
        Arc::new(Self { place: Mutex::new(Some((page, first))), before: None })
    }

    /// Events given to the function so far, and whether it waits for the next one since `now`. A pipeline is idle only while every
    /// stage waits, so the wait of a later stage restarts the clock.
    pub(crate) fn write(&self, delivered: u64, waiting: bool, now: f64) {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((page, first)) = &*place else { return };
        let row = Row::at(&**page, *first);
        if let Some(before) = self.before {
            #[expect(clippy::cast_precision_loss, reason = "a count of events stays far below 2^53")]
            row.set(Word::Delivered, before + delivered as f64);
        }
        if waiting {
            row.set(Word::WaitingSince, now);
        }
        if self.before.is_some() {
            row.set(Word::Waiting, f64::from(u8::from(waiting)));
        }
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
