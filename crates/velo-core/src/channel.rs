//! The bounded channel between one sender and one receiver.
//!
//! Owns: order and bound. Not here: waking (`doorbell.rs`) and credits (`credit.rs`). There is no blocking call: one thread
//! parked in a receive would make every sender take a lock.

#[cfg(not(loom))]
use crossbeam_channel as queue;
#[cfg(loom)]
mod queue;

use queue::{TryRecvError, TrySendError, bounded};

/// The sending half. Not `Clone`: a single sender is what makes the order of a stream a fact.
#[derive(Debug)]
pub struct Sender<T>(queue::Sender<T>);

/// The receiving half. Not `Clone`, for the same reason.
#[derive(Debug)]
pub struct Receiver<T>(queue::Receiver<T>);

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
}

impl<T> Receiver<T> {
    /// Takes the oldest value.
    pub fn take(&mut self) -> Result<T, TakeError> {
        self.0.try_recv().map_err(|refused| match refused {
            TryRecvError::Empty => TakeError::Empty,
            TryRecvError::Disconnected => TakeError::Closed,
        })
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
        assert_eq!((receiver.take(), receiver.take(), receiver.take()), (Ok(1), Ok(2), Err(TakeError::Empty)));
        assert!(receiver.is_empty());
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
