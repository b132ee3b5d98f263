//! One write transaction, as the steps see it: records by stream, part and index, sealed on the way in and checked on the way out.
//!
//! Owns: the checksums and the removal of whole streams. Not here: what a command means (`steps/`).

use crate::failure::{Failure, Trouble};
use crate::group::{Entry, Group, Item};
use crate::head::Head;
use crate::metrics::Tally;
use crate::packing::{self, Piece};
use crate::pages;
use crate::seal::{seal, unseal};
use crate::tables::{COUNTS, ENDS, GROUPS, NAMES, Part, RECORDS, parts_of, record_key};
use crate::tail::{LONG, Pending, PieceKey, Tail};
use redb::{ReadableTable as _, Table, WriteTransaction};

/// The tables of one transaction. `dirty`: something was written.
///
/// What a step reads beside the head may lie in the tail: it folds the stream first. What it writes does that by itself.
pub(crate) struct Stage<'t> {
    tail: &'t mut Tail,
    /// What goes behind the tail.
    group: Group,
    groups: Table<'t, PieceKey, &'static [u8]>,
    pub(crate) records: Table<'t, &'static [u8], &'static [u8]>,
    pub(crate) names: Table<'t, &'static [u8], u64>,
    pub(crate) ends: Table<'t, (u64, u64), ()>,
    pub(crate) counts: Table<'t, &'static str, u64>,
    pub(crate) dirty: bool,
    /// Streams made less streams removed.
    pub(crate) more: i64,
    /// Bytes that heads among the records say more than before.
    pub(crate) grown: i64,
    pub(crate) tally: Tally,
}

impl<'t> Stage<'t> {
    pub(crate) fn over(transaction: &'t WriteTransaction, tail: &'t mut Tail) -> Result<Self, Trouble> {
        Ok(Self {
            group: std::mem::take(&mut tail.spare),
            tail,
            groups: transaction.open_table(GROUPS)?,
            records: transaction.open_table(RECORDS)?,
            names: transaction.open_table(NAMES)?,
            ends: transaction.open_table(ENDS)?,
            counts: transaction.open_table(COUNTS)?,
            dirty: false,
            more: 0,
            grown: 0,
            tally: Tally::default(),
        })
    }

    /// A record; `None` when there is none.
    pub(crate) fn get(&self, stream: u64, part: Part, index: u64, what: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let key = record_key(stream, part, index);
        let Some(sealed) = self.records.get(&key[..])? else { return Ok(None) };
        let record = unseal(&key, sealed.value()).ok_or_else(|| Failure::corrupt(what))?;
        Ok(Some(record.to_vec()))
    }

    /// Whether there is a record.
    pub(crate) fn has(&self, stream: u64, part: Part, index: u64) -> Result<bool, Trouble> {
        Ok(self.records.get(&record_key(stream, part, index)[..])?.is_some())
    }

    pub(crate) fn put(&mut self, stream: u64, part: Part, index: u64, mut record: Vec<u8>) -> Result<(), Trouble> {
        self.fold(stream)?;
        let key = record_key(stream, part, index);
        seal(&key, &mut record);
        self.dirty = true;
        self.records.insert(&key[..], &record[..])?;
        Ok(())
    }

