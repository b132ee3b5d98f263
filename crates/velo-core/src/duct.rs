//! A duct: batches of encoded values from one thread to another, with the credits that bound them.
//!
//! Owns: the queue of batches, its bound in bytes, the demand of the receiver and the flags of sleep. Not here: what
//! the bytes mean, and how a sleeper is woken. Checked with loom (`tests/loom.rs`), over a queue of its own. One side sends, the other receives; each half is one value, so that the
//! order of a stream is a fact.

use crate::channel::{OfferError, Receiver, Sender, channel};
use crate::demand::Demand;
use crate::doorbell::Sleep;
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// Batches that wait in a duct at most. Small, because a sender gathers what does not fit into one larger batch.
pub const DUCT_BATCHES: usize = 16;

/// Bytes that wait in a duct before nothing more is put in. One batch is always let in, however large.
pub const DUCT_BYTES: u64 = 1 << 22;

/// Encoded values.
#[derive(PartialEq, Eq)]
pub struct Batch {
    /// The encoding.
    pub bytes: Vec<u8>,
    /// What it counts against the bound: its bytes and those that travel beside it.
    pub weight: u64,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the bytes: they may be a user's event.
        f.debug_struct("Batch").field("weight", &self.weight).finish_non_exhaustive()
    }
}

/// What both halves see.
#[derive(Debug)]
struct Shared {
    /// What the receiver has asked for. Its sender sleeps for want of credit.
    demand: Demand,
    /// The sender sleeps for want of room in the queue. A flag of its own: in lockstep every batch is taken while its sender waits for credit, which
    /// that does not bring, and a ring costs more than all the rest.
    room: Sleep,
    /// Weight of the batches in the queue.
    weight: AtomicU64,
    /// Asleep on an empty queue.
    receiver: Sleep,
}

/// The sending half.
#[derive(Debug)]
pub struct DuctSender {
    queue: Sender<Batch>,
    shared: Arc<Shared>,
}

/// The receiving half.
#[derive(Debug)]
pub struct DuctReceiver {
    queue: Receiver<Batch>,
    shared: Arc<Shared>,
}

/// A duct in which `ahead` values may be under way that nobody asked for; 0 = lockstep.
#[must_use]
pub fn duct(ahead: u32) -> (DuctSender, DuctReceiver) {
    let (sender, receiver) = channel(DUCT_BATCHES);
    let shared = Arc::new(Shared {
        demand: Demand::new(ahead),
        room: Sleep::default(),
        weight: AtomicU64::new(0),
        receiver: Sleep::default(),
    });
    // Nobody looks into a duct before there is something in it.
    shared.receiver.announce();
    (DuctSender { queue: sender, shared: Arc::clone(&shared) }, DuctReceiver { queue: receiver, shared })
}

impl DuctSender {
    /// How many more values may be sent after `sent`. With none left the sender is noted as asleep: it hears of new demand.
    #[must_use]
    pub fn credit(&mut self, sent: u64) -> u64 {
        self.shared.demand.credit(sent)
    }

    /// Puts a batch in; true when the receiver sleeps and must be woken. A batch that does not fit comes back, and the
    /// sender is noted as asleep; so does one for a receiver that is gone.
    pub fn push(&mut self, batch: Batch) -> Result<bool, OfferError<Batch>> {
        let batch = match self.offer(batch) {
            Err(OfferError::Full(batch)) => batch,
            other => return other,
        };
        self.shared.room.announce();
        let offered = self.offer(batch);
        if offered.is_ok() {
            self.shared.room.cancel();
        }
        offered
    }

    fn offer(&mut self, batch: Batch) -> Result<bool, OfferError<Batch>> {
        let weight = batch.weight;
        // Relaxed: only this side adds, so what is read is never too small to be safe, and a wake-up brings a later look.
        let queued = self.shared.weight.load(Ordering::Relaxed);
        if queued > 0 && queued + weight > DUCT_BYTES {
            return Err(OfferError::Full(batch));
        }
        self.shared.weight.fetch_add(weight, Ordering::Relaxed);
        match self.queue.offer(batch) {
            Ok(()) => Ok(self.shared.receiver.wake()),
            Err(refused) => {
                self.shared.weight.fetch_sub(weight, Ordering::Relaxed);
                Err(refused)
            }
        }
    }
}

impl DuctReceiver {
    /// Takes the oldest batch. With none the receiver is noted as asleep: it hears of the next one.
    #[must_use]
    pub fn take(&mut self) -> Option<Taken> {
        if let Some(taken) = self.look() {
            return Some(taken);
        }
        self.shared.receiver.announce();
        let taken = self.look();
        if taken.is_some() {
            self.shared.receiver.cancel();
        }
        taken
    }

