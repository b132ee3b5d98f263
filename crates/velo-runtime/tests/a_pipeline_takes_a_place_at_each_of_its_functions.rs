//! Pipelines that clients make: whichever of their functions is full, they wait or are refused, and what they took comes back.

mod script;

use script::{Isolate, Script, limits};
use velo_core::machine::Trigger;
use velo_core::signal::{Refusal, Verdict};
use velo_runtime::Limits;

fn pipeline(script: &mut Script, here: &Isolate, stages: &[u32], max: u32, queue: u32) -> u32 {
    script.define(here, Limits { stages: stages.to_vec(), ..limits("|", max, queue) })
}

fn open_and_waiting(script: &mut Script, functions: &[u32]) -> Vec<(f64, f64)> {
    let counts = functions.iter().map(|function| script.function_metrics(*function).expect("it is known").counts);
    counts.map(|counts| (counts.streams_open, counts.streams_waiting)).collect()
}

#[test]
fn it_is_refused_where_any_of_them_has_no_place() {
    let mut script = Script::default();
    let here = script.isolate();
    let (a, b) = (script.define(&here, limits("a", 9, 0)), script.define(&here, limits("b", 1, 0)));
    let (ab, ba) = (pipeline(&mut script, &here, &[a, b], 9, 0), pipeline(&mut script, &here, &[b, a], 1, 0));
    let alone = script.open(&here, b, 0.0);
    assert_eq!([ab, ba].map(|function| script.refused(&here, function)), [Refusal::Overloaded; 2]);
    let _ = script.step(&here, alone, Trigger::Return);
    let joined = script.open(&here, ab, 0.0);
    assert_eq!([b, ba].map(|function| script.refused(&here, function)), [Refusal::Overloaded; 2]);
    assert_eq!(open_and_waiting(&mut script, &[a, b, ab]), [(1.0, 0.0); 3]);
    // The process counts it once.
    assert_eq!(script.snapshot().counts.streams_open, 1.0);
    let _ = script.step(&here, joined, Trigger::Throw);
    assert_eq!(open_and_waiting(&mut script, &[a, b, ab]), [(0.0, 0.0); 3]);
}

#[test]
fn it_waits_until_all_of_them_have_room_and_holds_nothing_meanwhile() {
    let mut script = Script::default();
    let here = script.isolate();
    let (a, b) = (script.define(&here, limits("a", 1, 2)), script.define(&here, limits("b", 1, 2)));
    let (ab, ba) = (pipeline(&mut script, &here, &[a, b], 1, 2), pipeline(&mut script, &here, &[b, a], 1, 2));
    let busy = script.open(&here, b, 0.0);
    let (first, second) = (script.open(&here, ab, 0.0), script.open(&here, ba, 0.0));
    assert_eq!(open_and_waiting(&mut script, &[a, b, ab, ba]), [(0.0, 2.0), (1.0, 2.0), (0.0, 1.0), (0.0, 1.0)]);
    // Both lines are full now, and a stream of `a` alone may still pass.
    assert_eq!(script.refused(&here, b), Refusal::Overloaded);
    let passing = script.open(&here, a, 0.0);
    assert_eq!(here.state(passing), 1.0);
    let _ = script.step(&here, busy, Trigger::Return);
    assert_eq!(script.verdicts(&here), []);
    let _ = script.step(&here, passing, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, first)]);
    let _ = script.step(&here, first, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, second)]);
    let _ = script.step(&here, second, Trigger::Return);
    assert_eq!(open_and_waiting(&mut script, &[a, b, ab, ba]), [(0.0, 0.0); 4]);
    assert_eq!(script.snapshot().counts.streams_waiting, 0.0);
}

#[test]
fn who_came_first_is_served_first_alone_or_in_a_pipeline() {
    let mut script = Script::default();
    let here = script.isolate();
    let (a, b) = (script.define(&here, limits("a", 9, 9)), script.define(&here, limits("b", 1, 9)));
    let ab = pipeline(&mut script, &here, &[a, b], 9, 9);
    let busy = script.open(&here, b, 0.0);
    let waiting = [ab, b, ab].map(|function| script.open(&here, function, 0.0));
    let mut last = busy;
    for slot in waiting {
        let _ = script.step(&here, last, Trigger::Return);
        assert_eq!(script.verdicts(&here), [(Verdict::Admitted, slot)]);
        last = slot;
    }
}

#[test]
fn the_same_function_twice_takes_two_places_or_none() {
    let mut script = Script::default();
    let here = script.isolate();
    let (one, two) = (script.define(&here, limits("one", 1, 9)), script.define(&here, limits("two", 2, 9)));
    let (never, both) =
        (pipeline(&mut script, &here, &[one, one], 1, 9), pipeline(&mut script, &here, &[two, two], 2, 9));
    assert_eq!(script.refused(&here, never), Refusal::Overloaded);
    let single = script.open(&here, two, 0.0);
    let slots = [0.0; 2].map(|idle| script.open(&here, both, idle));
    let _ = script.step(&here, single, Trigger::Return);
    assert_eq!(script.verdicts(&here), [(Verdict::Admitted, slots[0])]);
    assert_eq!(open_and_waiting(&mut script, &[two]), [(2.0, 1.0)]);
    let _ = script.step(&here, slots[1], Trigger::Close);
    let _ = script.step(&here, slots[0], Trigger::Return);
    assert_eq!(open_and_waiting(&mut script, &[two, both]), [(0.0, 0.0); 2]);
}

#[test]
fn detached_ones_count_at_every_function_until_they_end() {
    let mut script = Script::default();
    let here = script.isolate();
    let (a, b) = (script.define(&here, limits("a", 2, 0)), script.define(&here, limits("b", 1, 0)));
    let ab = pipeline(&mut script, &here, &[a, b], 2, 0);
    let slot = script.open(&here, ab, 0.0);
    let _ = script.step(&here, slot, Trigger::Close);
    let _ = script.step(&here, slot, Trigger::Expire);
    assert_eq!([b, ab].map(|function| script.refused(&here, function)), [Refusal::Detached; 2]);
    let _ = script.open(&here, a, 0.0);
    script.desk.attached(ab);
    let _ = script.open(&here, ab, 0.0);
}

#[test]
fn an_isolate_that_goes_gives_all_places_back() {
    let mut script = Script::default();
    let (here, there) = (script.isolate(), script.isolate());
    let (a, b) = (script.define(&there, limits("a", 1, 1)), script.define(&there, limits("b", 1, 1)));
    let ab = pipeline(&mut script, &here, &[a, b], 1, 1);
    let _ = [0.0; 2].map(|idle| script.open(&here, ab, idle));
    assert_eq!(open_and_waiting(&mut script, &[a, b]), [(1.0, 1.0); 2]);
    script.leave(&here);
    assert_eq!(open_and_waiting(&mut script, &[a, b]), [(0.0, 0.0); 2]);
}
