//! Reading and writing little-endian fields, of records and of the wire.
//!
//! Owns: the bounds check of every read. `None` everywhere means that the bytes end too early.

/// Fields out of a slice, from its beginning on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn word(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn count(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn number(&mut self) -> Option<f64> {
        self.array().map(f64::from_le_bytes)
    }

    /// A count that came as a number of JavaScript.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
    pub(crate) fn whole(&mut self) -> Option<u64> {
        self.number().map(|number| number as u64)
    }

    /// Bytes behind their length.
    pub(crate) fn blob(&mut self) -> Option<&'a [u8]> {
        let length = self.word()?;
        self.take(usize::try_from(length).ok()?)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.blob()?).ok()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Fields onto the end of a vector.
pub(crate) trait Put {
    fn byte(&mut self, value: u8);
    fn word(&mut self, value: u32);
    fn count(&mut self, value: u64);
    fn number(&mut self, value: f64);
    fn blob(&mut self, bytes: &[u8]);

    /// A count as a number of JavaScript.
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    fn whole(&mut self, value: u64) {
        self.number(value as f64);
    }
}

impl Put for Vec<u8> {
    fn byte(&mut self, value: u8) {
        self.push(value);
    }

    fn word(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn count(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn number(&mut self, value: f64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.word(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.extend_from_slice(bytes);
    }
}
