//! Ducts between the isolates of the process: who holds which end, and who is woken when there is something to do.
//!
//! Owns: the ends that wait for an isolate, and the list of ends that an isolate has to look at. Not here: what a duct is
//! (`velo_core::duct`). The desk's lock is never taken here.

use crate::binding::Binding;
use crate::page::Bell;
use crate::spare;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use velo_core::channel::OfferError;
use velo_core::duct::{Batch, DuctReceiver, DuctSender, duct};
use velo_core::signal::End;

/// Where an isolate is told which of its ends need it.
pub struct Post {
    bell: Arc<dyn Bell>,
    dirty: Mutex<Vec<u64>>,
}

impl Post {
    /// A post that rings `bell`.
    #[must_use]
    pub fn new(bell: Arc<dyn Bell>) -> Arc<Self> {
        Arc::new(Self { bell, dirty: Mutex::default() })
    }

    /// Hands out the keys of the ends that need a look, at most as many as fit. An end is listed at most once for each time it
    /// fell asleep, so the list is bounded by the open ends.
    pub fn take(&self, max: usize) -> Vec<u64> {
        let mut dirty = lock(&self.dirty);
        let count = dirty.len().min(max);
        dirty.drain(..count).collect()
    }

    fn call(&self, key: u64) {
        lock(&self.dirty).push(key);
        self.bell.ring();
    }
}

/// Both ends of a duct tell each other through this.
#[derive(Default)]
struct Wires {
    sender: Mutex<Option<Arc<Post>>>,
    receiver: Mutex<Option<Arc<Post>>>,
}

impl Wires {
    fn post(&self, end: End) -> &Mutex<Option<Arc<Post>>> {
        match end {
            End::Sender => &self.sender,
            End::Receiver => &self.receiver,
        }
    }

    /// Wakes an end. One that is in nobody's hands looks for itself when it is joined.
    fn wake(&self, duct: u64, end: End) {
        let post = lock(self.post(end)).clone();
        if let Some(post) = post {
            post.call(key(duct, end));
        }
    }
}

/// One number for an end: its duct and which of the two it is.
#[must_use]
pub const fn key(duct: u64, end: End) -> u64 {
    duct * 2 + end as u64
}

/// The end from which an isolate sends.
pub struct Outlet {
    duct: u64,
    half: DuctSender,
    wires: Arc<Wires>,
}

/// The end at which an isolate receives.
pub struct Intake {
    duct: u64,
    /// `None` only while it is dropped.
    half: Option<DuctReceiver>,
    wires: Arc<Wires>,
    /// The row of the stream whose function takes its events here.
    binding: Option<Arc<Binding>>,
    /// Did not fit where it was to be copied.
    stuck: Option<Batch>,
}

impl Outlet {
    /// How many more values may be sent after `sent`; with none left this end is told when there are.
    pub fn credit(&mut self, sent: u64) -> u64 {
        self.half.credit(sent)
    }

    /// Sends a batch. False when it does not fit now: this end is told when it may.
    pub fn push(&mut self, batch: Batch) -> bool {
        match self.half.push(batch) {
            Ok(wake) => {
                if wake {
                    self.wires.wake(self.duct, End::Receiver);
                }
                true
            }
            Err(OfferError::Full(_)) => false,
            // Nobody will read it: gone, as everything else on its way there.
            Err(_) => true,
        }
    }
}

impl Intake {
    /// Hands the oldest batch to `put`, which says whether it took it; answers its size, 0 when nothing is there: then this end is told
    /// of the next one.
    pub fn pull(&mut self, put: impl FnOnce(&[u8]) -> bool) -> (usize, bool) {
        let batch = match self.stuck.take() {
            Some(batch) => batch,
            None => match self.half.as_mut().and_then(DuctReceiver::take) {
                Some(taken) => {
                    if taken.wake {
                        self.wires.wake(self.duct, End::Sender);
                    }
                    taken.batch
                }
                None => return (0, true),
            },
        };
        let (size, fits) = (batch.bytes.len(), put(&batch.bytes));
        if fits {
            spare::recycle(batch.bytes);
        } else {
            self.stuck = Some(batch);
        }
        (size, fits)
    }

