//! Many timers, streams and verdicts at once: what one hold of the lock does is bounded, and nothing is lost or late.

mod script;

use script::{Isolate, Script, limits};
use velo_core::machine::Trigger;
use velo_core::row::Word;
use velo_core::signal::Verdict;
use velo_runtime::{Depth, Limits, Survey, TURN};

const MANY: usize = 20 * TURN;

fn timers(script: &mut Script, isolate: &Isolate, ms: f64) -> Vec<u32> {
    let id = |_| script.desk.timer(isolate.number, ms, script.now);
    (0..MANY).map(id).map(|id| u32::try_from(id).expect("few ids")).collect()
}

fn streams(script: &mut Script, isolate: &mut Isolate, function: u32, idle: f64) -> Vec<u32> {
    (0..4).for_each(|_| script.attach(isolate));
    (0..MANY).map(|_| script.open(isolate, function, idle)).collect()
}

/// How many verdicts wait, by taking them.
fn count(script: &mut Script, isolate: &Isolate) -> usize {
    script.messages(isolate).len()
}

#[test]
fn whatever_is_due_is_there_when_its_isolate_takes_without_another_tick() {
    let mut script = Script::default();
    let here = script.isolate();
    let wanted = timers(&mut script, &here, 1.0);
    script.pass(1.0);
    assert_eq!(script.tick(script.now), None, "nothing is tried again by and by");
    let taken: Vec<_> = script.verdicts(&here).into_iter().map(|(_, id)| id).collect();
    assert_eq!(taken, wanted);
}

#[test]
fn one_tick_fires_one_turn_and_asks_to_come_again_at_once() {
    let mut script = Script::default();
    let here = script.isolate();
    timers(&mut script, &here, 1.0);
    script.now = 50.0;
    for _ in 0..MANY / TURN {
        assert!(script.tick(script.now).is_none_or(|at| at <= 50));
        assert_eq!(count(&mut script, &here), TURN);
    }
    assert_eq!(script.tick(script.now), None);
}

#[test]
fn one_call_takes_one_turn() {
    let mut script = Script::default();
    let here = script.isolate();
    timers(&mut script, &here, 1.0);
    script.pass(1.0);
    let mut taken = 0;
    assert!(script.desk.take(here.number, script.now, usize::MAX, |_| taken += 1));
    assert_eq!(taken, TURN);
    assert!(script.desk.take(here.number, script.now, 3, |_| taken += 1));
    assert_eq!(taken, TURN + 3);
}

#[test]
fn the_burst_of_one_isolate_does_not_stand_before_the_timer_of_another() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    timers(&mut script, &here, 1.0);
    let _ = script.desk.timer(there.number, 2.0, script.now);
    script.now = 50.0;
    let _ = script.tick(script.now);
    assert_eq!(count(&mut script, &there), 1);
}

#[test]
fn an_isolate_that_takes_nothing_is_not_looked_at_again_and_each_verdict_waits_once() {
    let mut script = Script::default();
    let mut here = script.isolate();
    let function = script.define(&here, limits("f", 100_000, 0));
    let all = streams(&mut script, &mut here, function, 100.0);
    all.iter().for_each(|slot| here.set(*slot, Word::Waiting, 1.0));
    // With the tick by which the clock that isolates see may be behind.
    script.pass(105.0);
    // Blocked for a hundred timeouts: the clock ticks, and nothing else.
    for _ in 0..100 {
        script.now += 100.0;
        let next = script.tick(script.now).unwrap();
        assert!(next as f64 > script.now, "no deadline is due");
    }
    let mut told: Vec<_> = script.verdicts(&here).into_iter().map(|(_, slot)| slot).collect();
    told.sort_unstable();
    assert!(told.iter().copied().eq(all.iter().copied().collect::<std::collections::BTreeSet<_>>()), "each one, once");
}

#[test]
fn a_verdict_that_waits_goes_with_its_timer_and_its_stream() {
    let mut script = Script::default();
    let here = script.isolate();
    let timed = Limits { max_duration: 10.0, ..limits("f", 100_000, 0) };
    let function = script.define(&here, timed);
    let ids = timers(&mut script, &here, 10.0);
    let (kept, ended) = (script.open(&here, function, 0.0), script.open(&here, function, 0.0));
    script.pass(10.0);
    for id in &ids[1..] {
        script.desk.cancel(here.number, (*id).into());
    }
    let _ = script.step(&here, ended, Trigger::Return);
    // The row serves another stream at once, which has its own time.
    assert_eq!(script.open(&here, function, 0.0), ended);
    assert_eq!(script.verdicts(&here), [(Verdict::Duration, kept), (Verdict::Timer, ids[0])]);
    script.pass(20.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Duration, ended)]);
}

