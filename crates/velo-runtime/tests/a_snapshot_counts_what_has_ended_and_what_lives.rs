//! Credits, samples, counts, and the picture of them.

mod script;

use script::{Script, limits};
use velo_core::machine::Trigger;
use velo_core::row::Word;
use velo_core::signal::Side;
use velo_runtime::Note;

#[test]
fn credits_follow_what_was_delivered_or_dropped() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 0.0);
    let sides = [Side::Input, Side::Output];
    // It opened with four on each side.
    assert_eq!(sides.map(|side| script.desk.grant(here.number, slot, side)), [0, 0]);
    here.set(slot, Word::Delivered, 2.0);
    here.set(slot, Word::DroppedEvents, 1.0);
    here.set(slot, Word::Read, 1.0);
    assert_eq!(sides.map(|side| script.desk.grant(here.number, slot, side)), [3, 1]);
}

#[test]
fn live_rows_and_ended_streams_add_up() {
    let mut script = Script::default();
    let here = script.isolate();
    let (f, other) = (script.define(&here, limits("f", 5, 0)), script.define(&here, limits("f", 5, 0)));
    let (ended, live) = (script.open(&here, f, 0.0), script.open(&here, other, 0.0));
    for (slot, count) in [(ended, 10.0), (live, 1.0)] {
        here.set(slot, Word::Accepted, count);
        here.set(slot, Word::Yielded, count * 2.0);
        here.set(slot, Word::DroppedEvents, count * 3.0);
        here.set(slot, Word::DroppedResults, count * 4.0);
        script.desk.sample(here.number, slot, true, 100.0);
        script.desk.sample(here.number, slot, false, 50.0);
    }
    let _ = script.step(&here, ended, Trigger::Return);
    script.desk.late(f, 100, 200);
    script.desk.note(f, Note::Overrun);
    script.desk.note(f, Note::LateError);
    let snapshot = script.snapshot();
    for counts in [snapshot.counts, snapshot.functions[0].counts] {
        assert_eq!((counts.events_in, counts.events_out), (11.0, 122.0));
        assert_eq!((counts.dropped.events, counts.dropped.results), (33.0, 244.0));
        assert_eq!((counts.overruns, counts.late_errors), (1.0, 1.0));
        assert_eq!((counts.streams_opened, counts.streams_open, counts.closed_by.done), (2.0, 1.0, 1.0));
        assert_eq!((counts.latency.p50, counts.latency.samples), (100.0, 2.0));
    }
    assert_eq!((snapshot.functions.len(), snapshot.functions[0].processing.p95), (1, 50.0));
    assert_eq!(script.function_metrics(other).unwrap().counts.events_in, 1.0);
}

#[test]
fn the_last_words_of_a_row_are_written_at_its_end() {
    let mut script = Script::default();
    let here = script.isolate();
    let function = script.define(&here, limits("f", 1, 0));
    let slot = script.open(&here, function, 0.0);
    script.desk.sample(here.number, slot, true, 5.0);
    script.desk.sample(here.number, slot, false, 3.0);
    script.now = 40.0;
    assert_eq!(script.desk.stream_metrics(here.number, slot, script.now).unwrap().duration_ms, 40.0);
    let _ = script.step(&here, slot, Trigger::Return);
    let last = [Word::State, Word::P50, Word::P99, Word::Duration, Word::Samples].map(|word| here.get(slot, word));
    assert_eq!(last, [4.0, 5.0, 5.0, 40.0, 1.0]);
    let processing = [Word::Waiting, Word::WaitingSince, Word::UnreadSince].map(|word| here.get(slot, word));
    assert_eq!(processing, [3.0; 3]);
    assert!(script.desk.stream_metrics(here.number, slot, script.now).is_none());
    // The next stream finds a clean row with a generation of its own.
    assert_eq!(script.open(&here, function, 0.0), slot);
    assert_eq!([Word::Generation, Word::P50, Word::Samples].map(|word| here.get(slot, word)), [2.0, 0.0, 0.0]);
}

#[test]
fn the_picture_is_plain_data() {
    let mut script = Script::default();
    let here = script.isolate();
    let _ = script.define(&here, limits("f", 1, 0));
    let json = serde_json::to_value(script.snapshot()).unwrap();
    let keys: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "bytesBuffered closedBy dropped eventsIn eventsOut functions lateErrors latency overruns streamsDetached streamsOpen streamsOpened streamsRefused streamsWaiting";
    assert_eq!(keys.join(" "), expected);
    assert_eq!(json["functions"][0]["name"], "f");
}
