//! Every named point between two steps of the writer: a process that ends there has lost nothing that was answered, and one for which the store fails there is told
//! so and goes on.

use crate::kills::{check, child, life};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use velo_journal::{POINTS, Sync};

const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
/// A child that writes so many lines does not pass a point that it is to pass.
const ENOUGH: u64 = 2000;
/// Each point is hit as it is passed for the first time, and for later ones.
const PASSES: [u64; 3] = [1, 3, 9];

/// Points that a child passes with this promise, and which time of each is looked at.
fn passes(sync: Sync) -> impl Iterator<Item = (&'static str, u64)> {
    let points = POINTS.into_iter().filter(move |point| sync == Sync::Disk || *point != "sync");
    points.flat_map(|point| PASSES.map(|n| (point, n))).filter(|(point, n)| !is_of_new_folder(point) || *n == 1)
}

/// Whether a folder that was used passes it no more.
fn is_of_new_folder(point: &str) -> bool {
    ["formatted", "named"].contains(&point)
}

fn ends_everywhere(sync: Sync) {
    let mut folder = tempfile::tempdir().unwrap();
    let mut acked = [0; 3];
    for (point, n) in passes(sync) {
        if n == 1 {
            // The first end is in a folder where everything is new.
            folder = tempfile::tempdir().unwrap();
            acked = [0; 3];
        }
        let done = life(child(folder.path(), sync, Some(&format!("{point}:{n}"))), ENOUGH, &mut acked);
        assert_eq!(done.status.signal(), Some(SIGABRT), "{point}:{n} was hit: {}", done.status);
        check(folder.path(), sync, acked);
    }
}

fn fails_everywhere(sync: Sync) {
    for (point, n) in passes(sync).filter(|(_, n)| *n < 9) {
        // What comes after the answers can fail nobody any more.
        let is_told = !["answered", "told", "swept", "settled", "closed"].contains(&point);
        let folder = tempfile::tempdir().unwrap();
        let mut acked = [0; 3];
        let done = life(child(folder.path(), sync, Some(&format!("{point}:{n}:full:2"))), 25, &mut acked);
        assert_eq!(done.status.signal(), Some(SIGKILL), "{point}:{n}: {}", done.status);
        assert_eq!(done.failures > 0, is_told, "{point}:{n}: {} failures", done.failures);
        check(folder.path(), sync, acked);
    }
}

#[test]
fn an_end_at_every_point_loses_nothing_that_was_synced() {
    ends_everywhere(Sync::Disk);
}

#[test]
fn an_end_at_every_point_loses_nothing_that_was_handed_to_the_system() {
    ends_everywhere(Sync::Process);
}

#[test]
fn a_synced_store_that_fails_at_any_point_is_told_and_goes_on() {
    fails_everywhere(Sync::Disk);
}

#[test]
fn a_store_that_fails_at_any_point_is_told_and_goes_on() {
    fails_everywhere(Sync::Process);
}

/// A point that nobody knows is hit by no test.
#[test]
fn every_point_is_in_the_list() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&source).unwrap().chain(fs::read_dir(source.join("steps")).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            found.extend(text.split("point(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    assert_eq!(found, POINTS.map(str::to_owned).into());
}
