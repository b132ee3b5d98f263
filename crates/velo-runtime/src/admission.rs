//! Who may open: permits, lines, and the limit of the whole process.
//!
//! Owns: `open` and the order in which lines are served: first come, first served, within a function and, where the limit
//! of the process is what they wait for, across functions.

use crate::binding::Binding;
use crate::desk::Desk;
use crate::mail::Key;
use crate::stream::Stream;
use crate::verdicts::TURN;
use std::sync::Arc;
use velo_core::gate::Place;
use velo_core::machine::{State, Trigger};
use velo_core::row::Word;
use velo_core::signal::{Refusal, Timer, Verdict};

/// Why no stream was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// A limit, or no room.
    Refused(Refusal),
    /// No such function or isolate: a mistake of the caller.
    Unknown,
}

impl Desk {
    /// Opens a stream, or puts it in line: its slot. The row says which. `idle_ms` 0 = no idle timer.
    pub fn open(&mut self, isolate: u32, function: u32, idle_ms: f64, now: f64) -> Result<u32, OpenError> {
        if self.drain.is_some() {
            return Err(self.refuse(function, Refusal::Draining));
        }
        let limit = self.limit;
        let known = self.functions.get(function).filter(|known| !known.forgotten).ok_or(OpenError::Unknown)?;
        let (buffer, place) = (known.limits.buffer, known.streams.len());
        let offered = match known.gate.offer(limit).and_then(|place| self.offer_stages(function, place)) {
            Ok(offered) => offered,
            Err(refusal) => return Err(self.refuse(function, refusal)),
        };
        let here = self.isolate_mut(isolate).ok_or(OpenError::Unknown)?;
        // Before anything is taken: the caller attaches a page and calls again.
        let slot = here.reserve().ok_or(OpenError::Refused(Refusal::NoRow))?;
        let generation = here.row(slot).map_or(0.0, |row| row.renew());

        self.tickets += 1;
        let ticket = self.tickets;
        let stream = Stream::new(function, ticket, generation, buffer, idle_ms, place);
        if let Some(here) = self.isolate_mut(isolate) {
            here.place(slot, stream);
        }
        self.totals.opened += 1;
        let known = self.functions.get_mut(function).ok_or(OpenError::Unknown)?;
        known.totals.opened += 1;
        known.streams.push((isolate, slot));
        known.gate.enter(offered, ticket, (isolate, slot), &mut self.limit);
        self.enter_stages(function, offered);
        match offered {
            Place::Permit => self.start(isolate, slot, now),
            Place::Line => {
                self.waiting += 1;
                self.list(function);
                if let Some(row) = self.isolate(isolate).and_then(|here| here.row(slot)) {
                    row.set(Word::State, f64::from(State::Waiting as i32));
                    row.set(Word::WaitingSince, now);
                    row.set(Word::Duration, now);
                }
            }
        }
        Ok(slot)
    }

    /// Binds the row of a stream of which a function runs on another thread; `head`: the first one.
    pub fn bind(&mut self, isolate: u32, slot: u32, head: bool) -> Option<Arc<Binding>> {
        self.isolate_mut(isolate)?.bind(slot, head)
    }

    /// Sets or lifts the limit of the process.
    pub const fn configure(&mut self, max_concurrent: Option<u32>) {
        self.limit.set(max_concurrent);
    }

    /// Changes how many streams of a function may wait in line.
    pub fn set_queue(&mut self, function: u32, queue: u32) {
        if let Some(known) = self.functions.get_mut(function) {
            known.gate.set_queue(queue);
        }
    }

    /// The limit of the process; 0 = none.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.limit.max().unwrap_or_default()
    }

    /// A detached function has ended after all.
    pub fn attached(&mut self, function: u32) {
        if let Some(known) = self.functions.get_mut(function) {
            known.gate.attached(1);
        }
        self.attach_stages(function);
        self.functions.sweep(function);
    }

    /// Lets in whoever has been first in line for longest, until the process or every gate is full, one turn of them. True when that may
    /// not have been all: only a higher limit lets in more than one at once.
    pub fn serve(&mut self, now: f64) -> bool {
        for _ in 0..TURN {
            let Some((_, function)) = self.limit.has_room().then(|| self.ready.pop_first()).flatten() else {
                return false;
            };
            // Whoever was let in since may have taken the places of a stage.
            let has_room = self.stages_have_room(function);
            let Some(known) = self.functions.get_mut(function) else { continue };
            known.listed = None;
            let admitted = if has_room { known.gate.admit(&mut self.limit) } else { None };
            if admitted.is_some() {
                self.admit_stages(function);
            }
            self.list(function);
            let Some((isolate, slot)) = admitted else { continue };
            self.waiting = self.waiting.saturating_sub(1);
            self.start(isolate, slot, now);
            self.post(isolate, Key::of(slot, Verdict::Admitted));
        }
        true
    }

    /// Notes a function among those whose first in line only waits for the process, or takes it off.
    pub(crate) fn list(&mut self, function: u32) {
        let has_room = self.stages_have_room(function);
        let Some(known) = self.functions.get_mut(function) else { return };
        let head = known.gate.ready().filter(|_| has_room);
        if head == known.listed {
            return;
        }
        if let Some(old) = known.listed {
            self.ready.remove(&(old, function));
        }
        if let Some(head) = head {
            self.ready.insert((head, function));
        }
        known.listed = head;
    }

    /// Starts a stream that has a permit, and its clocks.
    fn start(&mut self, isolate: u32, slot: u32, now: f64) {
        let Some(here) = self.isolate_mut(isolate) else { return };
        // Times that JavaScript writes from here on are not older than the stream.
        here.publish(now);
        let Some((stream, row)) = here.stream_mut(slot) else { return };
        let admitted = stream.machine.step(Trigger::Admit);
        debug_assert!(admitted.is_ok(), "{admitted:?}");
        let Ok((machine, _)) = admitted else { return };
        stream.machine = machine;
        stream.opened_at = now;
        row.set(Word::State, f64::from(machine.state as i32));
        row.set(Word::WaitingSince, now);
        row.set(Word::Duration, now);
        let (function, idle) = (stream.function, stream.idle_ms);
        let limits = self.functions.get(function).map(|known| (known.limits.max_duration, known.limits.max_stall));
        let (duration, stall) = limits.unwrap_or_default();
        self.arm(isolate, slot, Timer::Idle, idle, now);
        self.arm(isolate, slot, Timer::Duration, duration, now);
        self.arm(isolate, slot, Timer::Stall, stall, now);
    }

    fn refuse(&mut self, function: u32, refusal: Refusal) -> OpenError {
        self.totals.refused += 1;
        if let Some(known) = self.functions.get_mut(function) {
            known.totals.refused += 1;
        }
        OpenError::Refused(refusal)
    }
}
