//! Writes the store that `tests/journal/formats.rs` reads, with the format of this version.
//! Command: `cargo run -p velo-journal --example fixture FILE`.

#[path = "../tests/journal/support.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "of the tests, which need more of it")]
mod support;

use std::path::PathBuf;
use support::{Caller, options};
use velo_journal::Sync;

fn main() {
    let target = PathBuf::from(std::env::args().nth(1).expect("a file"));
    let folder = tempfile::tempdir().expect("a folder");
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let events = [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()];
    for id in ["live", "saved", "ended", "fresh"] {
        let own = caller.open(id).expect("a stream").own;
        for (at, event) in (0..).zip(&events) {
            caller.append(&own, at, std::slice::from_ref(event)).expect("kept");
        }
        match id {
            // Reading moves its events out of the tail.
            "live" => drop(caller.read(&own, 0).expect("events")),
            "saved" => caller.save(&own, 2, b"state").expect("kept"),
            "ended" => caller.end(&own, 1e14).expect("kept"),
            _ => {}
        }
    }
    // As a kill would leave it: what came last is in the tail.
    std::fs::copy(folder.path().join("journal.redb"), target).expect("a copy");
    caller.close();
}
