//! What one commit puts behind the tail: entries of many streams, one behind the other.
//!
//! Owns: the layout. First an index under a checksum of its own (how many items, then the stream, the kind and the size of each), then the items, each sealed. So
//! a commit of 64 streams is a few large pages in place of 64 small records, and an item that is damaged costs its own stream alone. Not here: what of
//! it is in memory (`tail.rs`).

use crate::bytes::{Fields, Put as _};
use crate::entry;
use crate::head::Head;
use crate::seal::{seal, unseal};
use crate::tables::Part;
use std::ops::Range;

/// Memory of a group that is kept for the next one.
const SPARE_BYTES: usize = 512 * 1024;
/// Bytes of the index for one item.
const INDEX_ITEM: usize = 13;

/// Kinds of items.
const ENTRY: u8 = 0;
const FORGET: u8 = 1;
const DAMAGED: u8 = 2;

/// Events or hashes, and the head after them.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) head: Head,
    pub(crate) part: Part,
    pub(crate) index: u64,
    /// The index behind the last one.
    pub(crate) end: u64,
    pub(crate) bytes: Vec<u8>,
}

/// What a group says of a stream.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are entries, and one is made for each append")]
pub(crate) enum Item {
    Entry(Entry),
    /// Nothing before this counts: it was moved, or the stream was removed.
    Forget,
    /// What came last of it could not be read any more.
    Damaged,
}

/// Items that wait for the end of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The stream, the kind, and where in `bytes` it is; `None`: it was taken back.
    items: Vec<Option<(u64, u8, Range<usize>)>>,
    bytes: Vec<u8>,
}

impl Group {
    /// Puts an item behind the others of the group `number`; tells its place.
    pub(crate) fn push(&mut self, number: u64, stream: u64, item: &Item) -> usize {
        let begin = self.bytes.len();
        let kind = match item {
            Item::Entry(entry) => {
                entry.put(&key(number, stream), &mut self.bytes);
                ENTRY
            }
            Item::Forget => FORGET,
            Item::Damaged => DAMAGED,
        };
        self.items.push(Some((stream, kind, begin..self.bytes.len())));
        self.items.len() - 1
    }

    pub(crate) fn take_back(&mut self, place: usize) {
        if let Some(item) = self.items.get_mut(place) {
            *item = None;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.bytes.clear();
    }

    /// Empty again, with its memory for the next one as long as that is not much.
    pub(crate) fn emptied(mut self) -> Self {
        self.clear();
        self.bytes.shrink_to(SPARE_BYTES);
        self.items.shrink_to(SPARE_BYTES / INDEX_ITEM);
        self
    }

    /// About what it will be in the store.
    pub(crate) const fn size(&self) -> u64 {
        (self.bytes.len() + self.items.len() * INDEX_ITEM) as u64
    }

    /// The group as it is kept; `None` when there is nothing in it.
    pub(crate) fn seal(&self, number: u64) -> Option<Vec<u8>> {
        let items = self.items.iter().flatten();
        let count = items.clone().count();
        if count == 0 {
            return None;
        }
        let word = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(8 + count * INDEX_ITEM + self.bytes.len());
        out.word(word(count));
        for (stream, kind, range) in items.clone() {
            out.count(*stream);
            out.byte(*kind);
            out.word(word(range.len()));
        }
        seal(&number.to_be_bytes(), &mut out);
        for (.., range) in items {
            out.extend_from_slice(self.bytes.get(range.clone()).unwrap_or_default());
        }
        Some(out)
    }
}

/// The items of a group, in order; `None` when its index is not what was sealed.
pub(crate) fn open(number: u64, sealed: &[u8]) -> Option<Vec<(u64, Item)>> {
    let count = usize::try_from(Fields(sealed).word()?).ok()?;
    let (index, bodies) = sealed.split_at_checked(count.checked_mul(INDEX_ITEM)?.checked_add(8)?)?;
    let mut index = Fields(unseal(&number.to_be_bytes(), index)?);
    index.word()?;
    let mut bodies = Fields(bodies);
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        let (stream, kind, size) = (index.count()?, index.byte()?, index.word()?);
        let body = bodies.take(usize::try_from(size).ok()?)?;
        let item = match kind {
            ENTRY => Entry::open(&key(number, stream), body).map_or(Item::Damaged, Item::Entry),
            FORGET => Item::Forget,
            DAMAGED => Item::Damaged,
            _ => return None,
        };
        items.push((stream, item));
    }
    bodies.is_empty().then_some(items)
}

fn key(number: u64, stream: u64) -> [u8; 16] {
    (u128::from(number) << 64 | u128::from(stream)).to_be_bytes()
}

impl Entry {
    fn put(&self, key: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.byte(self.part as u8);
        out.count(self.index);
        out.blob(&self.head.encode());
        out.extend_from_slice(&self.bytes);
        let sum = crate::seal::sum(key, out.get(begin..).unwrap_or_default());
        out.extend_from_slice(&sum.to_le_bytes());
    }

    /// Also reads an entry of format 1, which was a record by itself.
    pub(crate) fn open(key: &[u8], sealed: &[u8]) -> Option<Self> {
        let mut fields = Fields(unseal(key, sealed)?);
        let part = [Part::Events, Part::Hashes].into_iter().find(|part| fields.0.first() == Some(&(*part as u8)))?;
        fields.byte()?;
        let index = fields.count()?;
        let head = Head::decode(fields.blob()?)?;
        let bytes = fields.0.to_vec();
        let count = if part == Part::Events { entry::count(&bytes)? } else { bytes.len() as u64 / 4 };
        Some(Self { head, part, index, end: index + count, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(index: u64, size: usize) -> Item {
        Item::Entry(Entry {
            head: Head { hashed: 9, ..Head::default() },
            part: Part::Hashes,
            index,
            end: index + size as u64 / 4,
            bytes: vec![5; size],
        })
    }

    /// What is in a group, shortly.
    fn said(items: &[(u64, Item)]) -> Vec<(u64, i64)> {
        let one = |item: &Item| match item {
            Item::Entry(entry) => entry.end.cast_signed(),
            Item::Forget => -1,
            Item::Damaged => -2,
        };
        items.iter().map(|(stream, item)| (*stream, one(item))).collect()
    }

    #[test]
    fn a_group_is_read_as_it_was_written() {
        let mut group = Group::default();
        assert_eq!(group.seal(7), None);
        group.push(7, 1, &hashes(3, 8));
        let place = group.push(7, 2, &hashes(0, 4));
        group.push(7, 1, &Item::Forget);
        group.push(7, 3, &Item::Damaged);
        group.push(7, 2, &hashes(1, 400));
        group.take_back(place);
        let sealed = group.seal(7).unwrap();
        let expected = [(1, 5), (1, -1), (3, -2), (2, 101)];
        assert_eq!(said(&open(7, &sealed).unwrap()), expected);
        assert!(open(8, &sealed).is_none(), "misplaced");
        for cut in 0..sealed.len() {
            assert!(open(7, &sealed[..cut]).is_none(), "cut at {cut}");
        }
        let index = 8 + 4 * INDEX_ITEM;
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            let items = open(7, &damaged);
            assert_eq!(items.is_none(), at < index, "byte {at}");
            let Some(items) = items else { continue };
            let right = items.len() - said(&items).iter().zip(expected).filter(|(one, other)| **one != *other).count();
            assert_eq!(right, 3, "byte {at} costs one stream");
        }
        group.clear();
        assert_eq!((group.seal(7), group.size()), (None, 0));
    }
}
