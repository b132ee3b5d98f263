//! An isolate that goes, with all it holds.
//!
//! Owns: that it goes in turns, so that nobody waits for the end of its last stream.

use crate::desk::Desk;
use crate::verdicts::TURN;
use velo_core::machine::{Effects, Machine, Reason, State};
use velo_core::row::PAGE_ROWS;

/// Rows, or functions of anybody, that one turn passes over: a look at each is all that most of them take.
const PASSED: usize = PAGE_ROWS;

impl Desk {
    /// Lets an isolate go, one turn of it; true when there is more to do. Its streams count as aborted, its permits and places in line are
    /// free, and after the last turn none of its pages is touched again.
    pub fn leave(&mut self, isolate: u32, now: f64) -> bool {
        if self.leave_streams(isolate, now) || self.leave_functions(isolate) {
            return true;
        }
        if let Some(drain) = &mut self.drain {
            drain.waiters.retain(|waiter| *waiter != isolate);
        }
        if let Some(place) = self.isolates.get_mut(isolate as usize) {
            self.errands.gone = place.take();
        }
        false
    }

    /// Aborts a turn of its streams.
    fn leave_streams(&mut self, isolate: u32, now: f64) -> bool {
        let mut ended = 0;
        for _ in 0..PASSED {
            let Some(here) = self.isolate_mut(isolate).filter(|here| here.left.0 < here.rows()) else { return false };
            if ended == TURN {
                break;
            }
            let slot = here.left.0;
            here.left.0 += 1;
            let Some(stream) = here.stream(slot) else { continue };
            let effects = if stream.machine.state == State::Waiting { Effects::LEAVE_LINE } else { Effects::NONE };
            let machine = Machine { state: State::Closed, reason: Reason::Aborted };
            self.finish(isolate, slot, machine, effects, now);
            ended += 1;
        }
        true
    }

    /// Gives up its functions among a turn of all.
    fn leave_functions(&mut self, isolate: u32) -> bool {
        for _ in 0..PASSED {
            let Some(here) = self.isolate_mut(isolate) else { return false };
            let at = here.left.1;
            if at >= self.functions.places() {
                return false;
            }
            if let Some(here) = self.isolate_mut(isolate) {
                here.left.1 += 1;
            }
            let Some((function, known)) = self.functions.at_mut(at).filter(|(_, known)| known.owner == isolate) else {
                continue;
            };
            // Nobody there can say any more that a detached one has ended.
            known.gate.forgive();
            self.forget(function);
        }
        true
    }
}
