//! The gate of one stream function: who may be open, who stands in line, who was let go without having finished.
//!
//! Owns: the counts and the line. Not here: rows, timers, and which function's line is served next when the limit of the
//! whole process has room again (`velo-runtime`).

use crate::signal::Refusal;
use std::collections::VecDeque;

/// The limit of the whole process; off unless one is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limit {
    max: Option<u32>,
    open: u32,
}

impl Limit {
    /// Sets the limit, or switches it off. Streams beyond a lowered limit stay open.
    pub const fn set(&mut self, max: Option<u32>) {
        self.max = max;
    }

    /// Streams open in the process.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.open
    }

    /// Whether one more stream may open.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        match self.max {
            Some(max) => self.open < max,
            None => true,
        }
    }
}

/// What the gate offers to a stream that wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A permit.
    Permit,
    /// A place in the line.
    Line,
}

/// The gate of one function. A ticket is a number that grows with every arrival in the process.
#[derive(Debug)]
pub struct Gate<K> {
    max: u32,
    queue: u32,
    open: u32,
    detached: u32,
    line: VecDeque<(u64, K)>,
}

impl<K: Copy> Gate<K> {
    /// A gate with `max` permits and `queue` places in its line.
    #[must_use]
    pub const fn new(max: u32, queue: u32) -> Self {
        Self { max, queue, open: 0, detached: 0, line: VecDeque::new() }
    }

    /// Streams that hold a permit.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.open
    }

    /// Functions that run on although their stream is over.
    #[must_use]
    pub const fn detached(&self) -> u32 {
        self.detached
    }

    /// Streams in the line.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.line.len()).unwrap_or(u32::MAX)
    }

    /// What `enter` would do now. A permit is never given past a stream that stands in line.
    pub fn offer(&self, limit: Limit) -> Result<Place, Refusal> {
        if self.detached >= self.max {
            Err(Refusal::Detached)
        } else if self.open < self.max && self.line.is_empty() && limit.has_room() {
            Ok(Place::Permit)
        } else if self.waiting() < self.queue {
            Ok(Place::Line)
        } else {
            Err(Refusal::Overloaded)
        }
    }

    /// Takes a permit or a place in the line.
    pub fn enter(&mut self, ticket: u64, key: K, limit: &mut Limit) -> Result<Place, Refusal> {
        let place = self.offer(*limit)?;
        match place {
            Place::Permit => self.take(limit),
            Place::Line => self.line.push_back((ticket, key)),
        }
        Ok(place)
    }

    /// The ticket of the first in line when this gate has a permit for it; the limit of the process may still refuse.
    #[must_use]
    pub fn ready(&self) -> Option<u64> {
        self.line.front().filter(|_| self.open < self.max).map(|(ticket, _)| *ticket)
    }

    /// Gives a permit to the first in line, if both the gate and the process have room.
    pub fn admit(&mut self, limit: &mut Limit) -> Option<K> {
        if self.open >= self.max || !limit.has_room() {
            return None;
        }
        let (_, key) = self.line.pop_front()?;
        self.take(limit);
        Some(key)
    }

    /// Leaves the line. False when the ticket is not in it.
    pub fn leave(&mut self, ticket: u64) -> bool {
        // Tickets grow along the line, so the place is found by halving.
        let place = self.line.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        place.is_ok_and(|at| self.line.remove(at).is_some())
    }

    /// Gives a permit back.
    pub const fn release(&mut self, limit: &mut Limit) {
        self.open = self.open.saturating_sub(1);
        limit.open = limit.open.saturating_sub(1);
    }

    /// Counts a function that did not stop in time; its permit is given back by `release`.
    pub const fn detach(&mut self) {
        self.detached = self.detached.saturating_add(1);
    }

    /// A detached function has ended after all.
    pub const fn attached(&mut self) {
        self.detached = self.detached.saturating_sub(1);
    }

    /// Nobody is left to say that the detached functions have ended.
    pub const fn forgive(&mut self) {
        self.detached = 0;
    }

    const fn take(&mut self, limit: &mut Limit) {
        self.open += 1;
        limit.open += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, Limit, Place};
    use crate::signal::Refusal;

    #[test]
    fn permits_come_first_then_the_line_then_a_refusal() {
        let (mut gate, mut limit) = (Gate::new(1, 1), Limit::default());
        assert_eq!(gate.enter(1, 'a', &mut limit), Ok(Place::Permit));
        assert_eq!(gate.enter(2, 'b', &mut limit), Ok(Place::Line));
        assert_eq!(gate.enter(3, 'c', &mut limit), Err(Refusal::Overloaded));
        assert_eq!(gate.admit(&mut limit), None);
        gate.release(&mut limit);
        assert_eq!(gate.admit(&mut limit), Some('b'));
        assert_eq!((gate.open(), gate.waiting(), limit.open()), (1, 0, 1));
    }

    #[test]
    fn a_permit_is_never_given_past_the_line() {
        let (mut gate, mut limit) = (Gate::new(2, 4), Limit::default());
        limit.set(Some(0));
        assert_eq!(gate.enter(1, 'a', &mut limit), Ok(Place::Line));
        limit.set(None);
        assert_eq!(gate.enter(2, 'b', &mut limit), Ok(Place::Line));
        assert_eq!(gate.ready(), Some(1));
        assert_eq!(gate.admit(&mut limit), Some('a'));
    }

    #[test]
    fn who_leaves_the_line_is_not_admitted() {
        let (mut gate, mut limit) = (Gate::new(1, 4), Limit::default());
        for ticket in 0..4 {
            assert!(gate.enter(ticket, ticket, &mut limit).is_ok());
        }
        assert!(gate.leave(1));
        assert!(!gate.leave(1));
        gate.release(&mut limit);
        assert_eq!(gate.admit(&mut limit), Some(2));
    }

    #[test]
    fn too_many_detached_functions_shut_the_gate() {
        let (mut gate, mut limit) = (Gate::new(1, 4), Limit::default());
        assert!(gate.enter(1, 'a', &mut limit).is_ok());
        gate.release(&mut limit);
        gate.detach();
        assert_eq!(gate.enter(2, 'b', &mut limit), Err(Refusal::Detached));
        gate.attached();
        assert_eq!((gate.detached(), gate.enter(3, 'c', &mut limit)), (0, Ok(Place::Permit)));
        gate.detach();
        gate.forgive();
        assert_eq!(gate.detached(), 0);
    }
}
