//! The desk: everything the process knows about its streams, in one place behind one lock.
//!
//! Owns: the tables, and who comes and goes. It never reads a clock: every call that needs the time is told it, in ms.
//! Its other calls are in `admission.rs`, `stepping.rs`, `alarms.rs`, `verdicts.rs`, `leaving.rs`, `drain.rs` and `snapshot.rs`. What a call does
//! is bounded however many streams there are: what takes longer is done in turns (`verdicts::TURN`), each under a lock of its own.

use crate::clock::{Clock, Pace};
use crate::drain::Drain;
use crate::function::{Defined, Functions, Limits};
use crate::isolate::Isolate;
use crate::mail::{Errands, Mail};
use crate::page::{Bell, Page};
use crate::totals::Totals;
use std::collections::BTreeSet;
use std::sync::Arc;
use velo_core::credit::{self, Ledger};
use velo_core::gate::Limit;
use velo_core::latency::Latency;

/// The desk of a process.
#[derive(Default)]
pub struct Desk {
    pub(crate) isolates: Vec<Option<Isolate>>,
    pub(crate) functions: Functions,
    pub(crate) limit: Limit,
    /// Functions whose first in line only waits for the limit of the process, by its ticket.
    pub(crate) ready: BTreeSet<(u64, u32)>,
    pub(crate) tickets: u64,
    /// Streams in any line.
    pub(crate) waiting: u32,
    pub(crate) totals: Totals,
    pub(crate) latency: Latency,
    pub(crate) pace: Pace,
    pub(crate) clock: Clock,
    /// When the timer thread wakes by itself, whole ms; `None` while it sleeps until it is woken or does not exist.
    pub(crate) alarm: Option<u64>,
    pub(crate) drain: Option<Drain>,
    /// The isolate whose `step` is under way: its verdicts need no ring.
    pub(crate) caller: Option<u32>,
    pub(crate) mail: bool,
    pub(crate) errands: Errands,
}

impl Desk {
    /// Lets an isolate in: its number, and where it sees whether verdicts wait.
    pub fn enter(&mut self, bell: Arc<dyn Bell>) -> (u32, Arc<Mail>) {
        let isolate = Isolate::new(bell);
        let mail = Arc::clone(&isolate.mail);
        let free = self.isolates.iter().position(Option::is_none).unwrap_or_else(|| {
            self.isolates.push(None);
            self.isolates.len() - 1
        });
        if let Some(place) = self.isolates.get_mut(free) {
            *place = Some(isolate);
        }
        (u32::try_from(free).unwrap_or(u32::MAX), mail)
    }

    /// Whether no isolate is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.isolates.iter().all(Option::is_none)
    }

    /// Adds a page of rows to an isolate.
    pub fn attach(&mut self, isolate: u32, page: Arc<dyn Page>, now: f64) {
        if let Some(isolate) = self.isolate_mut(isolate) {
            isolate.attach(page);
            isolate.publish(now);
        }
    }

    /// The time, which an isolate sees from now on: its coarse clock stands still while no timer needs it.
    pub fn tell_time(&self, isolate: u32, now: f64) -> f64 {
        if let Some(here) = self.isolate(isolate) {
            here.publish(now);
        }
        now
    }

    /// Adds a function; `None` when a million of them exist.
    pub fn define(&mut self, isolate: u32, limits: Limits) -> Option<Defined> {
        let (line, credits) = (credit::line(limits.buffer), Ledger::opened(limits.buffer).capacity());
        self.functions.define(limits, isolate).map(|function| Defined { function, line, credits })
    }

    /// Removes a function, as soon as its last stream is gone.
    pub fn forget(&mut self, function: u32) {
        if let Some(known) = self.functions.get_mut(function) {
            known.forgotten = true;
        }
        self.functions.sweep(function);
    }

    /// Claims the id of a stream for as long as it lives. False when a stream of a function of this name has it anywhere in the process:
    /// two definitions of one name may share a journal, which knows streams by this name.
    pub fn claim(&mut self, isolate: u32, function: String, id: String) -> bool {
        let key = (function, id);
        if self.isolates.iter().flatten().any(|place| place.ids.contains(&key)) {
            return false;
        }
        self.isolate_mut(isolate).is_some_and(|here| here.ids.insert(key))
    }

    /// Releases an id. Another isolate's id stays.
    pub fn unclaim(&mut self, isolate: u32, function: String, id: String) {
        if let Some(here) = self.isolate_mut(isolate) {
            here.ids.remove(&(function, id));
        }
    }

    pub(crate) fn isolate(&self, isolate: u32) -> Option<&Isolate> {
        self.isolates.get(usize::try_from(isolate).ok()?)?.as_ref()
    }

    pub(crate) fn isolate_mut(&mut self, isolate: u32) -> Option<&mut Isolate> {
        self.isolates.get_mut(usize::try_from(isolate).ok()?)?.as_mut()
    }
}
