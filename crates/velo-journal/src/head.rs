//! The head of a stream: everything of it that has a fixed size.
//!
//! Owns: its layout. One per stream, read and written with every step of it.

use crate::bytes::{Fields, Put as _};

/// A random name of an ownership.
pub(crate) type Token = [u8; 16];

/// What is known of a stream without its records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Head {
    pub(crate) epoch: u64,
    pub(crate) token: Token,
    /// As its first life was given them.
    pub(crate) at: f64,
    pub(crate) seed: f64,
    /// Index of the first event kept, and of the next one to come.
    pub(crate) first: u64,
    pub(crate) events: u64,
    /// Results of which it is known that they were delivered.
    pub(crate) delivered: u64,
    /// Indexes of the first hash kept, and of the next one to come.
    pub(crate) hashed_from: u64,
    pub(crate) hashed: u64,
    /// Index of the first output, and behind the last one.
    pub(crate) outputs_from: u64,
    pub(crate) outputs: u64,
    /// Outcomes that were ever kept: the order of the next one.
    pub(crate) outcomes: u64,
    /// Bytes of all its records, checksums excepted.
    pub(crate) bytes: u64,
    pub(crate) state: Option<Cursor>,
    /// When what is retained of its end goes, Unix ms; `None` while it has not ended.
    pub(crate) over: Option<u64>,
}

/// Of a checkpoint: how many of each were done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cursor {
    pub(crate) version: f64,
    pub(crate) events: u64,
    pub(crate) results: u64,
    pub(crate) asked: u64,
}

impl Cursor {
    /// Whether a checkpoint was taken before another one: then it is a repeat.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        (self.events, self.results, self.asked) < (other.events, other.results, other.asked)
    }
}

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        out.count(self.epoch);
        out.extend_from_slice(&self.token);
        out.number(self.at);
        out.number(self.seed);
        let counts = [self.first, self.events, self.delivered, self.hashed_from, self.hashed];
        let more = [self.outputs_from, self.outputs, self.outcomes, self.bytes];
        for count in counts.into_iter().chain(more) {
            out.count(count);
        }
        out.byte(u8::from(self.state.is_some()) | u8::from(self.over.is_some()) << 1);
        if let Some(state) = self.state {
            out.number(state.version);
            for count in [state.events, state.results, state.asked] {
                out.count(count);
            }
        }
        if let Some(until) = self.over {
            out.count(until);
        }
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let mut head = Self {
            epoch: fields.count()?,
            token: fields.array()?,
            at: fields.number()?,
            seed: fields.number()?,
            first: fields.count()?,
            events: fields.count()?,
            delivered: fields.count()?,
            hashed_from: fields.count()?,
            hashed: fields.count()?,
            outputs_from: fields.count()?,
            outputs: fields.count()?,
            outcomes: fields.count()?,
            bytes: fields.count()?,
            ..Self::default()
        };
        let has = fields.byte()?;
        if has & 1 != 0 {
            let version = fields.number()?;
            let (events, results, asked) = (fields.count()?, fields.count()?, fields.count()?);
            head.state = Some(Cursor { version, events, results, asked });
        }
        if has & 2 != 0 {
            head.over = Some(fields.count()?);
        }
        fields.is_empty().then_some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let plain =
            Head { epoch: 7, token: [3; 16], at: 1.5, seed: -2.0, first: 4, events: 9, bytes: 5, ..Head::default() };
        let cursor = Cursor { version: 2.0, events: 4, results: 3, asked: 1 };
        let full = Head { state: Some(cursor), over: Some(99), outputs_from: 1, outputs: 3, ..plain.clone() };
        for head in [plain, full] {
            let bytes = head.encode();
            assert_eq!(Head::decode(&bytes), Some(head));
            for cut in 0..bytes.len() {
                assert_eq!(Head::decode(&bytes[..cut]), None, "cut at {cut}");
            }
        }
    }
}
