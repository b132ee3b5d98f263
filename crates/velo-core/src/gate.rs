//! The gate of one stream function: who may be open, who stands in line, who was let go without having finished.
//!
//! Owns: the counts and the line. Not here: rows, timers, whose line is served next when the limit of the whole process has
//! room again, and which gates a pipeline passes (`velo-runtime`).

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

    /// Streams that may be open in the process, if that has a limit.
    #[must_use]
    pub const fn max(&self) -> Option<u32> {
        self.max
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
    /// Streams of pipelines that stand in a line of their own until each of their functions, this one too, has room.
    standing: u32,
}

impl<K: Copy> Gate<K> {
    /// A gate with `max` permits and `queue` places in its line.
    #[must_use]
    pub const fn new(max: u32, queue: u32) -> Self {
        Self { max, queue, open: 0, detached: 0, line: VecDeque::new(), standing: 0 }
    }

    /// Changes how many streams may wait in its line. Those that wait there stay.
    pub const fn set_queue(&mut self, queue: u32) {
        self.queue = queue;
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

    /// Streams in the line, and those of pipelines that wait for this gate, too.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        u32::try_from(self.line.len()).unwrap_or(u32::MAX).saturating_add(self.standing)
    }

    /// What `enter` may do now. A permit is never given past a stream that stands in line.
    pub fn offer(&self, limit: Limit) -> Result<Place, Refusal> {
        if self.detached >= self.max {
            Err(Refusal::Detached)
        } else if self.open < self.max && self.line.is_empty() && limit.has_room() {
            Ok(Place::Permit)
        } else {
            self.offer_line()
        }
    }

    /// What a pipeline that runs this function `count` times is offered here: places for all of them, one in line, or never any.
    pub fn offer_places(&self, count: u32) -> Result<Place, Refusal> {
        if self.detached >= self.max {
            Err(Refusal::Detached)
        } else if count > self.max {
            Err(Refusal::Overloaded)
        } else if self.line.is_empty() && self.has_places(count) {
            Ok(Place::Permit)
        } else {
            self.offer_line()
        }
    }

    /// A place in line, if there is one.
    pub fn offer_line(&self) -> Result<Place, Refusal> {
        if self.waiting() < self.queue { Ok(Place::Line) } else { Err(Refusal::Overloaded) }
    }

    /// Takes what was offered.
    pub fn enter(&mut self, place: Place, ticket: u64, key: K, limit: &mut Limit) {
        match place {
            Place::Permit => self.take(limit),
            Place::Line => self.line.push_back((ticket, key)),
        }
    }

    /// Whether `count` more places are free.
    #[must_use]
    pub const fn has_places(&self, count: u32) -> bool {
        self.max.saturating_sub(self.open) >= count
    }

    /// Takes places for a stream of a pipeline. The limit of the process counts that stream once, elsewhere.
    pub const fn take_places(&mut self, count: u32) {
        self.open = self.open.saturating_add(count);
    }

    /// Gives them back; `detached`: the functions go on.
    pub const fn give_places(&mut self, count: u32, detached: bool) {
        self.open = self.open.saturating_sub(count);
        if detached {
            self.detached = self.detached.saturating_add(count);
        }
    }

    /// A stream of a pipeline waits for this gate, too.
    pub const fn stand(&mut self) {
        self.standing = self.standing.saturating_add(1);
    }

    /// It waits no more.
    pub const fn unstand(&mut self) {
        self.standing = self.standing.saturating_sub(1);
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

    /// `count` detached functions have ended after all.
    pub const fn attached(&mut self, count: u32) {
        self.detached = self.detached.saturating_sub(count);
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

    fn enter(gate: &mut Gate<u64>, ticket: u64, limit: &mut Limit) -> Result<Place, Refusal> {
        let offered = gate.offer(*limit)?;
        gate.enter(offered, ticket, ticket, limit);
        Ok(offered)
    }

    #[test]
    fn permits_come_first_then_the_line_then_a_refusal() {
        let (mut gate, mut limit) = (Gate::new(1, 1), Limit::default());
        assert_eq!(enter(&mut gate, 1, &mut limit), Ok(Place::Permit));
        assert_eq!(enter(&mut gate, 2, &mut limit), Ok(Place::Line));
        assert_eq!(enter(&mut gate, 3, &mut limit), Err(Refusal::Overloaded));
        assert_eq!(gate.admit(&mut limit), None);
        gate.release(&mut limit);
        assert_eq!(gate.admit(&mut limit), Some(2));
        assert_eq!((gate.open(), gate.waiting(), limit.open()), (1, 0, 1));
    }

    #[test]
    fn a_permit_is_never_given_past_the_line() {
        let (mut gate, mut limit) = (Gate::new(2, 4), Limit::default());
        limit.set(Some(0));
        assert_eq!(enter(&mut gate, 1, &mut limit), Ok(Place::Line));
        limit.set(None);
        assert_eq!(enter(&mut gate, 2, &mut limit), Ok(Place::Line));
        assert_eq!(gate.ready(), Some(1));
        assert_eq!(gate.admit(&mut limit), Some(1));
    }

    #[test]
    fn who_leaves_the_line_is_not_admitted() {
        let (mut gate, mut limit) = (Gate::new(1, 4), Limit::default());
        for ticket in 0..4 {
            assert!(enter(&mut gate, ticket, &mut limit).is_ok());
        }
        assert!(gate.leave(1));
        assert!(!gate.leave(1));
        gate.release(&mut limit);
        assert_eq!(gate.admit(&mut limit), Some(2));
    }

    #[test]
    fn too_many_detached_functions_shut_the_gate() {
        let (mut gate, mut limit) = (Gate::new(1, 4), Limit::default());
        assert!(enter(&mut gate, 1, &mut limit).is_ok());
        gate.release(&mut limit);
        gate.detach();
        assert_eq!(enter(&mut gate, 2, &mut limit), Err(Refusal::Detached));
        gate.attached(1);
        assert_eq!((gate.detached(), enter(&mut gate, 3, &mut limit)), (0, Ok(Place::Permit)));
        gate.detach();
        gate.forgive();
        assert_eq!(gate.detached(), 0);
    }

    #[test]
    fn pipelines_take_places_of_the_gate_and_of_its_line() {
        let (mut gate, mut limit) = (Gate::new(2, 1), Limit::default());
        assert_eq!((gate.offer_places(2), gate.offer_places(3)), (Ok(Place::Permit), Err(Refusal::Overloaded)));
        gate.take_places(1);
        assert_eq!((gate.has_places(1), gate.offer_places(2)), (true, Ok(Place::Line)));
        gate.stand();
        // Whoever needs one place passes it; nobody else finds a place in line.
        assert_eq!(
            (enter(&mut gate, 1, &mut limit), enter(&mut gate, 2, &mut limit)),
            (Ok(Place::Permit), Err(Refusal::Overloaded))
        );
        gate.unstand();
        gate.give_places(1, true);
        assert_eq!((gate.open(), gate.waiting(), gate.detached(), limit.open()), (1, 0, 1, 1));
    }
}
