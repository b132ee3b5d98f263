//! A stream on its way: its machine, its credits, its samples, its end.

use crate::desk::Desk;
use crate::stages::Over;
use crate::totals::{Note, Tally, Totals, WAITS};
use velo_core::machine::{Effects, Machine, Reason, State, Trigger};
use velo_core::row::Word;
use velo_core::signal::{Side, Timer, Verdict};

/// The answer for a slot without a stream: over, nothing to do.
const GONE: Machine = Machine { state: State::Closed, reason: Reason::None };

impl Desk {
    /// Moves the machine of a stream and does what the transition asks of this side. An illegal input, or one for a slot without a stream,
    /// is a mistake of the driver: a debug build panics, a release build leaves everything as it is.
    pub fn step(&mut self, isolate: u32, slot: u32, trigger: Trigger, now: f64) -> (Machine, Effects) {
        let Some((stream, row)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) else {
            debug_assert!(false, "step({slot}, {trigger:?}): no such stream");
            return (GONE, Effects::NONE);
        };
        // The silence may have ended while the verdict was on its way: then there is no idleness, and the timer goes on.
        if trigger == Trigger::Idle && stream.machine.state == State::Open && !stream.is_idle(row) {
            return (stream.machine, Effects::NONE);
        }
        // A place in the line is left through the gate, never by JavaScript saying so.
        let stepped = stream.machine.step(trigger).ok().filter(|_| trigger != Trigger::Admit);
        debug_assert!(stepped.is_some(), "step({slot}, {trigger:?}): no trigger of {:?}", stream.machine);
        let Some((machine, effects)) = stepped else { return (stream.machine, Effects::NONE) };
        if machine.state != stream.machine.state {
            row.set(Word::State, f64::from(machine.state as i32));
        }
        stream.machine = machine;
        if effects.contains(Effects::FINISH) {
            self.caller = Some(isolate);
            self.finish(isolate, slot, machine, effects, now);
            self.caller = None;
        } else if machine.state != State::Open {
            // Only an open input can be idle.
            self.disarm(isolate, slot, Timer::Idle);
            if machine.state == State::Closing {
                self.disarm(isolate, slot, Timer::Stall);
            }
        }
        let mail = if std::mem::take(&mut self.mail) { Effects::MAIL } else { Effects::NONE };
        (machine, effects.and(mail))
    }

    /// A timer of the stream's own clock says that it is idle: the next `Idle` counts while that still holds.
    pub fn silent(&mut self, isolate: u32, slot: u32) {
        if let Some((stream, row)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) {
            stream.idle.seen = stream.silent_after(row);
            stream.idle.began = row.get(Word::WaitingSince);
        }
    }

    /// How many more credits one side of a stream gets.
    pub fn grant(&mut self, isolate: u32, slot: u32, side: Side) -> u32 {
        let Some((stream, row)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) else { return 0 };
        match side {
            Side::Input => stream.input.grant(row.count(Word::Delivered) + row.count(Word::DroppedEvents)),
            Side::Output => stream.output.grant(row.count(Word::Read) + row.count(Word::DroppedResults)),
        }
    }

    /// Adds a latency sample in microseconds; `result` = from an event to its result, else time in the function.
    pub fn sample(&mut self, isolate: u32, slot: u32, result: bool, micros: f64) {
        let Some((stream, _)) = self.isolate_mut(isolate).and_then(|here| here.stream_mut(slot)) else { return };
        let function = stream.function;
        if result { &mut stream.latency } else { &mut stream.processing }.record(micros);
        if result {
            self.latency.record(micros);
        }
        if let Some(known) = self.functions.get_mut(function) {
            if result { &mut known.latency } else { &mut known.processing }.record(micros);
        }
    }

    /// Counts results after the end of their stream: yielded only now, by a detached function, and dropped only now.
    pub fn late(&mut self, function: u32, yielded: u64, dropped: u64) {
        self.totals.add_late(yielded, dropped);
        if let Some(known) = self.functions.get_mut(function) {
            known.totals.add_late(yielded, dropped);
        }
    }

    /// Counts a refused send, or an error that nobody can get any more.
    pub fn note(&mut self, function: u32, what: Note) {
        self.totals.note(what);
        if let Some(known) = self.functions.get_mut(function) {
            known.totals.note(what);
        }
    }

    /// Counts bytes that events and results of a function became on their way to other threads and from there.
    pub fn carried(&mut self, function: u32, bytes_in: u64, bytes_out: u64) {
        self.totals.add_bytes(bytes_in, bytes_out);
        if let Some(known) = self.functions.get_mut(function) {
            known.totals.add_bytes(bytes_in, bytes_out);
        }
    }

    /// Counts time that streams of a function spent, in microseconds, by what they waited for.
    pub fn spent(&mut self, function: u32, spent: &[u64; WAITS]) {
        self.totals.add_spent(spent);
        if let Some(known) = self.functions.get_mut(function) {
            known.totals.add_spent(spent);
        }
    }

    /// Ends a stream: the last words of its row, its permit, its timers, its counts, its slot.
    pub(crate) fn finish(&mut self, isolate: u32, slot: u32, machine: Machine, effects: Effects, now: f64) {
        self.disarm_all(isolate, slot);
        let Some(here) = self.isolate_mut(isolate) else { return };
        let Some(stream) = here.remove(slot) else { return };
        for binding in stream.binding.iter().chain(&stream.later) {
            binding.clear();
        }
        let waited = effects.contains(Effects::LEAVE_LINE);
        let Some(row) = here.row(slot) else { return };
        let quantiles = stream.latency.quantiles();
        let processing = stream.processing.quantiles();
        row.set(Word::State, f64::from(machine.state as i32));
        row.set(Word::P50, quantiles.p50);
        row.set(Word::P95, quantiles.p95);
        row.set(Word::P99, quantiles.p99);
        // Words of a wait that is over.
        row.set(Word::Waiting, processing.p50);
        row.set(Word::WaitingSince, processing.p95);
        row.set(Word::UnreadSince, processing.p99);
        row.set(Word::Duration, if waited { 0.0 } else { now - stream.opened_at });
        #[expect(clippy::cast_precision_loss, reason = "a count of samples stays far below 2^53")]
        row.set(Word::Samples, quantiles.samples as f64);

        let mut counted = Totals::default();
        counted.end(machine.reason);
        counted.add_tally(&Tally::of(row).since(&stream.settled));
        self.totals.add(&counted);
        let mut moved = None;
        if let Some(known) = self.functions.get_mut(stream.function) {
            known.totals.add(&counted);
            known.streams.swap_remove(stream.place);
            moved = known.streams.get(stream.place).copied();
            if waited {
                known.gate.leave(stream.ticket);
                self.waiting = self.waiting.saturating_sub(1);
            } else {
                known.gate.release(&mut self.limit);
            }
            if effects.contains(Effects::DETACH) {
                known.gate.detach();
            }
        }
        if let Some((other, _)) = moved.and_then(|(isolate, slot)| self.isolate_mut(isolate)?.stream_mut(slot)) {
            other.place = stream.place;
        }
        self.list(stream.function);
        let over = if waited { Over::Waited } else { Over::Ran { detached: effects.contains(Effects::DETACH) } };
        self.leave_stages(stream.function, over);
        self.list_standing(stream.function);
        self.serve(now);
        self.sweep(stream.function);
        self.check_drained();
    }

    fn disarm_all(&mut self, isolate: u32, slot: u32) {
        Timer::ALL.iter().for_each(|timer| self.disarm(isolate, slot, *timer));
        self.clear_deadline(isolate, slot, Verdict::Admitted);
    }
}
