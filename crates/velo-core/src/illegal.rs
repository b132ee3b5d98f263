//! What a table answers to a trigger that cannot occur where it came: somebody has broken the law.
//!
//! Owns: the error of both tables. Not here: what is legal (`machine.rs`, `life.rs`).

use std::error::Error;
use std::fmt;

/// A trigger that its state does not have. Nothing has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Illegal<S, T> {
    /// Where it came.
    pub from: S,
    /// What came.
    pub trigger: T,
}

impl<S: fmt::Debug, T: fmt::Debug> fmt::Display for Illegal<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no trigger of {:?}", self.trigger, self.from)
    }
}

impl<S: fmt::Debug, T: fmt::Debug> Error for Illegal<S, T> {}
