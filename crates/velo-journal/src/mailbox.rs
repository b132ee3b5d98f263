//! Where the answers of one client wait.
//!
//! Owns: that queue, whose bound is the number of commands a client may have under way, and the waking of whoever reads it.

use crate::commit::Answer;
use crate::failure::Failure;
use crate::wire;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Wakes a client; called on the thread of the writer.
pub type Wake = Box<dyn Fn() + Send + std::marker::Sync>;

/// Answers on their way to one client.
pub(crate) struct Mailbox {
    answers: Mutex<Vec<u8>>,
    /// Submissions that are not answered.
    pub(crate) under_way: AtomicUsize,
    wake: Wake,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

impl Mailbox {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { answers: Mutex::default(), under_way: AtomicUsize::new(0), wake }
    }

    /// Puts the answers to commands in, and wakes the client.
    pub(crate) fn put(&self, answers: &[(u32, Result<Answer, Failure>)]) {
        let mut waiting = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, answer) in answers {
            wire::put_answer(&mut waiting, *id, answer);
        }
        drop(waiting);
        (self.wake)();
    }

    /// One submission less is under way.
    pub(crate) fn answered(&self) {
        // Release; pairs with the Acquire in `Client::submit`.
        self.under_way.fetch_sub(1, Ordering::Release);
    }

    pub(crate) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
