//! The tail: what was appended last, of all streams, in the order in which it came.
//!
//! Owns: what of it is in memory. A commit of 64 streams writes a few neighboring pages at the end of one table instead of two or three pages of each
//! stream. What a stream has in the tail goes to its records (it is *folded*) when something else of it is asked for, or when the tail gets long; a stream
//! that ends before costs no more than its tail. Not here: the transaction around it (`stage.rs`).

use crate::bytes::{Fields, Put as _};
use crate::entry;
use crate::failure::{Failure, Trouble};
use crate::head::Head;
use crate::seal::{seal, unseal};
use crate::tables::Part;
use redb::ReadableTable;
use std::collections::HashMap;

/// Everything is folded when the tail has more bytes: opening a folder reads them.
pub(crate) const LONG: u64 = 4 * 1024 * 1024;
/// What a stream appends beyond this goes to its records at once: it would be written twice for nothing.
pub(crate) const LARGE: usize = 64 * 1024;

/// An entry's key: its number, which grows, and its stream.
pub(crate) type EntryKey = (u64, u64);

/// What of the tail is known without reading it.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    pub(crate) streams: HashMap<u64, Pending>,
    /// The number of the next entry.
    next: u64,
    pub(crate) bytes: u64,
    /// Bytes of events and hashes alone.
    pub(crate) kept: u64,
}

/// Of one stream.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// As it is after its last entry.
    pub(crate) head: Head,
    /// The numbers of its entries.
    pub(crate) entries: Vec<u64>,
    /// Bytes of their events and hashes.
    pub(crate) kept: u64,
    /// An entry of it cannot be read.
    pub(crate) is_damaged: bool,
}

/// One entry: the head after it, and a record that came with it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    pub(crate) part: Part,
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
}

impl Tail {
    /// What a folder has of it.
    pub(crate) fn load(table: &impl ReadableTable<EntryKey, &'static [u8]>) -> Result<Self, Trouble> {
        let mut tail = Self::default();
        for entry in table.iter()? {
            let (key, sealed) = entry?;
            let key = key.value();
            let entry = Entry::open(key, sealed.value()).map(|entry| (entry.head, entry.bytes.len()));
            tail.note(key, sealed.value().len(), entry);
        }
        Ok(tail)
    }

    /// The key of the next entry of a stream.
    pub(crate) const fn next(&self, stream: u64) -> EntryKey {
        (self.next, stream)
    }

    /// An entry is there: the head in it, and how many bytes of events or hashes. Without them it is damaged.
    pub(crate) fn note(&mut self, (number, stream): EntryKey, size: usize, entry: Option<(Head, usize)>) {
        self.next = number + 1;
        self.bytes += size as u64;
        let pending = self.streams.entry(stream).or_default();
        pending.entries.push(number);
        match entry {
            Some((head, kept)) => {
                pending.head = head;
                pending.kept += kept as u64;
                self.kept += kept as u64;
            }
            None => pending.is_damaged = true,
        }
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

impl Entry {
    pub(crate) fn seal(&self, (number, stream): EntryKey) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len() + 192);
        out.byte(self.part as u8);
        out.count(self.index);
        out.blob(&self.head.encode());
        out.extend_from_slice(&self.bytes);
        seal(&[number.to_be_bytes(), stream.to_be_bytes()].concat(), &mut out);
        out
    }

    pub(crate) fn open((number, stream): EntryKey, sealed: &[u8]) -> Option<Self> {
        let mut fields = Fields(unseal(&[number.to_be_bytes(), stream.to_be_bytes()].concat(), sealed)?);
        let part = [Part::Events, Part::Hashes].into_iter().find(|part| fields.0.first() == Some(&(*part as u8)))?;
        fields.byte()?;
        let index = fields.count()?;
        let head = Head::decode(fields.blob()?)?;
        Some(Self { head, part, index, bytes: fields.0.to_vec() })
    }

    /// The index behind what came with it.
    pub(crate) fn end(&self) -> Option<u64> {
        let count = if self.part == Part::Events { entry::count(&self.bytes)? } else { self.bytes.len() as u64 / 4 };
        Some(self.index + count)
    }
}
