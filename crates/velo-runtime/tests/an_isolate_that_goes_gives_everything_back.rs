//! The end of an isolate, of a function, of an id.

mod script;

use script::{Script, limits};
use velo_core::machine::Trigger;
use velo_core::row::{CLOCK, Word};
use velo_core::signal::Verdict;
use velo_runtime::{OpenError, Page};

#[test]
fn its_permits_places_timers_and_ids_are_free_and_its_streams_were_aborted() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let shared = script.define(&here, limits("f", 1, 3));
    let own = script.define(&there, limits("g", 5, 0));
    let _ = (script.open(&there, shared, 1000.0), script.open(&there, shared, 0.0), script.open(&there, own, 50.0));
    let mine = script.open(&here, shared, 0.0);
    let _ = script.desk.timer(there.number, 10.0, script.now);
    assert!(script.desk.claim(there.number, "f".into(), "id".into()));
    assert!(!script.desk.claim(here.number, "f".into(), "id".into()));
    assert!(script.desk.claim(here.number, "g".into(), "id".into()), "another function may have it");
    script.desk.unclaim(here.number, "f".into(), "id".into());
    assert!(!script.desk.claim(here.number, "f".into(), "id".into()), "it belongs to another isolate");

    script.leave(&there);
    assert_eq!((script.verdicts(&here), here.state(mine)), (vec![(Verdict::Admitted, mine)], 1.0));
    assert!(script.desk.claim(here.number, "f".into(), "id".into()));
    assert_eq!(script.tick(script.now), None);
    let snapshot = script.snapshot();
    assert_eq!((snapshot.counts.closed_by.aborted, snapshot.counts.streams_open), (3.0, 1.0));
    assert_eq!(snapshot.functions.iter().map(|function| &*function.name).collect::<Vec<_>>(), ["f"]);
}

#[test]
fn its_pages_are_never_touched_again() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let function = script.define(&there, limits("f", 5, 0));
    let slot = script.open(&there, function, 50.0);
    script.leave(&there);
    there.page.set(CLOCK, -1.0);
    there.set(slot, Word::State, -1.0);
    script.pass(500.0);
    let next = script.isolate();
    assert_eq!(next.number, there.number, "the number is used again");
    script.pass(600.0);
    assert_eq!((there.page.get(CLOCK), there.state(slot)), (-1.0, -1.0));
    assert_eq!((here.page.get(CLOCK), next.page.get(CLOCK)), (600.0, 600.0));
    assert!(!script.desk.is_empty());
    script.leave(&here);
    script.leave(&next);
    assert!(script.desk.is_empty());
}

#[test]
fn a_forgotten_function_stays_until_its_last_stream_is_gone() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 5, 0));
    let slot = script.open(&here, function, 0.0);
    script.desk.forget(function);
    assert_eq!(script.desk.open(here.number, function, 0.0, script.now), Err(OpenError::Unknown));
    assert!(script.function_metrics(function).is_some());
    let _ = script.step(&here, slot, Trigger::Return);
    assert!(script.function_metrics(function).is_none());
    let next = script.define(&here, limits("g", 5, 0));
    assert_ne!(next, function, "an old number finds nothing");
    script.desk.late(function, 1, 2);
    let snapshot = script.snapshot();
    assert_eq!((snapshot.counts.dropped.results, snapshot.functions[0].counts.dropped.results), (2.0, 0.0));
}
