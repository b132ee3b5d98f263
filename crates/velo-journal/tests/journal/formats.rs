//! Folders written by every version so far are read, and one of a later version is refused and left as it is.
//!
//! The example `fixture` wrote those in `tests/fixtures`, each with the version it is named after.

use crate::support::{Caller, bytes_listed, options};
use redb::{Builder, ReadableTable as _, TableDefinition};
use std::fs;
use std::path::Path;
use velo_journal::Sync;

fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    fs::copy(fixture, folder.path().join("journal.redb")).unwrap();
    folder
}

#[test]
fn format_1_is_read() {
    is_read("format-1.redb");
}

#[test]
fn format_2_is_read() {
    is_read("format-2.redb");
}

fn is_read(name: &str) {
    let folder = copy(name);
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let fresh = caller.open("fresh").unwrap();
    assert_eq!((fresh.is_new, fresh.events), (false, 3));
    // Its writer did not count what is kept.
    assert_eq!(caller.metrics().bytes, bytes_listed(&caller.ask(7, vec![]).unwrap()));
    assert_eq!(caller.read(&fresh.own, 1).unwrap(), [b"two".to_vec(), b"three".to_vec()]);
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6], "nothing is damaged");
    let live = caller.open("live").unwrap();
    assert_eq!((live.is_new, live.first, live.events), (false, 0, 3));
    assert_eq!(caller.read(&live.own, 0).unwrap(), [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
    let saved = caller.open("saved").unwrap();
    assert_eq!((saved.is_new, saved.first, saved.events), (false, 2, 3));
    assert_eq!(caller.read(&saved.own, 2).unwrap(), [b"three".to_vec()]);
    let ended = caller.open("ended").unwrap();
    assert!(!ended.is_new);
    assert!(caller.append(&ended.own, 1, &[vec![1]]).unwrap_err().contains("ended"));
    caller.append(&fresh.own, 3, &[b"four".to_vec()]).unwrap();
    caller.close();
    // It has the format of this version now.
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    assert_eq!(caller.open("fresh").unwrap().events, 4);
    assert_eq!(caller.metrics().format, 2);
    assert_eq!(caller.metrics().bytes, bytes_listed(&caller.ask(7, vec![]).unwrap()));
    caller.close();
}

#[test]
fn a_later_format_is_refused() {
    let folder = copy("format-1.redb");
    let path = folder.path().join("journal.redb");
    let counts: TableDefinition<'_, &str, u64> = TableDefinition::new("counts");
    let store = Builder::new().open(&path).unwrap();
    let writing = store.begin_write().unwrap();
    writing.open_table(counts).unwrap().insert("format", 3).unwrap();
    writing.commit().unwrap();
    drop(store);
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let refused = caller.open("live").unwrap_err();
    assert!(refused.contains("format 3") && refused.contains("reads up to 2"), "{refused}");
    caller.close();
}

#[test]
fn a_damaged_event_that_came_last_in_format_1_is_told_and_other_streams_go_on() {
    let folder = copy("format-1.redb");
    let tail: TableDefinition<'_, (u64, u64), &[u8]> = TableDefinition::new("tail");
    let store = Builder::new().open(folder.path().join("journal.redb")).unwrap();
    let writing = store.begin_write().unwrap();
    let mut table = writing.open_table(tail).unwrap();
    // Of `fresh`, the fourth stream.
    let (key, mut record) = table
        .iter()
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|(key, record)| (key.value(), record.value().to_vec()))
        .find(|(key, _)| key.1 == 4)
        .unwrap();
    record[40] ^= 1;
    table.insert(key, &record[..]).unwrap();
    drop(table);
    writing.commit().unwrap();
    drop(store);
    others_go_on(folder.path());
}

/// Changes a group of what came last, found by the stream of its first item.
fn damage_group(folder: &Path, stream: u64, byte: usize) {
    let groups: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("groups");
    let store = Builder::new().open(folder.join("journal.redb")).unwrap();
    let writing = store.begin_write().unwrap();
    let mut table = writing.open_table(groups).unwrap();
    let (key, mut piece) = table
        .iter()
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|(key, piece)| (key.value(), piece.value().to_vec()))
        .find(|(_, piece)| piece[4..12] == stream.to_le_bytes())
        .unwrap();
    piece[byte] ^= 1;
    table.insert(key, &piece[..]).unwrap();
    drop(table);
    writing.commit().unwrap();
}

#[test]
fn a_damaged_event_that_came_last_is_told_and_other_streams_go_on() {
    let folder = copy("format-2.redb");
    // Of `fresh`, the fourth stream; behind the index.
    damage_group(folder.path(), 4, 40);
    others_go_on(folder.path());
}

/// Nobody knows whose events were in it: to go on could lose what was answered.
#[test]
fn a_group_whose_index_is_damaged_is_told_and_nothing_goes_on() {
    let folder = copy("format-2.redb");
    damage_group(folder.path(), 4, 13);
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    for id in ["live", "fresh", "new"] {
        let refused = caller.open(id).unwrap_err();
        assert!(refused.contains("what came last is corrupt"), "{refused}");
    }
    caller.close();
}

/// Where what came last of `fresh` is damaged.
fn others_go_on(folder: &Path) {
    let mut caller = Caller::new(&options(folder, Sync::Disk));
    assert!(caller.open("fresh").unwrap_err().contains("corrupt"));
    let live = caller.open("live").unwrap();
    caller.append(&live.own, 3, &[vec![4]]).unwrap();
    let damage = caller.ask(10, vec![]).unwrap();
    caller.close();
    // Looking at it has written that it is damaged in place of what was.
    let mut caller = Caller::new(&options(folder, Sync::Disk));
    assert_eq!(caller.ask(10, vec![]).unwrap(), damage);
    assert!(caller.open("fresh").unwrap_err().contains("corrupt"));
    assert!(String::from_utf8_lossy(&damage).contains("f \"fresh\": an event that came last is corrupt"), "{damage:?}");
    assert_eq!(caller.ask(5, crate::support::key("fresh")).unwrap(), [4, 1]);
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6]);
    caller.close();
    let mut caller = Caller::new(&options(folder, Sync::Disk));
    assert_eq!(caller.open("live").unwrap().events, 4);
    caller.close();
}

#[test]
fn a_damaged_record_is_told_and_other_streams_go_on() {
    let folder = copy("format-1.redb");
    let records: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
    let store = Builder::new().open(folder.path().join("journal.redb")).unwrap();
    let writing = store.begin_write().unwrap();
    let mut table = writing.open_table(records).unwrap();
    // The first stream is `live`, part 5 are its events.
    let key = [0, 0, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut record = table.get(&key[..]).unwrap().unwrap().value().to_vec();
    record[14] ^= 1;
    table.insert(&key[..], &record[..]).unwrap();
    drop(table);
    writing.commit().unwrap();
    drop(store);
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let live = caller.open("live").unwrap();
    assert!(caller.read(&live.own, 0).unwrap_err().contains("corrupt"));
    let saved = caller.open("saved").unwrap();
    assert_eq!(caller.read(&saved.own, 2).unwrap().len(), 1);
    let damage = caller.ask(10, vec![]).unwrap();
    assert!(String::from_utf8_lossy(&damage).contains("f \"live\": record 5/0 is corrupt"), "{damage:?}");
    assert_eq!(caller.ask(5, crate::support::key("live")).unwrap(), [4, 1]);
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6]);
    caller.close();
}
