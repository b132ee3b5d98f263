//! The tail: what was appended last, of all streams, in the order in which it came.
//!
//! Owns: what of it is in memory, which is all that still counts. In the store it is a log of groups (`group.rs`), one a commit: a commit of 64 streams writes a few
//! neighboring pages instead of two or three pages of each stream. What a stream has in the tail goes to its records (it is *folded*) when something else of
//! it is asked for, or when the tail gets long; a stream that ends before costs no more than its tail. Not here: the transaction around it (`stage.rs`).

use crate::failure::{Failure, Trouble};
use crate::group::{self, Entry, Group, Item};
use crate::head::Head;
use redb::ReadableTable;
use std::collections::HashMap;

/// Everything is folded when the groups have more bytes: opening a folder reads them.
pub(crate) const LONG: u64 = 4 * 1024 * 1024;
/// What a stream appends beyond this goes to its records at once: it would be written twice for nothing.
pub(crate) const LARGE: usize = 64 * 1024;

/// The key of a piece: the number of its group, which grows, and which piece of it.
pub(crate) type PieceKey = (u64, u32);
/// Of format 1: the number of an entry, and its stream.
pub(crate) type EntryKey = (u64, u64);

#[derive(Debug, Default)]
pub(crate) struct Tail {
    pub(crate) streams: HashMap<u64, Pending>,
    /// The number of the group that is being made.
    pub(crate) group: u64,
    /// Of all groups that are kept, with what of them does not count any more.
    pub(crate) bytes: u64,
    /// Bytes of events and hashes alone that count.
    pub(crate) kept: u64,
    /// For the next group.
    pub(crate) spare: Group,
}

/// Of one stream.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// As it is after its last entry.
    pub(crate) head: Head,
    pub(crate) entries: Vec<Entry>,
    /// Bytes of their events and hashes.
    pub(crate) kept: u64,
    /// An entry of it cannot be read.
    pub(crate) is_damaged: bool,
    /// The group of its first entry, and the last group with one.
    pub(crate) first: u64,
    last: u64,
    /// Its places in that last group.
    places: Vec<usize>,
}

impl Tail {
    /// What a folder has of it.
    pub(crate) fn load(table: &impl ReadableTable<PieceKey, &'static [u8]>) -> Result<Self, Trouble> {
        let mut tail = Self::default();
        let mut sealed = Vec::new();
        for entry in table.iter()? {
            let (key, piece) = entry?;
            let (number, _) = key.value();
            if number != tail.group {
                tail.take(&sealed)?;
                sealed.clear();
                tail.group = number;
            }
            sealed.extend_from_slice(piece.value());
        }
        tail.take(&sealed)?;
        tail.group += 1;
        Ok(tail)
    }

    /// What a folder of format 1 has: each entry was a record.
    pub(crate) fn load_1(table: &impl ReadableTable<EntryKey, &'static [u8]>) -> Result<Self, Trouble> {
        let mut tail = Self::default();
        for entry in table.iter()? {
            let (key, sealed) = entry?;
            let (number, stream) = key.value();
            let key = [number.to_be_bytes(), stream.to_be_bytes()].concat();
            tail.note(stream, Entry::open(&key, sealed.value()), None);
        }
        Ok(tail)
    }

    /// What a group says that was kept. Of one whose index is damaged nobody knows whose events were in it.
    fn take(&mut self, sealed: &[u8]) -> Result<(), Failure> {
        if sealed.is_empty() {
            return Ok(());
        }
        for (stream, item) in group::open(self.group, sealed).ok_or_else(|| Failure::corrupt("what came last"))? {
            match item {
                Item::Entry(entry) => self.note(stream, Some(entry), None),
                Item::Damaged => self.note(stream, None, None),
                Item::Forget => drop(self.remove(stream)),
            }
        }
        self.bytes += sealed.len() as u64;
        Ok(())
    }

    /// A stream has one more entry, or one that cannot be read; `place`: in the group that is being made.
    pub(crate) fn note(&mut self, stream: u64, entry: Option<Entry>, place: Option<usize>) {
        let group = self.group;
        let pending = self.streams.entry(stream).or_insert_with(|| Pending { first: group, ..Pending::default() });
        if pending.last != group {
            pending.last = group;
            pending.places.clear();
        }
        pending.places.extend(place);
        let Some(entry) = entry else {
            pending.is_damaged = true;
            return;
        };
        let kept = entry.bytes.len() as u64;
        pending.head = entry.head.clone();
        pending.kept += kept;
        self.kept += kept;
        pending.entries.push(entry);
    }

    /// What a stream has here, which goes.
    pub(crate) fn remove(&mut self, stream: u64) -> Option<Pending> {
        let pending = self.streams.remove(&stream)?;
        self.kept = self.kept.saturating_sub(pending.kept);
        Some(pending)
    }

    /// The head of a stream that has something here.
    pub(crate) fn head(&self, stream: u64) -> Option<Result<Head, Failure>> {
        let pending = self.streams.get(&stream)?;
        Some(if pending.is_damaged {
            Err(Failure::corrupt("an event that came last"))
        } else {
            Ok(pending.head.clone())
        })
    }
}

impl Pending {
    /// Its places in the group that is being made.
    pub(crate) fn places(&self, group: u64) -> &[usize] {
        if self.last == group { &self.places } else { &[] }
    }
}
