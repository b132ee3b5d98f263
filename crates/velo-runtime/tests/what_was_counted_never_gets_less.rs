//! The numbers for a monitoring system: what only grows stays when its function goes, and each count is there once.

mod script;

use script::{Script, limits};
use velo_core::machine::Trigger;
use velo_core::row::Word;
use velo_runtime::{Limits, OwnNames, Stage, Survey};

#[test]
fn the_counts_of_a_function_that_is_gone_stay_under_its_name() {
    let mut script = Script::default();
    let here = script.isolate();
    for _ in 0..3 {
        let function = script.define(&here, limits("f", 5, 0));
        let slot = script.open(&here, function, 0.0);
        here.set(slot, Word::Accepted, 10.0);
        (0..20).for_each(|_| script.desk.sample(here.number, slot, true, 100.0));
        script.desk.carried(function, 7, 9);
        script.desk.spent(function, &[0, 2_000_000, 0, 0, 0, 500_000]);
        let _ = script.step(&here, slot, Trigger::Return);
        script.desk.forget(function);
    }
    assert!(script.snapshot().functions.is_empty());
    let measures = script.measures(&[99.0, 101.0]);
    let [f] = &measures.functions[..] else { panic!("{:?}", measures.functions) };
    assert_eq!((f.name.as_str(), f.counts.events_in, f.counts.closed_by.done), ("f", 30.0, 3.0));
    assert_eq!((f.bytes_in, f.bytes_out, f.spent.event, f.spent.code), (21.0, 27.0, 6.0, 1.5));
    assert_eq!(
        (&f.latency_spread.at_most[..], f.latency_spread.sum, f.latency_spread.samples),
        (&[0.0, 60.0][..], 6000.0, 60.0)
    );
    assert_eq!((f.counts.streams_open, measures.counts.events_in), (0.0, 30.0));
}

#[test]
fn names_without_end_share_one_place() {
    let mut script = Script::default();
    let here = script.isolate();
    for ordinal in 0..1000 {
        let function = script.define(&here, limits(&format!("f{ordinal}"), 5, 0));
        let slot = script.open(&here, function, 0.0);
        let _ = script.step(&here, slot, Trigger::Return);
        script.desk.forget(function);
    }
    let measures = script.measures(&[]);
    assert!(measures.functions.len() < 200, "{}", measures.functions.len());
    assert_eq!(measures.functions.iter().map(|f| f.counts.streams_opened).sum::<f64>(), 1000.0);
    assert_eq!(measures.functions[0].name, "");
}

#[test]
fn what_waits_is_that_of_open_streams() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 500, 0));
    for _ in 0..300 {
        let slot = script.open(&here, function, 0.0);
        for (word, count) in [(Word::Accepted, 9.0), (Word::Delivered, 4.0), (Word::DroppedEvents, 2.0)] {
            here.set(slot, word, count);
        }
        for (word, count) in
            [(Word::Yielded, 5.0), (Word::Read, 3.0), (Word::DroppedResults, 1.0), (Word::UnreadSince, 1.0)]
        {
            here.set(slot, word, count);
        }
    }
    // A call: what it yields is read at once.
    let slot = script.open(&here, function, 0.0);
    here.set(slot, Word::Yielded, 5.0);
    let f = script.measures(&[]).functions.remove(0);
    assert_eq!((f.events_buffered, f.results_buffered, f.counts.events_in), (900.0, 300.0, 2700.0));
}

#[test]
fn a_picture_during_which_a_function_went_says_so() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 500, 0));
    let slots: Vec<_> = (0..300).map(|_| script.open(&here, function, 0.0)).collect();
    let other = script.define(&here, limits("g", 500, 0));
    let slot = script.open(&here, other, 0.0);
    let mut survey = Survey::whole(OwnNames::new(Vec::new(), usize::MAX));
    assert!(script.desk.survey(&mut survey), "there is more than one turn of it");
    let _ = script.step(&here, slot, Trigger::Return);
    script.desk.forget(other);
    while script.desk.survey(&mut survey) {}
    assert!(survey.is_torn());
    assert_eq!(script.measures(&[]).counts.streams_opened, slots.len() as f64 + 1.0);
}

#[test]
fn stages_are_counted_by_name_and_place_and_stay_when_their_function_goes() {
    let mut script = Script::default();
    let here = script.isolate();
    let stage = |name: &str, remote| Stage { name: name.into(), remote };
    let counted = vec![stage("a", false), stage("b", true), stage("a", false)];
    for _ in 0..2 {
        let function = script.define(&here, Limits { counted: counted.clone(), ..limits("f", 5, 0) });
        let slot = script.open(&here, function, 0.0);
        for (at, taken, given) in [(0, 10, 5), (1, 5, 4), (2, 4, 3), (9, 1, 1)] {
            script.desk.staged(function, at, taken, given);
        }
        let _ = script.step(&here, slot, Trigger::Return);
        script.desk.forget(function);
        script.desk.staged(function, 0, 7, 7);
    }
    let f = script.measures(&[]).functions.remove(0);
    let seen: Vec<_> = f.stages.iter().map(|s| (s.name.as_str(), s.placement, s.events_in, s.events_out)).collect();
    assert_eq!(seen, [("a", "local", 28.0, 16.0), ("b", "worker", 10.0, 8.0)]);
    for ordinal in 0..500 {
        let counted = vec![stage(&format!("s{ordinal}"), false)];
        let function = script.define(&here, Limits { counted, ..limits("f", 5, 0) });
        let slot = script.open(&here, function, 0.0);
        script.desk.staged(function, 0, 1, 1);
        let _ = script.step(&here, slot, Trigger::Return);
        script.desk.forget(function);
    }
    let f = script.measures(&[]).functions.remove(0);
    assert!(f.stages.len() < 140, "{}", f.stages.len());
    assert_eq!(f.stages.iter().map(|s| s.events_in).sum::<f64>(), 538.0);
}

#[test]
fn names_that_are_told_apart_stay_so_when_their_functions_go() {
    let mut script = Script::default();
    let here = script.isolate();
    let functions: Vec<_> =
        (0..400).map(|ordinal| script.define(&here, limits(&format!("f{ordinal}"), 5, 0))).collect();
    for function in &functions {
        let slot = script.open(&here, *function, 0.0);
        let _ = script.step(&here, slot, Trigger::Return);
    }
    let seen = |script: &mut Script, names: Vec<String>| {
        let mut survey = Survey::whole(OwnNames::new(names, 10));
        while script.desk.survey(&mut survey) {}
        let measures = survey.measures(&[]);
        measures.functions.into_iter().map(|f| (f.name, f.counts.streams_opened)).collect::<Vec<_>>()
    };
    let before = seen(&mut script, vec!["f390".into()]);
    assert_eq!(before.len(), 11);
    assert_eq!(before[0], (String::new(), 390.0));
    assert!(before.contains(&("f390".into(), 1.0)) && before.contains(&("f8".into(), 1.0)), "{before:?}");
    functions.iter().for_each(|function| script.desk.forget(*function));
    let names = before.iter().skip(1).map(|(name, _)| name.clone()).collect();
    assert_eq!(seen(&mut script, names), before);
}
