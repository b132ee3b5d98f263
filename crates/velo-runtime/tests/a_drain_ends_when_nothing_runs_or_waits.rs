//! Drain: nothing new, what runs may finish, then everybody is told to abort.

mod script;

use script::{Script, limits};
use velo_core::machine::{Effects, Trigger};
use velo_core::signal::{Refusal, Verdict};

#[test]
fn an_empty_process_is_drained_at_once() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let function = script.define(&here, limits("f", 1, 0));
    script.desk.drain(here.number, 1000.0, script.now);
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (vec![(Verdict::Drained, 0)], vec![]));
    assert_eq!(script.refused(&here, function), Refusal::Draining);
    assert_eq!(script.tick(script.now), None, "no deadline is left");
}

#[test]
fn what_runs_and_what_waits_may_finish() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 1));
    let (first, second) = (script.open(&here, function, 0.0), script.open(&here, function, 0.0));
    script.desk.drain(here.number, f64::INFINITY, script.now);
    script.pass(100_000.0);
    assert_eq!(script.verdicts(&here), []);
    let _ = script.step(&here, first, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, second)]);
    assert_eq!(script.step(&here, second, Trigger::Return).2, Effects::FINISH.and(Effects::MAIL));
    assert_eq!(script.verdicts(&here), [(Verdict::Drained, 0)]);
}

#[test]
fn at_the_earliest_deadline_every_isolate_is_told_to_abort() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let function = script.define(&there, limits("f", 1, 0));
    let slot = script.open(&there, function, 0.0);
    script.desk.drain(here.number, 900.0, script.now);
    script.desk.drain(there.number, 100.0, script.now);
    script.pass(99.0);
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (vec![], vec![]));
    script.pass(2000.0);
    let abort = vec![(Verdict::DrainAbort, 0)];
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (abort.clone(), abort));
    let _ = script.step(&there, slot, Trigger::Abort);
    // A detached function does not keep the drain waiting.
    assert!(script.step(&there, slot, Trigger::Expire).2.contains(Effects::DETACH));
    let drained = vec![(Verdict::Drained, 0)];
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (drained.clone(), drained));
}

#[test]
fn the_isolate_that_held_the_last_stream_may_just_go() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let function = script.define(&there, limits("f", 1, 0));
    let _ = script.open(&there, function, 0.0);
    script.desk.drain(here.number, 1000.0, script.now);
    script.leave(&there);
    assert_eq!(script.verdicts(&here), [(Verdict::Drained, 0)]);
}