    /// Whether a batch waits.
    #[must_use]
    pub fn has_some(&self) -> bool {
        self.stuck.is_some() || self.half.as_ref().is_some_and(DuctReceiver::has_some)
    }

    /// Asks for values: `total` since the beginning. `delivered` of them were given to the function, which waits for the next
    /// one or not.
    pub fn demand(&mut self, total: u64, delivered: u64, waiting: bool, now: f64) {
        if let Some(binding) = &self.binding {
            binding.write(delivered, waiting, now);
        }
        if self.half.as_mut().is_some_and(|half| half.demand(total)) {
            self.wires.wake(self.duct, End::Sender);
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // A sender that does not sleep needs no ring: it finds nobody at its next look.
        if self.half.take().is_some_and(DuctReceiver::close) {
            self.wires.wake(self.duct, End::Sender);
        }
    }
}

/// An end that is in nobody's hands yet.
enum Half {
    Sender(Outlet),
    Receiver(Intake),
}

struct Parked {
    half: Half,
    /// The isolate that made the duct: without it nobody will join.
    owner: u32,
}

/// The ends that wait to be joined, by key.
#[derive(Default)]
pub struct Ducts {
    last: AtomicU64,
    parked: Mutex<HashMap<u64, Parked>>,
}

impl Ducts {
    /// Makes a duct and leaves both of its ends to be joined; answers its number. `ahead`: see
    /// `velo_core::duct`; `owner`: the isolate that makes it.
    pub fn make(&self, ahead: u32, binding: Option<Arc<Binding>>, owner: u32) -> u64 {
        let duct_number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, receiver) = duct(ahead);
        let wires = Arc::<Wires>::default();
        let outlet = Outlet { duct: duct_number, half: sender, wires: Arc::clone(&wires) };
        let intake = Intake { duct: duct_number, half: Some(receiver), wires, binding, stuck: None };
        let mut parked = lock(&self.parked);
        parked.insert(key(duct_number, End::Sender), Parked { half: Half::Sender(outlet), owner });
        parked.insert(key(duct_number, End::Receiver), Parked { half: Half::Receiver(intake), owner });
        duct_number
    }

    /// Takes the sending end for the isolate behind `post`; `None` when somebody has it, or nobody any more.
    pub fn join_sender(&self, duct: u64, post: &Arc<Post>) -> Option<Outlet> {
        match lock(&self.parked).remove(&key(duct, End::Sender))?.half {
            Half::Sender(outlet) => {
                *lock(outlet.wires.post(End::Sender)) = Some(Arc::clone(post));
                Some(outlet)
            }
            Half::Receiver(_) => None,
        }
    }

    /// Takes the receiving end, likewise. Look for a batch at once: nobody rings for those that came before.
    pub fn join_receiver(&self, duct: u64, post: &Arc<Post>) -> Option<Intake> {
        match lock(&self.parked).remove(&key(duct, End::Receiver))?.half {
            Half::Receiver(intake) => {
                *lock(intake.wires.post(End::Receiver)) = Some(Arc::clone(post));
                Some(intake)
            }
            Half::Sender(_) => None,
        }
    }

    /// Drops the ends of a duct that nobody has joined.
    pub fn discard(&self, duct: u64) {
        // Dropped after the lock is released: it may ring a bell.
        let _ends = {
            let mut parked = lock(&self.parked);
            [parked.remove(&key(duct, End::Sender)), parked.remove(&key(duct, End::Receiver))]
        };
    }

    /// An isolate is gone, and with it the ends that it left to others.
    pub(crate) fn leave(&self, owner: u32) {
        let _ends: Vec<_> = lock(&self.parked).extract_if(|_, parked| parked.owner == owner).collect();
    }

    /// How many ends wait to be joined.
    #[must_use]
    pub fn parked(&self) -> usize {
        lock(&self.parked).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
