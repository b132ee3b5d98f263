//! Events as they are kept and as they travel: one behind the other, each with when it was accepted, its length and whether it is the end.
//!
//! Owns: that layout. The same bytes go from JavaScript into the store and back.

use crate::bytes::Fields;

/// Bytes of an event without its own: when it was accepted (f64), and its length times two plus one if it is the end (u32).
pub(crate) const OVERHEAD: usize = 12;

/// Events one behind the other. Ends with `None` at the end, or with `Some(None)` where the bytes make no sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries<'a>(Fields<'a>);

impl<'a> Entries<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(Fields(bytes))
    }

    /// What is left.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0.0
    }

    /// Passes over one event and tells its size in all; `None` when there is none or it is cut off.
    pub(crate) fn pass(&mut self) -> Option<usize> {
        let mut fields = self.0;
        fields.number()?;
        let length = usize::try_from(fields.word()? >> 1).ok()?;
        fields.take(length)?;
        self.0 = fields;
        Some(OVERHEAD + length)
    }
}

/// Whether the bytes are the end of the input and nothing else: a stream that may keep no more can end all the same.
pub(crate) fn is_end(bytes: &[u8]) -> bool {
    let mut fields = Fields(bytes);
    fields.number().is_some() && fields.word() == Some(1) && fields.is_empty()
}

/// How many events there are; `None` when the bytes are not events.
pub(crate) fn count(bytes: &[u8]) -> Option<u64> {
    let mut entries = Entries::new(bytes);
    let mut count = 0;
    while !entries.rest().is_empty() {
        entries.pass()?;
        count += 1;
    }
    Some(count)
}

/// The bytes from an event on.
pub(crate) fn skip(bytes: &[u8], count: u64) -> Option<&[u8]> {
    let mut entries = Entries::new(bytes);
    for _ in 0..count {
        entries.pass()?;
    }
    Some(entries.rest())
}
