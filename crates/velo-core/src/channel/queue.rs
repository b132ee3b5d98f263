//! The queue of a channel under loom, which knows nothing of crossbeam's: a plain one behind a lock, with the same names and answers.
//!
//! Owns: nothing of a build that is used. It lets loom run through what is built on a channel (`duct.rs`).

use loom::sync::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

struct State<T> {
    values: VecDeque<T>,
    capacity: usize,
    /// Halves that are alive.
    halves: usize,
}

pub(super) struct Sender<T>(Arc<Mutex<State<T>>>);
pub(super) struct Receiver<T>(Arc<Mutex<State<T>>>);

pub(super) enum TrySendError<T> {
    Full(T),
    Disconnected(T),
}

pub(super) enum TryRecvError {
    Empty,
    Disconnected,
}

pub(super) fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = Arc::new(Mutex::new(State { values: VecDeque::new(), capacity, halves: 2 }));
    (Sender(Arc::clone(&state)), Receiver(state))
}

impl<T> Sender<T> {
    pub(super) fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut state = self.0.lock().unwrap();
        if state.halves < 2 {
            return Err(TrySendError::Disconnected(value));
        }
        if state.values.len() == state.capacity {
            return Err(TrySendError::Full(value));
        }
        state.values.push_back(value);
        Ok(())
    }
}

impl<T> Receiver<T> {
    pub(super) fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut state = self.0.lock().unwrap();
        let gone = if state.halves < 2 { TryRecvError::Disconnected } else { TryRecvError::Empty };
        state.values.pop_front().ok_or(gone)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap().values.is_empty()
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.lock().unwrap().halves -= 1;
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.lock().unwrap().halves -= 1;
    }
}

impl<T> std::fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender")
    }
}

impl<T> std::fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Receiver")
    }
}
