//! Timers: the ones that look at the row, and the ones that do not.

mod script;

use script::{Script, limits};
use std::sync::Arc;
use velo_core::machine::{Effects, Reason, State, Trigger};
use velo_core::row::Word;
use velo_core::signal::{Timer, Verdict};
use velo_runtime::{Bell, Ducts, Limits, Page, Post};

#[test]
fn a_function_that_never_gets_an_event_is_idle_after_its_timeout() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 1000.0);
    here.set(slot, Word::Waiting, 1.0);
    // It may have read the time of its opening a tick later.
    script.pass(1000.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(1034.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn an_event_right_after_the_opening_starts_the_wait_anew() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    script.pass(500.0);
    let slot = script.open(&here, function, 64.0);
    // The clock JavaScript reads still says when the stream was opened.
    script.now = 501.5;
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    assert_eq!(here.get(slot, Word::WaitingSince), 500.0);
    script.pass(565.4);
    assert_eq!(script.verdicts(&here), [], "no whole timeout has passed since the event");
    script.pass(570.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn a_time_that_is_written_late_makes_nobody_idle_early() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 64.0);
    script.pass(50.0);
    let late = here.page.get(0);
    // The timer thread reads the time, and has no turn between that and writing it.
    script.desk.show(52.0);
    here.page.set(0, late);
    script.now = 59.0;
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    here.page.set(0, 52.0);
    let _ = script.desk.tick(60.0);
    script.now = 60.0;
    script.pass(122.9);
    assert_eq!(script.verdicts(&here), []);
    script.pass(130.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn the_wait_counts_from_the_last_event_and_is_late_by_a_tick_at_most() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 1000.0);
    // Between two ticks of 31 ms: the clock JavaScript reads is behind.
    script.pass(620.0);
    script.now = 640.0;
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    assert!(here.get(slot, Word::WaitingSince) < 640.0);
    script.pass(1640.0);
    assert_eq!(script.verdicts(&here), [], "a whole timeout has not passed for certain");
    script.pass(1680.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn a_clock_that_stood_still_makes_nobody_idle_early() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 100.0);
    script.pass(50.0);
    // The timer thread gets no turn for 90 ms; the wait begins at 135 and reads 50.
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    script.now = 140.0;
    script.pass(234.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(250.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
}

#[test]
fn a_busy_function_is_not_idle_and_a_verdict_names_what_it_saw() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 100.0);
    script.pass(1000.0);
    assert_eq!(script.verdicts(&here), []);
    here.set(slot, Word::Delivered, 7.0);
    here.wait(slot);
    script.pass(1300.0);
    let message = script.messages(&here)[0];
    assert_eq!((message.verdict, message.generation, message.seen), (Verdict::Idle, 1.0, 7.0));
    // JavaScript found it void, and the timer goes on.
    script.pass(1500.0);
    assert_eq!(script.verdicts(&here).first(), Some(&(Verdict::Idle, slot)));
    // Only an open input can be idle.
    assert_eq!(script.step(&here, slot, Trigger::Idle), (State::Ending, Reason::Idle, Effects::STOP_INPUT));
    script.pass(2000.0);
    let _ = script.verdicts(&here);
    script.pass(9000.0);
    assert_eq!((script.verdicts(&here), script.tick(script.now)), (vec![], None));
}

#[test]
fn a_verdict_that_the_row_does_not_bear_out_any_more_ends_nothing() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 100.0);
    let open = (State::Open, Reason::None, Effects::NONE);
    here.set(slot, Word::Waiting, 1.0);
    assert_eq!(script.step(&here, slot, Trigger::Idle), open, "nobody has said so");
    script.pass(105.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
    here.set(slot, Word::Waiting, 0.0);
    assert_eq!(script.step(&here, slot, Trigger::Idle), open, "it has an event");
    here.set(slot, Word::Delivered, 1.0);
    here.wait(slot);
    assert_eq!(script.step(&here, slot, Trigger::Idle), open, "it had one meanwhile");
    script.pass(199.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(300.0);
    assert_eq!(script.verdicts(&here).first(), Some(&(Verdict::Idle, slot)));
    // Armed anew, it starts anew.
    script.desk.arm(here.number, slot, Timer::Idle, 100.0, script.now);
    assert_eq!(script.step(&here, slot, Trigger::Idle), open, "that was the timer before");
    script.pass(400.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
    assert_eq!(script.step(&here, slot, Trigger::Idle), (State::Ending, Reason::Idle, Effects::STOP_INPUT));
    assert_eq!(script.step(&here, slot, Trigger::Idle), (State::Ending, Reason::Idle, Effects::NONE), "told twice");
}

#[test]
fn a_stall_counts_from_the_last_read_and_a_stream_has_a_longest_life() {
    let mut script = Script::default();
    let here = script.isolate();
    let timed = Limits { max_duration: 500.0, max_stall: 100.0, ..limits("f", 1, 0) };
    let function = script.define(&here, timed);
    let slot = script.open(&here, function, 0.0);
    script.pass(300.0);
    assert_eq!(script.verdicts(&here), []);
    here.set(slot, Word::Read, 3.0);
    here.set(slot, Word::UnreadSince, here.page.get(0));
    script.pass(410.0);
    let message = script.messages(&here)[0];
    assert_eq!((message.verdict, message.seen), (Verdict::Stall, 3.0));
    here.set(slot, Word::UnreadSince, 0.0);
    script.pass(499.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(500.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Duration, slot)]);
}

#[test]
fn arming_again_replaces_and_the_end_disarms() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 50.0);
    script.desk.arm(here.number, slot, Timer::Close, 100.0, script.now);
    script.desk.arm(here.number, slot, Timer::Close, 200.0, script.now);
    script.desk.disarm(here.number, slot, Timer::Idle);
    script.pass(199.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(200.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Close, slot)]);
    script.desk.arm(here.number, slot, Timer::Close, 100.0, script.now);
    let _ = script.step(&here, slot, Trigger::Return);
    assert_eq!(script.tick(script.now), None, "nothing is left, so nobody ticks");
}

