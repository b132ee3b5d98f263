//! One stream, as the desk knows it. What JavaScript counts lies in its row.

use crate::binding::Binding;
use std::sync::Arc;
use velo_core::credit::Ledger;
use velo_core::latency::Latency;
use velo_core::machine::Machine;
use velo_core::signal::Verdict;

/// A timer that looks at the row before it fires.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Watch {
    /// ms; 0 = not armed.
    pub(crate) timeout: f64,
    /// When it was armed, ms: what happened before does not count.
    pub(crate) since: f64,
}

/// A stream that waits or is open.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) function: u32,
    pub(crate) machine: Machine,
    pub(crate) generation: f64,
    /// Its place in the line, should it wait.
    pub(crate) ticket: u64,
    pub(crate) input: Ledger,
    pub(crate) output: Ledger,
    /// When it was admitted, ms.
    pub(crate) opened_at: f64,
    /// The idle timeout it asked for, ms; armed at admission.
    pub(crate) idle_ms: f64,
    pub(crate) idle: Watch,
    pub(crate) stall: Watch,
    /// Result latency.
    pub(crate) latency: Latency,
    /// Time an event spends in the function.
    pub(crate) processing: Latency,
    /// Its row, lent to the thread that runs its function, when that is another one.
    pub(crate) binding: Option<Arc<Binding>>,
    /// Which deadlines are set: one bit for each `Verdict`.
    armed: u16,
}

impl Stream {
    /// Both sides start with `buffer` credits, so that a short stream never has to ask.
    pub(crate) fn new(function: u32, ticket: u64, generation: f64, buffer: u32, idle_ms: f64) -> Self {
        let mut credits = Ledger::new(buffer);
        credits.grant(0);
        Self {
            function,
            machine: Machine::WAITING,
            generation,
            ticket,
            input: credits,
            output: credits,
            opened_at: 0.0,
            idle_ms,
            idle: Watch::default(),
            stall: Watch::default(),
            latency: Latency::default(),
            processing: Latency::default(),
            binding: None,
            armed: 0,
        }
    }

    /// Notes that a deadline of this kind is set, or not.
    pub(crate) const fn set_armed(&mut self, verdict: Verdict, armed: bool) {
        if armed {
            self.armed |= 1 << verdict as u16;
        } else {
            self.armed &= !(1 << verdict as u16);
        }
    }

    pub(crate) const fn is_armed(&self, verdict: Verdict) -> bool {
        self.armed & 1 << verdict as u16 != 0
    }

    /// The watch of a verdict that has one.
    pub(crate) const fn watch(&mut self, verdict: Verdict) -> Option<&mut Watch> {
        match verdict {
            Verdict::Idle => Some(&mut self.idle),
            Verdict::Stall => Some(&mut self.stall),
            _ => None,
        }
    }
}
