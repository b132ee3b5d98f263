//! Admission: within a function, across functions, and under the limit of the process.

mod script;

use script::{Script, limits};
use velo_core::machine::{Effects, Reason, State, Trigger};
use velo_core::row::Word;
use velo_core::signal::{Refusal, Verdict};

#[test]
fn a_full_gate_forms_a_line_and_a_full_line_refuses() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 2));
    let [a, b, c] = [0.0; 3].map(|idle| script.open(&here, function, idle));
    assert_eq!([a, b, c].map(|slot| here.state(slot)), [1.0, 0.0, 0.0]);
    assert_eq!(script.refused(&here, function), Refusal::Overloaded);
    // The caller's own verdict needs no ring, the effect tells it.
    let (_, _, effects) = script.step(&here, a, Trigger::Return);
    assert_eq!(effects, Effects::FINISH.and(Effects::MAIL));
    assert_eq!((script.verdicts(&here), here.state(b)), (vec![(Verdict::Admitted, b)], 1.0));
    assert_eq!(script.step(&here, b, Trigger::Return).2, Effects::FINISH.and(Effects::MAIL));
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, c)]);
    assert_eq!(script.step(&here, c, Trigger::Throw), (State::Closed, Reason::Failed, Effects::FINISH));
    let counts = script.snapshot().counts;
    assert_eq!((counts.streams_opened, counts.streams_refused, counts.streams_open), (3.0, 1.0, 0.0));
    assert_eq!((counts.closed_by.done, counts.closed_by.failed), (2.0, 1.0));
}

#[test]
fn who_leaves_the_line_is_passed_over() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 2));
    let [a, b, c] = [0.0; 3].map(|idle| script.open(&here, function, idle));
    let left = script.step(&here, b, Trigger::Close);
    assert_eq!(left, (State::Closed, Reason::Closed, Effects::LEAVE_LINE.and(Effects::FINISH)));
    let _ = script.step(&here, a, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, c)]);
}

#[test]
fn the_limit_of_the_process_serves_all_lines_in_order_of_arrival() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let (f, g) = (script.define(&here, limits("f", 9, 9)), script.define(&there, limits("g", 9, 9)));
    script.configure(Some(1));
    let first = script.open(&here, f, 0.0);
    let second = script.open(&there, g, 0.0);
    let third = script.open(&here, f, 0.0);
    let fourth = script.open(&there, g, 0.0);
    let _ = script.step(&here, first, Trigger::Return);
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (vec![], vec![(Verdict::Admitted, second)]));
    let _ = script.step(&there, second, Trigger::Return);
    assert_eq!((script.verdicts(&here), script.verdicts(&there)), (vec![(Verdict::Admitted, third)], vec![]));
    assert_eq!(script.snapshot().counts.streams_waiting, 1.0);
    // Lifting the limit lets the rest in.
    script.configure(None);
    assert_eq!(script.verdicts(&there), [(Verdict::Admitted, fourth)]);
}

#[test]
fn clocks_start_at_admission() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 1));
    let first = script.open(&here, function, 0.0);
    let second = script.open(&here, function, 50.0);
    here.set(second, Word::Waiting, 1.0);
    script.pass(1000.0);
    let _ = script.step(&here, first, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, second)]);
    script.pass(1049.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(1055.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, second)]);
    let _ = script.step(&here, second, Trigger::Return);
    assert_eq!(here.get(second, Word::Duration), 55.0);
}

#[test]
fn too_many_detached_functions_shut_the_gate() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 1));
    let slot = script.open(&here, function, 0.0);
    let _ = script.step(&here, slot, Trigger::Close);
    assert_eq!(script.step(&here, slot, Trigger::Expire).2, Effects::FINISH.and(Effects::DETACH));
    assert_eq!(script.snapshot().counts.streams_detached, 1.0);
    assert_eq!(script.refused(&here, function), Refusal::Detached);
    script.desk.attached(function);
    let _ = script.open(&here, function, 0.0);
}

#[test]
fn without_a_free_row_nothing_is_taken() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 2000, 0));
    let slots: Vec<_> = (0..1023).map(|_| script.open(&here, function, 0.0)).collect();
    assert_eq!(slots, (1..1024).collect::<Vec<_>>());
    assert_eq!(script.refused(&here, function), Refusal::NoRow);
    let counts = script.snapshot().counts;
    assert_eq!((counts.streams_open, counts.streams_refused), (1023.0, 0.0));
    script.desk.attach(here.number, script::memory(), script.now);
    assert_eq!(script.open(&here, function, 0.0), 1024);
}
