//! Verdicts on their way to an isolate.
//!
//! Owns: what a verdict says, the key it waits under until its mailbox has room, and who has to be woken.

use crate::page::Bell;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use velo_core::signal::Verdict;

/// Verdicts a mailbox holds. A full one loses nothing: the deadline behind a verdict stays armed.
pub const MAILBOX: usize = 256;

/// One verdict, as `take` hands it to JavaScript.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// What happened.
    pub verdict: Verdict,
    /// The stream, or the id of a timer of no stream.
    pub slot: u32,
    /// The generation of the row; 0 where there is no row.
    pub generation: f64,
    /// The count the verdict rests on: delivered events for `Idle`, read results for `Stall`, else 0.
    pub seen: f64,
}

/// What a deadline is about. The order of the fields is the order among deadlines of the same millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) isolate: u32,
    pub(crate) slot: u32,
    pub(crate) verdict: Verdict,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.isolate) << 36 ^ u64::from(self.slot) << 4 ^ self.verdict as u64);
    }
}

/// Hashes a `Key`, which no outsider chooses: one multiplication is enough.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

pub(crate) type KeyState = BuildHasherDefault<KeyHasher>;

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, value: u64) {
        // The high half of the product is mixed into the low half, from which the table takes its bucket.
        let product = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What has to happen after the lock of the desk is released.
#[derive(Default)]
pub(crate) struct Errands {
    pub(crate) bells: Vec<Arc<dyn Bell>>,
    pub(crate) wake_timer: bool,
}

impl Errands {
    /// Rings each bell once, however many verdicts it announces.
    pub(crate) fn ring(&mut self, bell: &Arc<dyn Bell>) {
        if !self.bells.iter().any(|known| Arc::ptr_eq(known, bell)) {
            self.bells.push(Arc::clone(bell));
        }
    }
}
