//! Random scripts against models that are too plain to be wrong. A failure prints its script.
#![cfg(not(loom))]

use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use velo_core::channel::{OfferError, TakeError, channel};
use velo_core::credit::Ledger;
use velo_core::deadlines::Deadlines;
use velo_core::gate::{Gate, Limit, Place};
use velo_core::histogram::Histogram;
use velo_core::latency::Latency;
use velo_core::machine::{Effects, Machine, Reason, State, Trigger};
use velo_core::signal::Refusal;

proptest! {
    #[test]
    fn a_stream_ends_exactly_once_and_its_states_only_go_forward(
        waits in any::<bool>(),
        inputs in prop::collection::vec(0..8i32, 0..40),
    ) {
        let mut machine = if waits { Machine::WAITING } else { Machine::OPEN };
        let mut finishes = 0;
        for input in inputs.into_iter().filter_map(Trigger::from_number) {
            let Ok((next, effects)) = machine.step(input) else { continue };
            prop_assert!(machine.state != State::Closed);
            prop_assert!(next.state >= machine.state);
            prop_assert_eq!(effects.contains(Effects::FINISH), next.state != machine.state && next.state == State::Closed);
            prop_assert_eq!(effects.contains(Effects::LEAVE_LINE), effects != Effects::NONE && machine.state == State::Waiting);
            prop_assert!(next.state != State::Closed || next.reason != Reason::None);
            finishes += u32::from(effects.contains(Effects::FINISH));
            machine = next;
        }
        prop_assert_eq!(finishes, u32::from(machine.state == State::Closed));
    }

    #[test]
    fn credits_never_let_more_than_the_capacity_wait(capacity in 1..50u32, script in prop::collection::vec(0..20u64, 1..200)) {
        let (mut ledger, mut credits, mut sent, mut consumed) = (Ledger::new(capacity), 0u64, 0u64, 0u64);
        for amount in script {
            if amount % 2 == 0 {
                let spend = amount.min(credits);
                (credits, sent) = (credits - spend, sent + spend);
            } else {
                consumed += amount.min(sent - consumed);
            }
            prop_assert!(sent - consumed <= u64::from(capacity));
            credits += u64::from(ledger.grant(consumed));
            prop_assert_eq!(credits + sent, ledger.granted());
            prop_assert_eq!(credits + sent - consumed, u64::from(capacity));
        }
    }

    #[test]
    fn a_gate_is_a_counter_and_a_queue(
        max in 1..5u32,
        queue in 0..5u32,
        script in prop::collection::vec((0..6u8, 0..8usize), 1..200),
    ) {
        let (mut gate, mut limit) = (Gate::new(max, queue), Limit::default());
        let (mut open, mut detached, mut line, mut ticket) = (0, 0, VecDeque::new(), 0u64);
        for (operation, pick) in script {
            match operation {
                0 | 1 => {
                    ticket += 1;
                    let expected = if detached >= max {
                        Err(Refusal::Detached)
                    } else if open < max && line.is_empty() {
                        open += 1;
                        Ok(Place::Permit)
                    } else if line.len() < queue as usize {
                        line.push_back(ticket);
                        Ok(Place::Line)
                    } else {
                        Err(Refusal::Overloaded)
                    };
                    let offered = gate.offer(limit);
                    if let Ok(place) = offered {
                        gate.enter(place, ticket, ticket, &mut limit);
                    }
                    prop_assert_eq!(offered, expected);
                }
                2 if open > 0 => {
                    gate.release(&mut limit);
                    open -= 1;
                }
                3 if open > 0 => {
                    gate.release(&mut limit);
                    gate.detach();
                    (open, detached) = (open - 1, detached + 1);
                }
                4 if pick % 2 == 0 => {
                    gate.attached(1);
                    detached = detached.saturating_sub(1);
                }
                _ => {
                    let ticket = line.get(pick).copied().unwrap_or(u64::MAX);
                    line.retain(|known| *known != ticket);
                    prop_assert_eq!(gate.leave(ticket), ticket != u64::MAX);
                }
            }
            let next = if open < max { line.front().copied() } else { None };
            prop_assert_eq!(gate.ready(), next);
            prop_assert_eq!(gate.admit(&mut limit), next);
            if next.is_some() {
                line.pop_front();
                open += 1;
            }
            prop_assert_eq!((gate.open(), gate.detached(), gate.waiting() as usize), (open, detached, line.len()));
            prop_assert_eq!(limit.open(), open);
            // Who was let in before the gate shut may still detach.
            prop_assert!(open <= max && detached < 2 * max + queue);
        }
    }

    #[test]
    fn a_channel_is_a_bounded_queue(capacity in 1..9usize, script in prop::collection::vec(any::<bool>(), 1..300)) {
        let (mut sender, mut receiver) = channel(capacity);
        let (mut model, mut next) = (VecDeque::new(), 0u32);
        for offers in script {
            if offers {
                let expected = if model.len() < capacity { Ok(()) } else { Err(OfferError::Full(next)) };
                if expected.is_ok() {
                    model.push_back(next);
                }
                prop_assert_eq!(sender.offer(next), expected);
                next += 1;
            } else {
                prop_assert_eq!(receiver.take(), model.pop_front().ok_or(TakeError::Empty));
            }
            prop_assert_eq!(receiver.is_empty(), model.is_empty());
        }
    }

    #[test]
    fn deadlines_are_a_sorted_map(script in prop::collection::vec((0..4u8, 0..12u32, 0..40u64), 1..300)) {
        let (mut deadlines, mut model): (Deadlines<u32>, BTreeMap<u32, u64>) = (Deadlines::default(), BTreeMap::new());
        for (operation, key, time) in script {
            match operation {
                0 | 1 => {
                    if let Some(before) = model.insert(key, time) {
                        prop_assert!(deadlines.remove(key, before));
                    }
                    deadlines.set(key, time);
                }
                2 => {
                    let before = model.remove(&key);
                    prop_assert_eq!(deadlines.remove(key, before.unwrap_or(time)), before.is_some());
                }
                _ => {
                    let due = model.iter().map(|(key, at)| (*at, *key)).min().filter(|(at, _)| *at <= time);
                    prop_assert_eq!(deadlines.pop_due(time), due);
                    if let Some((_, key)) = due {
                        model.remove(&key);
                    }
                }
            }
            prop_assert_eq!((deadlines.len(), deadlines.first()), (model.len(), model.values().min().copied()));
        }
    }

    #[test]
    fn quantiles_are_within_three_percent(
        mut values in prop::collection::vec((0..42u32, 0.0..1.0f64).prop_map(|(octave, share)| ((1u64 << octave) as f64 * (1.0 + share)) as u64), 1..500),
        split in 0..500usize,
        q in 0.0..=1.0f64,
    ) {
        let (mut histogram, mut other) = (Histogram::default(), Histogram::default());
        for (at, value) in values.iter().enumerate() {
            if at < split { &mut histogram } else { &mut other }.record(*value);
        }
        histogram.merge(&other);
        values.sort_unstable();
        let rank = ((q * values.len() as f64).ceil() as usize).saturating_sub(1).min(values.len() - 1);
        let exact = values[rank].min((1 << 42) - 1) as f64;
        let estimate = histogram.quantile(q).unwrap();
        prop_assert!((estimate - exact).abs() <= exact * 0.03, "{estimate} instead of {exact}");
        prop_assert_eq!(histogram.count(), values.len() as u64);
    }

    #[test]
    fn latencies_merged_are_latencies_recorded_together(
        left in prop::collection::vec(0.0..1e6f64, 0..40),
        right in prop::collection::vec(0.0..1e6f64, 0..40),
    ) {
        let (mut one, mut two, mut both) = (Latency::default(), Latency::default(), Latency::default());
        left.iter().for_each(|value| one.record(*value));
        right.iter().for_each(|value| two.record(*value));
        left.iter().chain(&right).for_each(|value| both.record(*value));
        one.merge(&two);
        let (merged, expected) = (one.quantiles(), both.quantiles());
        prop_assert_eq!(merged.samples, expected.samples);
        prop_assert!(merged.samples == 0 || (merged.p95 - expected.p95).abs() <= expected.p95 * 0.02 + 0.001);
    }
}
