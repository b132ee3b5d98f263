//! Random steps against a model in memory, with the journal closed and opened again in between: whatever was answered is there.

use crate::support::{self, Caller, Own, options};
use proptest::prelude::*;
use std::collections::HashMap;
use velo_journal::Sync;

#[derive(Clone, Debug)]
enum Step {
    Open(u8),
    /// Events given again, and new ones, with their length.
    Append(u8, u8, u8, u16),
    /// Of so many percent of the events.
    Save(u8, u8, u16),
    End(u8, bool),
    Discard(u8),
    Reopen,
}

#[derive(Default)]
struct Model {
    first: u64,
    events: Vec<Vec<u8>>,
    own: Own,
    over: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let id = 0..6_u8;
    prop_oneof![
        2 => id.clone().prop_map(Step::Open),
        8 => (id.clone(), 0..3_u8, 0..5_u8, 0..3000_u16).prop_map(|(id, again, fresh, size)| Step::Append(id, again, fresh, size)),
        3 => (id.clone(), 0..=100_u8, 0..3000_u16).prop_map(|(id, part, size)| Step::Save(id, part, size)),
        1 => (id.clone(), any::<bool>()).prop_map(|(id, retained)| Step::End(id, retained)),
        1 => id.prop_map(Step::Discard),
        1 => Just(Step::Reopen),
    ]
}

fn check(caller: &mut Caller, streams: &HashMap<u8, Model>) {
    for (id, model) in streams {
        let kept = caller.open(&id.to_string()).unwrap();
        assert!(!kept.is_new, "{id}");
        assert_eq!((kept.first, kept.events), (model.first, model.first + model.events.len() as u64), "{id}");
        assert_eq!(caller.read(&kept.own, kept.first).unwrap(), model.events, "{id}");
    }
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6], "nothing is damaged");
    assert_eq!(caller.metrics().bytes, support::bytes_listed(&caller.ask(7, vec![]).unwrap()), "the count of bytes");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_was_answered_is_there(steps in proptest::collection::vec(step(), 1..120)) {
        let folder = tempfile::tempdir().unwrap();
        let place = options(folder.path(), Sync::Process);
        let mut caller = Caller::new(&place);
        let mut streams: HashMap<u8, Model> = HashMap::new();
        for step in steps {
            match step {
                Step::Open(id) => {
                    let kept = caller.open(&id.to_string()).unwrap();
                    assert_eq!(kept.is_new, !streams.contains_key(&id));
                    let old = streams.entry(id).or_default();
                    if !old.own.is_empty() {
                        let stale = old.own.clone();
                        caller.append(&stale, 0, &[vec![1]]).unwrap_err();
                    }
                    old.own = kept.own;
                }
                Step::Append(id, again, fresh, size) => {
                    let Some(model) = streams.get_mut(&id) else { continue };
                    let next = model.first + model.events.len() as u64;
                    let from = next.saturating_sub(again.into());
                    let events: Vec<_> = (from..next + u64::from(fresh)).map(|at| vec![at as u8; size.into()]).collect();
                    let done = caller.append(&model.own, from, &events);
                    assert_eq!(done.is_err(), model.over, "{done:?}");
                    caller.append(&model.own, next + 50, &[vec![]]).unwrap_err();
                    if !model.over {
                        model.events.extend(events.into_iter().skip((next - from) as usize));
                    }
                }
                Step::Save(id, part, size) => {
                    let Some(model) = streams.get_mut(&id) else { continue };
                    let done = model.events.len() * usize::from(part) / 100;
                    let kept = caller.save(&model.own, model.first + done as u64, &vec![7; size.into()]);
                    assert_eq!(kept.is_err(), model.over, "{kept:?}");
                    if !model.over {
                        model.events.drain(..done);
                        model.first += done as u64;
                    }
                }
                Step::End(id, retained) => {
                    let Some(model) = streams.get_mut(&id) else { continue };
                    caller.end(&model.own, if retained { 1e9 } else { 0.0 }).unwrap();
                    model.first += model.events.len() as u64;
                    model.events.clear();
                    model.over = true;
                    if !retained {
                        streams.remove(&id);
                    }
                }
                Step::Discard(id) => {
                    let was = caller.ask(5, support::key(&id.to_string())).unwrap();
                    assert_eq!(was, [4, u8::from(streams.remove(&id).is_some())]);
                }
                Step::Reopen => {
                    caller.close();
                    caller = Caller::new(&place);
                    check(&mut caller, &streams);
                    for (id, model) in &mut streams {
                        model.own = caller.open(&id.to_string()).unwrap().own;
                    }
                }
            }
        }
        check(&mut caller, &streams);
        caller.close();
    }
}