#[test]
fn a_verdict_is_void_when_its_stream_has_moved_before_it_was_taken() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 100.0);
    here.set(slot, Word::Waiting, 1.0);
    script.pass(150.0);
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    assert_eq!(script.verdicts(&here), []);
    script.pass(240.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(260.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn a_lifted_limit_lets_in_a_turn_at_a_time() {
    let mut script = Script::default();
    let mut here = script.isolate();
    let function = script.define(&here, limits("f", 100_000, 100_000));
    script.configure(Some(1));
    let all = streams(&mut script, &mut here, function, 0.0);
    script.desk.configure(None);
    assert!(script.desk.serve(script.now));
    assert_eq!(count(&mut script, &here), TURN);
    script.configure(None);
    assert_eq!(count(&mut script, &here), all.len() - 1 - TURN);
}

#[test]
fn an_isolate_leaves_in_turns_and_others_are_served_meanwhile() {
    let mut script = Script::default();
    let (here, mut there) = (script.isolate(), script.isolate());
    let shared = script.define(&here, limits("shared", u32::try_from(MANY).unwrap(), 1));
    let all = streams(&mut script, &mut there, shared, 1000.0);
    let waiting = script.open(&here, shared, 0.0);
    assert!(script.desk.claim(there.number, "f".into(), "id".into()));
    let mut aborted = 0.0;
    while aborted == 0.0 {
        assert!(script.desk.leave(there.number, script.now));
        aborted = script.snapshot().counts.closed_by.aborted;
    }
    assert_eq!(aborted as usize, TURN);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, waiting)]);
    script.leave(&there);
    let counts = script.snapshot().counts;
    assert_eq!((counts.closed_by.aborted as usize, counts.streams_open), (all.len(), 1.0));
    assert!(script.desk.claim(here.number, "f".into(), "id".into()));
    assert_eq!(script.tick(script.now), None);
}

#[test]
fn a_survey_goes_in_turns_and_counts_everything_once_although_streams_end_meanwhile() {
    let mut script = Script::default();
    let mut here = script.isolate();
    let (f, g) = (script.define(&here, limits("f", 100_000, 0)), script.define(&here, limits("g", 9, 0)));
    let all = streams(&mut script, &mut here, f, 0.0);
    let other = script.open(&here, g, 0.0);
    all.iter().chain([&other]).for_each(|slot| here.set(*slot, Word::Accepted, 3.0));
    let mut survey = Survey::default();
    let mut turns = 0;
    while script.desk.survey(&mut survey) {
        // One that was asked, one that was not, and one that comes.
        for slot in [all[all.len() - 1 - turns], all[turns]] {
            let _ = script.step(&here, slot, Trigger::Return);
        }
        let _ = script.open(&here, f, 0.0);
        turns += 1;
    }
    assert_eq!(turns, MANY / TURN - 1, "the last turn is told by its answer");
    let wanted = 3.0 * (all.len() + 1) as f64;
    let picture = survey.picture();
    assert_eq!(picture.counts.events_in, wanted);
    assert_eq!(picture.functions.iter().map(|known| known.counts.events_in).collect::<Vec<_>>(), [wanted - 3.0, 3.0]);
    assert_eq!(script.snapshot().counts.events_in, wanted);
}

#[test]
fn the_metrics_of_a_function_look_at_its_own_streams_alone() {
    let mut script = Script::default();
    let mut here = script.isolate();
    let (f, g) = (script.define(&here, limits("f", 100_000, 0)), script.define(&here, limits("g", 9, 0)));
    let _ = streams(&mut script, &mut here, f, 0.0);
    let [first, second] = [0.0; 2].map(|idle| script.open(&here, g, idle));
    assert_eq!(script.desk.settle(g, usize::MAX, &mut Depth::default()), 0, "two streams are no turn");
    assert_eq!(script.desk.settle(f, usize::MAX, &mut Depth::default()), MANY - TURN);
    let _ = script.step(&here, first, Trigger::Return);
    let metrics = script.function_metrics(g).unwrap();
    assert_eq!((metrics.counts.streams_opened, metrics.counts.streams_open), (2.0, 1.0));
    let _ = script.step(&here, second, Trigger::Return);
    assert_eq!(script.desk.settle(g, usize::MAX, &mut Depth::default()), 0);
}
