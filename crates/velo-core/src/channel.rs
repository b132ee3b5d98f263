//! The bounded channel between one sender and one receiver.
//!
//! Owns: order and bound. Not here: waking (`doorbell.rs`) and credits (`credit.rs`). There is no blocking call: one thread
//! parked in a receive would make every sender take a lock.

use crossbeam_channel::{TryRecvError, TrySendError, bounded};

/// The sending half. Not `Clone`: a single sender is what makes the order of a stream a fact.
#[derive(Debug)]
pub struct Sender<T>(crossbeam_channel::Sender<T>);

/// The receiving half. Not `Clone`, for the same reason.
#[derive(Debug)]
pub struct Receiver<T>(crossbeam_channel::Receiver<T>);

/// Why a value was not taken; it comes back untouched.
#[derive(PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError<T> {
    /// The channel holds as many values as it may.
    Full(T),
    /// The receiver is gone.
    Closed(T),
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TakeError {
    /// Nothing is there now.
    Empty,
    /// Nothing is there and the sender is gone.
    Closed,
}

/// A channel for at most `capacity` values, at least one. All slots are allocated at once.
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = bounded(capacity.max(1));
    (Sender(sender), Receiver(receiver))
}

impl<T> Sender<T> {
    /// Puts one value in, or gives it back.
    pub fn offer(&mut self, value: T) -> Result<(), OfferError<T>> {
        self.0.try_send(value).map_err(|refused| match refused {
            TrySendError::Full(value) => OfferError::Full(value),
            TrySendError::Disconnected(value) => OfferError::Closed(value),
        })
    }

    /// Puts in as many values from the front as fit and leaves the rest; answers how many it took.
    pub fn offer_batch(&mut self, values: &mut std::collections::VecDeque<T>) -> usize {
        let before = values.len();
        while let Some(value) = values.pop_front() {
            if let Err(OfferError::Full(value) | OfferError::Closed(value)) = self.offer(value) {
                values.push_front(value);
                break;
            }
        }
        before - values.len()
    }

    /// How many values fit at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.0.capacity().unwrap_or(0)
    }

    /// How many values fit now. The receiver may make more room meanwhile, nobody can take it away.
    #[must_use]
    pub fn room(&self) -> usize {
        self.capacity() - self.0.len()
    }
}

impl<T> Receiver<T> {
    /// Takes the oldest value.
    pub fn take(&mut self) -> Result<T, TakeError> {
        self.0.try_recv().map_err(|refused| match refused {
            TryRecvError::Empty => TakeError::Empty,
            TryRecvError::Disconnected => TakeError::Closed,
        })
    }

    /// Takes up to `max` values, oldest first, and appends them; answers how many.
    pub fn take_batch(&mut self, max: usize, into: &mut Vec<T>) -> usize {
        let before = into.len();
        into.extend(self.0.try_iter().take(max));
        into.len() - before
    }

    /// Whether nothing is there. The sender may put something in meanwhile; "not empty" stays true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> std::fmt::Debug for OfferError<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never prints the value: it may be a user's event.
        f.write_str(match self {
            Self::Full(_) => "Full",
            Self::Closed(_) => "Closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{OfferError, TakeError, channel};

    #[test]
    fn values_come_out_in_order_and_a_refused_one_comes_back() {
        let (mut sender, mut receiver) = channel(2);
        assert_eq!((sender.offer(1), sender.offer(2)), (Ok(()), Ok(())));
        assert_eq!(sender.offer(3), Err(OfferError::Full(3)));
        assert_eq!((sender.capacity(), sender.room()), (2, 0));
        assert_eq!((receiver.take(), receiver.take(), receiver.take()), (Ok(1), Ok(2), Err(TakeError::Empty)));
        assert!(receiver.is_empty());
    }

    #[test]
    fn a_batch_is_taken_in_parts_and_the_rest_stays() {
        let (mut sender, mut receiver) = channel(3);
        let mut values = (0..5).collect();
        assert_eq!(sender.offer_batch(&mut values), 3);
        assert_eq!(values, [3, 4]);
        let mut taken = Vec::new();
        assert_eq!((receiver.take_batch(2, &mut taken), receiver.take_batch(9, &mut taken)), (2, 1));
        assert_eq!(taken, [0, 1, 2]);
    }

    #[test]
    fn each_half_learns_that_the_other_is_gone() {
        let (mut sender, mut receiver) = channel(1);
        assert_eq!(sender.offer(1), Ok(()));
        drop(sender);
        assert_eq!((receiver.take(), receiver.take()), (Ok(1), Err(TakeError::Closed)));
        let (mut sender, receiver) = channel(1);
        drop(receiver);
        assert_eq!(sender.offer(2), Err(OfferError::Closed(2)));
        assert_eq!(format!("{:?}", sender.offer(3)), "Err(Closed)");
    }
}
