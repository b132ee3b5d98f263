//! Inputs that no driver sends when it is right: a debug build panics, a release build leaves everything as it is.

mod script;

use script::{Isolate, Script, limits};
use velo_core::machine::{Effects, Reason, State, Trigger};

/// A stream that is open, and one in the line behind it.
fn two_streams(script: &mut Script) -> (Isolate, u32, u32) {
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 1));
    let (open, waiting) = (script.open(&here, function, 0.0), script.open(&here, function, 0.0));
    (here, open, waiting)
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "Expire): no trigger of Machine { state: Open, reason: None }"))]
fn a_trigger_that_the_state_does_not_have() {
    let mut script = Script::default();
    let (here, open, _) = two_streams(&mut script);
    assert_eq!(script.step(&here, open, Trigger::Expire), (State::Open, Reason::None, Effects::NONE));
    assert_eq!(script.step(&here, open, Trigger::Return).0, State::Closed);
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "Admit): no trigger of Machine { state: Waiting, reason: None }"))]
fn an_admission_that_is_not_of_the_gate() {
    let mut script = Script::default();
    let (here, _, waiting) = two_streams(&mut script);
    assert_eq!(script.step(&here, waiting, Trigger::Admit), (State::Waiting, Reason::None, Effects::NONE));
}

#[test]
#[cfg_attr(debug_assertions, should_panic(expected = "Abort): no such stream"))]
fn an_input_after_the_end() {
    let mut script = Script::default();
    let (here, open, _) = two_streams(&mut script);
    let _ = script.step(&here, open, Trigger::Return);
    assert_eq!(script.step(&here, open, Trigger::Abort), (State::Closed, Reason::None, Effects::NONE));
}
