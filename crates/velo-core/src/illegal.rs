//! What a table answers to an input that cannot occur where it came: somebody has broken the law.
//!
//! Owns: the error of both tables. Not here: what is legal (`machine.rs`, `life.rs`).

use std::error::Error;
use std::fmt;

/// An input that its state does not have. Nothing has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Illegal<S, I> {
    /// Where it came.
    pub from: S,
    /// What came.
    pub input: I,
}

impl<S: fmt::Debug, I: fmt::Debug> fmt::Display for Illegal<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no input of {:?}", self.input, self.from)
    }
}

impl<S: fmt::Debug, I: fmt::Debug> Error for Illegal<S, I> {}