    /// Whether a batch waits.
    #[must_use]
    pub fn has_some(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Asks for values: how many in all, since the beginning. True when the sender sleeps and must be woken.
    #[must_use]
    pub fn demand(&mut self, total: u64) -> bool {
        self.shared.demand.ask(total)
    }

    /// Ends it. True when the sender sleeps and must be woken: it finds nobody instead of a full queue.
    #[must_use]
    pub fn close(self) -> bool {
        let Self { queue, shared } = self;
        // First, so that a sender whose flag is not seen here sees the end at its second look.
        drop(queue);
        let room = shared.room.wake();
        shared.demand.leave() || room
    }

    fn look(&mut self) -> Option<Taken> {
        let batch = self.queue.take().ok()?;
        self.shared.weight.fetch_sub(batch.weight, Ordering::Relaxed);
        Some(Taken { batch, wake: self.shared.room.wake() })
    }
}

/// A batch that was taken.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// The batch.
    pub batch: Batch,
    /// The sender sleeps and must be woken: there is room now.
    pub wake: bool,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Batch, DUCT_BATCHES, DUCT_BYTES, duct};
    use crate::channel::OfferError;

    fn batch(weight: u64) -> Batch {
        Batch { bytes: vec![1], weight }
    }

    #[test]
    fn credit_is_what_may_run_ahead_and_what_was_asked_for() {
        let (mut sender, mut receiver) = duct(2);
        assert_eq!((sender.credit(0), sender.credit(1)), (2, 1));
        assert!(!receiver.demand(1), "the sender is awake");
        assert_eq!((sender.credit(2), sender.credit(3)), (1, 0));
        assert!(receiver.demand(2), "the sender sleeps");
        assert!(!receiver.demand(3), "it was woken once");
        assert_eq!(sender.credit(3), 2);
    }

    #[test]
    fn in_lockstep_nothing_is_sent_unasked() {
        let (mut sender, mut receiver) = duct(0);
        assert_eq!(sender.credit(0), 0);
        assert!(receiver.demand(1));
        assert_eq!((sender.credit(0), sender.credit(1)), (1, 0));
    }

    #[test]
    fn a_sender_that_waits_for_credit_is_not_woken_by_room() {
        let (mut sender, mut receiver) = duct(1);
        assert!(sender.push(batch(1)).is_ok());
        assert_eq!(sender.credit(1), 0);
        assert_eq!(receiver.take().map(|taken| taken.wake), Some(false));
        assert!(receiver.demand(1), "it waits for this");
    }

    #[test]
    fn a_receiver_is_woken_once_after_it_found_nothing() {
        let (mut sender, mut receiver) = duct(9);
        assert_eq!(sender.push(batch(1)), Ok(true), "nobody has looked yet");
        assert_eq!(sender.push(batch(2)), Ok(false));
        assert_eq!(receiver.take().map(|taken| (taken.batch.weight, taken.wake)), Some((1, false)));
        assert_eq!(receiver.take().map(|taken| taken.batch.weight), Some(2));
        assert_eq!((receiver.take(), receiver.has_some()), (None, false));
        assert_eq!(sender.push(batch(3)), Ok(true));
    }

    #[test]
    fn a_full_queue_gives_the_batch_back_and_wakes_the_sender_when_there_is_room() {
        let (mut sender, mut receiver) = duct(9);
        for _ in 0..DUCT_BATCHES {
            assert!(sender.push(batch(1)).is_ok());
        }
        assert_eq!(sender.push(batch(7)), Err(OfferError::Full(batch(7))));
        assert_eq!(receiver.take().map(|taken| taken.wake), Some(true));
        assert!(sender.push(batch(7)).is_ok());
    }

    #[test]
    fn bytes_are_bounded_but_one_batch_always_fits() {
        let (mut sender, mut receiver) = duct(9);
        assert!(sender.push(batch(DUCT_BYTES * 2)).is_ok());
        assert!(matches!(sender.push(batch(1)), Err(OfferError::Full(_))));
        assert_eq!(receiver.take().map(|taken| taken.wake), Some(true));
        assert!(sender.push(batch(1)).is_ok());
    }

    #[test]
    fn a_sender_that_sleeps_hears_of_the_end_of_its_receiver() {
        let (mut sender, receiver) = duct(9);
        assert!(sender.push(batch(1)).is_ok());
        assert!(!receiver.close(), "it is awake");
        assert_eq!(sender.push(batch(1)), Err(OfferError::Closed(batch(1))));
        let (mut sender, receiver) = duct(9);
        while sender.push(batch(1)).is_ok() {}
        assert!(receiver.close(), "it waits for room");
        let (mut sender, receiver) = duct(0);
        assert_eq!(sender.credit(0), 0);
        assert!(receiver.close(), "it waits for credit");
    }

    #[test]
    fn a_batch_for_a_receiver_that_is_gone_comes_back() {
        let (mut sender, receiver) = duct(9);
        drop(receiver);
        assert_eq!(sender.push(batch(1)), Err(OfferError::Closed(batch(1))));
        assert_eq!(format!("{:?}", batch(4)), "Batch { weight: 4, .. }");
    }
}
