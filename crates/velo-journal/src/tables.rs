//! The tables of the store and their keys.
//!
//! Owns: format version 2. `records` holds everything of all streams: by the number of the stream, what it is, and its index, all big-endian, so that a
//! stream is one range. `groups` holds what came last and is not there yet. `names` leads from a key to the number, `ends` from when a retained end goes to whose it is.

use crate::tail::{EntryKey, PieceKey};
use redb::TableDefinition;

/// Of the layout described in this file, `entry.rs`, `group.rs`, `head.rs` and `stage.rs`.
pub(crate) const FORMAT: u64 = 2;
/// The format before had `TAIL` in place of `GROUPS`. A folder of it is brought to this one as it is opened.
pub(crate) const FORMAT_1: u64 = 1;

pub(crate) const RECORDS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("records");
pub(crate) const NAMES: TableDefinition<'static, &[u8], u64> = TableDefinition::new("names");
/// See `group.rs`.
pub(crate) const GROUPS: TableDefinition<'static, PieceKey, &[u8]> = TableDefinition::new("groups");
/// Of format 1: what came last, each entry a record.
pub(crate) const TAIL: TableDefinition<'static, EntryKey, &[u8]> = TableDefinition::new("tail");
pub(crate) const ENDS: TableDefinition<'static, (u64, u64), ()> = TableDefinition::new("ends");
pub(crate) const COUNTS: TableDefinition<'static, &str, u64> = TableDefinition::new("counts");

/// Names in `COUNTS`.
pub(crate) const FORMAT_COUNT: &str = "format";
pub(crate) const EPOCH_COUNT: &str = "epoch";
pub(crate) const STREAM_COUNT: &str = "streams";
/// Of all heads in `RECORDS`: what their streams keep there.
pub(crate) const BYTES_COUNT: &str = "bytes";

/// What a record is. The order is that in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Part {
    /// Its name, as in `names`.
    Name = 0,
    /// The bytes of the checkpoint.
    State = 1,
    /// A result, by its index.
    Output = 2,
    /// Its order and its bytes, by how many had begun before it.
    Outcome = 3,
    /// Hashes, by the index of the first.
    Hashes = 4,
    /// Events, by the index of the first.
    Events = 5,
    /// See `head.rs`. Behind the newest events: an append touches both.
    Head = 6,
    /// What is retained of its end.
    Over = 7,
}

/// The key of a record.
pub(crate) type RecordKey = [u8; 17];

pub(crate) fn record_key(stream: u64, part: Part, index: u64) -> RecordKey {
    let mut key = [0; 17];
    for (place, byte) in
        key.iter_mut().zip(stream.to_be_bytes().into_iter().chain([part as u8]).chain(index.to_be_bytes()))
    {
        *place = byte;
    }
    key
}

/// The stream, the part and the index that a key names.
pub(crate) fn parts_of(key: &[u8]) -> Option<(u64, u8, u64)> {
    let (stream, rest) = key.split_first_chunk::<8>()?;
    let (part, index) = rest.split_first()?;
    Some((u64::from_be_bytes(*stream), *part, u64::from_be_bytes(index.try_into().ok()?)))
}

/// A key of `names`: the function behind its length, then the id, so that the streams of a function are one range.
pub(crate) fn name_key(function: &str, id: &str) -> Vec<u8> {
    let length = u32::try_from(function.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), function.as_bytes(), id.as_bytes()].concat()
}

/// The function and the id that a key of `names` holds.
pub(crate) fn name_of(key: &[u8]) -> Option<(&str, &str)> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let (function, id) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((std::str::from_utf8(function).ok()?, std::str::from_utf8(id).ok()?))
}
