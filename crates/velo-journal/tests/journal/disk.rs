//! Writes that fail, writes that are torn, syncs that fail: what was answered is there, what failed is told, and the journal goes on when the disk does.

use crate::support::{Caller, faulty, options};
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use velo_journal::{Fault, Sync};

/// Fails one write or sync after a number of them, and all that come after until it is healed.
#[derive(Debug, Default)]
struct Broken {
    left: AtomicI64,
    syncs: bool,
    torn: AtomicU64,
    said: Mutex<u64>,
}

impl Broken {
    fn fails(&self) -> Option<io::Error> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 0 {
            return None;
        }
        *self.said.lock().unwrap() += 1;
        Some(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn heal(&self) {
        self.left.store(i64::MAX, Ordering::Relaxed);
    }
}

impl Fault for Broken {
    fn write(&self, bytes: usize) -> Option<(usize, io::Error)> {
        if self.syncs {
            return None;
        }
        let part = usize::try_from(self.torn.load(Ordering::Relaxed)).unwrap();
        self.fails().map(|error| (bytes * part / 100, error))
    }

    fn sync(&self) -> io::Result<()> {
        if self.syncs { self.fails().map_or(Ok(()), Err) } else { Ok(()) }
    }
}

/// Breaks the disk at one point and heals it.
fn scenario(after: i64, torn: u64, syncs: bool) {
    let folder = tempfile::tempdir().unwrap();
    let broken = Arc::new(Broken { syncs, torn: torn.into(), ..Broken::default() });
    broken.heal();
    let mut caller = Caller::new(&faulty(folder.path(), Arc::clone(&broken) as Arc<dyn Fault>));
    let kept = caller.open("a").unwrap();
    let other = caller.open("b").unwrap();
    caller.append(&kept.own, 0, &[vec![0; 3000]]).unwrap();
    broken.left.store(after, Ordering::Relaxed);
    let (mut answered, mut failed) = (1, 0);
    for at in 1..40_u8 {
        match caller.append(&kept.own, answered, &[vec![at; 3000]]) {
            Ok(()) => answered += 1,
            Err(text) => {
                assert!(
                    text.contains("no storage space") || text.contains("the store failed") || text.contains("gap"),
                    "{text}"
                );
                failed += 1;
                if failed == 3 {
                    broken.heal();
                }
            }
        }
    }
    assert!(failed >= 3, "the disk failed {failed} times");
    assert!(answered > 10, "it goes on: {answered}");
    caller.append(&other.own, 0, &[vec![9]]).unwrap();
    assert!(caller.metrics().reopened > 0);
    let kept = caller.open("a").unwrap();
    // A step whose outcome was unknown may have been kept.
    assert!(kept.events >= answered, "{} of {answered}", kept.events);
    let events = caller.read(&kept.own, 0).unwrap();
    assert_eq!(events.len() as u64, kept.events);
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6], "nothing is damaged");
    caller.close();
    // And in the next life.
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let kept = caller.open("a").unwrap();
    assert_eq!(caller.read(&kept.own, 0).unwrap(), events);
    caller.close();
}

#[test]
fn a_full_disk() {
    for after in (0..30).step_by(2) {
        scenario(after, 0, false);
    }
}

#[test]
fn torn_writes() {
    for after in 0..15 {
        scenario(after, 50, false);
        scenario(after + 15, 99, false);
    }
}

#[test]
fn syncs_that_fail() {
    for after in 0..10 {
        scenario(after, 0, true);
    }
}

#[test]
fn a_folder_whose_store_could_not_be_made_can_be_used_later() {
    for after in 0..12 {
        let folder = tempfile::tempdir().unwrap();
        let broken = Arc::new(Broken { torn: 50.into(), ..Broken::default() });
        broken.left.store(after, Ordering::Relaxed);
        let mut caller = Caller::new(&faulty(folder.path(), Arc::clone(&broken) as Arc<dyn Fault>));
        if let Err(text) = caller.open("a") {
            assert!(text.contains("the store failed: no storage space"), "{text}");
        }
        broken.heal();
        let kept = caller.open("a").unwrap();
        caller.append(&kept.own, 0, &[vec![1]]).unwrap();
        caller.close();
        let mut next = Caller::new(&options(folder.path(), Sync::Disk));
        assert_eq!(next.open("a").unwrap().events, 1);
        next.close();
    }
}