#[test]
fn a_timer_of_no_stream_fires_once_unless_it_is_cancelled() {
    let mut script = Script::default();
    let here = script.isolate();
    let kept = script.desk.timer(here.number, 10.5, script.now);
    let cancelled = script.desk.timer(here.number, 5.0, script.now);
    script.desk.cancel(here.number, cancelled);
    script.pass(10.9);
    assert_eq!(script.verdicts(&here), []);
    script.pass(100.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Timer, u32::try_from(kept).unwrap())]);
}

#[test]
fn the_wait_of_a_later_stage_on_another_thread_restarts_the_clock() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 64.0);
    here.wait(slot);
    let later = script.desk.bind(here.number, slot, false).expect("the stream is open");
    let ducts = Ducts::default();
    let duct = ducts.make(1, Some(later), here.number);
    let mut stage = ducts.join_receiver(duct, &Post::new(Arc::new(Silent))).expect("nobody has it");
    stage.demand(1, 1, false, 40.0);
    script.pass(60.0);
    stage.demand(1, 1, true, 60.0);
    assert_eq!(here.get(slot, Word::Delivered), 0.0, "its events are not those of the stream");
    assert_eq!(here.get(slot, Word::Waiting), 1.0, "whether the first stage waits is not its business");
    script.pass(123.0);
    assert_eq!(script.verdicts(&here), []);
    script.pass(130.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
    // It has worked since the verdict was taken, and waits again.
    stage.demand(1, 2, true, 131.0);
    assert_eq!(script.step(&here, slot, Trigger::Idle), (State::Open, Reason::None, Effects::NONE));
    script.pass(200.0);
    assert_eq!(script.verdicts(&here), [(Verdict::Idle, slot)]);
    assert_eq!(script.step(&here, slot, Trigger::Idle).0, State::Ending);
}

struct Silent;

impl Bell for Silent {
    fn ring(&self) {}
}