    /// Puts pieces of a part, as records that fill pages.
    pub(crate) fn put_all(&mut self, stream: u64, part: Part, pieces: &[Piece<'_>]) -> Result<(), Trouble> {
        packing::records(pieces).try_for_each(|(index, record)| self.put(stream, part, index, record))
    }

    /// Gives every record of a part with an index from `from` to below `to`, in order, until `each` says that it has enough.
    pub(crate) fn each(
        &self,
        (stream, part, what): (u64, Part, &str),
        (from, to): (u64, u64),
        mut each: impl FnMut(u64, &[u8]) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        let (low, high) = (record_key(stream, part, from), record_key(stream, part, to));
        for entry in self.records.range::<&[u8]>(&low[..]..&high[..])? {
            let (key, sealed) = entry?;
            let record = unseal(key.value(), sealed.value()).ok_or_else(|| Failure::corrupt(what))?;
            let (_, _, index) = parts_of(key.value()).ok_or_else(|| Failure::corrupt(what))?;
            if !each(index, record)? {
                break;
            }
        }
        Ok(())
    }

    /// The index of the record of a part at or before an index.
    pub(crate) fn at_or_before(&self, stream: u64, part: Part, index: u64) -> Result<Option<u64>, Trouble> {
        let (low, high) = (record_key(stream, part, 0), record_key(stream, part, index));
        let Some(entry) = self.records.range::<&[u8]>(&low[..]..=&high[..])?.next_back() else { return Ok(None) };
        Ok(parts_of(entry?.0.value()).map(|(_, _, index)| index))
    }

    /// Removes the records of a part with an index from `from` to below `to`; tells how many bytes that were, checksums excepted.
    pub(crate) fn drop_range(&mut self, stream: u64, part: Part, from: u64, to: u64) -> Result<u64, Trouble> {
        self.fold(stream)?;
        let (low, high) = (record_key(stream, part, from), record_key(stream, part, to));
        let mut bytes = 0;
        self.records.retain_in::<&[u8], _>(&low[..]..&high[..], |_, sealed| {
            bytes += (sealed.len() as u64).saturating_sub(4);
            false
        })?;
        self.dirty |= bytes > 0;
        Ok(bytes)
    }

    /// The head of a stream; `None` when there is no such stream.
    pub(crate) fn head(&self, stream: u64) -> Result<Option<Head>, Trouble> {
        if let Some(head) = self.tail.head(stream) {
            return Ok(Some(head?));
        }
        let Some(bytes) = self.get(stream, Part::Head, 0, "its head")? else { return Ok(None) };
        Ok(Some(Head::decode(&bytes).ok_or_else(|| Failure::corrupt("its head"))?))
    }

    pub(crate) fn put_head(&mut self, stream: u64, head: &Head) -> Result<(), Trouble> {
        self.fold(stream)?;
        let key = record_key(stream, Part::Head, 0);
        let mut record = head.encode();
        seal(&key, &mut record);
        self.dirty = true;
        let before = self.records.insert(&key[..], &record[..])?.map_or(0, |old| bytes_of(&key, old.value()));
        self.grown += head.bytes.cast_signed() - before;
        Ok(())
    }

    /// The number of a stream.
    pub(crate) fn number(&self, name: &[u8]) -> Result<Option<u64>, Trouble> {
        Ok(self.names.get(name)?.map(|number| number.value()))
    }

    /// Removes everything of a stream. It needs no record of it to be readable.
    pub(crate) fn remove(&mut self, name: &[u8], stream: u64) -> Result<(), Trouble> {
        if let Ok(Some(Head { over: Some(until), .. })) = self.head(stream) {
            self.ends.remove((until, stream))?;
        }
        self.forget(stream);
        let head = record_key(stream, Part::Head, 0);
        self.grown -= self.records.get(&head[..])?.map_or(0, |kept| bytes_of(&head, kept.value()));
        let (low, high) = (record_key(stream, Part::Name, 0), record_key(stream, Part::Over, u64::MAX));
        self.records.retain_in::<&[u8], _>(&low[..]..=&high[..], |_, _| false)?;
        self.names.remove(name)?;
        self.dirty = true;
        self.more -= 1;
        Ok(())
    }

    /// Puts events or hashes, and the head after them, into the tail.
    pub(crate) fn append(&mut self, stream: u64, entry: Entry) {
        let item = Item::Entry(entry);
        let place = self.group.push(self.tail.group, stream, &item);
        let Item::Entry(entry) = item else { return };
        self.tail.note(stream, Some(entry), Some(place));
        self.dirty = true;
    }

    /// Moves what a stream has in the tail to its records. A refusal has written nothing.
    pub(crate) fn fold(&mut self, stream: u64) -> Result<(), Trouble> {
        let Some(pending) = self.tail.streams.get(&stream) else { return Ok(()) };
        if pending.is_damaged {
            return Err(Failure::corrupt("an event that came last").into());
        }
        let Some(pending) = self.forget(stream) else { return Ok(()) };
        for part in [Part::Events, Part::Hashes] {
            let of_part = pending.entries.iter().filter(|entry| entry.part == part && !entry.bytes.is_empty());
            let pieces: Vec<_> = of_part.map(|entry| (entry.index, entry.end, &entry.bytes[..])).collect();
            self.put_all(stream, part, &pieces)?;
        }
        self.put_head(stream, &pending.head)
    }

    /// Folds every stream that can be read. Of the others the tail says from then on that they cannot.
    pub(crate) fn fold_all(&mut self) -> Result<(), Trouble> {
        let mut streams: Vec<u64> = self.tail.streams.keys().copied().collect();
        // Neighbors in the store one after the other.
        streams.sort_unstable();
        for stream in streams {
            match self.fold(stream) {
                Ok(()) | Err(Trouble::Refused(_)) => {}
                Err(broken) => return Err(broken),
            }
        }
        self.clear()?;
        for stream in self.tail.streams.keys() {
            self.group.push(self.tail.group, *stream, &Item::Damaged);
            self.dirty = true;
        }
        Ok(())
    }

    /// Keeps the tail short.
    pub(crate) fn tidy(&mut self) -> Result<(), Trouble> {
        if self.tail.bytes + self.group.size() > LONG { self.fold_all() } else { Ok(()) }
    }

    /// Writes what the transaction put into the tail: the last step of it.
    pub(crate) fn close(&mut self) -> Result<(), Trouble> {
        if self.tail.streams.is_empty() {
            return self.clear();
        }
        let number = self.tail.group;
        let Some(sealed) = self.group.seal(number) else { return Ok(()) };
        let mut rest = &sealed[..];
        for (piece, size) in (0..).zip(pages::pieces(sealed.len())) {
            let (value, more) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            self.groups.insert((number, piece), value)?;
            rest = more;
        }
        self.tail.bytes += sealed.len() as u64;
        self.tail.group += 1;
        self.tail.spare = std::mem::take(&mut self.group).emptied();
        Ok(())
    }

    /// Removes all groups: nothing in them counts any more.
    fn clear(&mut self) -> Result<(), Trouble> {
        self.group.clear();
        if self.tail.bytes > 0 {
            self.groups.retain(|_, _| false)?;
            self.tail.bytes = 0;
            self.dirty = true;
        }
        Ok(())
    }

    /// Removes what a stream has in the tail.
    fn forget(&mut self, stream: u64) -> Option<Pending> {
        let pending = self.tail.remove(stream)?;
        let number = self.tail.group;
        for place in pending.places(number) {
            self.group.take_back(*place);
        }
        if pending.first < number {
            self.group.push(number, stream, &Item::Forget);
        }
        self.dirty = true;
        Some(pending)
    }

    /// The next number of a count.
    pub(crate) fn next(&mut self, count: &'static str) -> Result<u64, Trouble> {
        let next = self.counts.get(count)?.map_or(0, |value| value.value()) + 1;
        self.counts.insert(count, next)?;
        self.dirty = true;
        Ok(next)
    }
}

/// What a head among the records says its stream keeps; nothing where it cannot be read.
pub(crate) fn bytes_of(key: &[u8], sealed: &[u8]) -> i64 {
    unseal(key, sealed).and_then(Head::decode).map_or(0, |head| head.bytes.cast_signed())
}
