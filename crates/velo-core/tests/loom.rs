//! Every interleaving of the doorbell's flags, of a sender without credit, and of the weight of a duct. The queue of a duct is crossbeam's; here a
//! plain one behind a lock stands for it.
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p velo-core --release --test loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use velo_core::channel::OfferError;
use velo_core::demand::Demand;
use velo_core::doorbell::{Pending, Sleep};
use velo_core::duct::{Batch, DUCT_BYTES, duct};

/// What the flags protect: a count that one side raises and the other reads, with no ordering of its own.
#[derive(Default)]
struct Shared {
    pending: Pending,
    sleep: Sleep,
    published: AtomicUsize,
    rings: AtomicUsize,
}

/// Publishes twice, ringing when asked to. Release: a ring orders what it wakes, as every wake-up of a system does.
fn publish_twice(shared: &Arc<Shared>) -> thread::JoinHandle<()> {
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        for _ in 0..2 {
            shared.published.fetch_add(1, Ordering::Relaxed);
            if shared.pending.mark() {
                shared.rings.fetch_add(1, Ordering::Release);
            }
        }
    })
}

#[test]
fn nothing_published_goes_unannounced() {
    loom::model(|| {
        let shared = Arc::new(Shared::default());
        let sender = publish_twice(&shared);
        // The receiver answers one ring, should there be one while the sender is still at work.
        let answered = shared.rings.load(Ordering::Acquire).min(1);
        let mut seen = 0;
        if answered == 1 {
            shared.pending.clear();
            seen = shared.published.load(Ordering::Relaxed);
        }
        sender.join().unwrap();
        let open = shared.rings.load(Ordering::Acquire) - answered;
        assert!(seen == 2 || open == 1, "saw {seen} of 2, rings left: {open}");
        assert!(open <= 1, "one ring is enough");
    });
}

#[test]
fn a_receiver_that_comes_unasked_loses_no_ring() {
    loom::model(|| {
        let shared = Arc::new(Shared::default());
        let sender = publish_twice(&shared);
        shared.pending.clear();
        let seen = shared.published.load(Ordering::Relaxed);
        sender.join().unwrap();
        assert!(seen == 2 || shared.rings.load(Ordering::Acquire) > 0, "saw {seen} of 2 and no ring is left");
    });
}

#[test]
fn two_senders_ring_once() {
    loom::model(|| {
        let pending = Arc::new(Pending::default());
        let other = Arc::clone(&pending);
        let sender = thread::spawn(move || usize::from(other.mark()));
        let mine = usize::from(pending.mark());
        assert_eq!(sender.join().unwrap() + mine, 1);
    });
}

#[test]
fn nobody_sleeps_over_work() {
    loom::model(|| {
        let shared = Arc::new(Shared::default());
        let sender = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.published.store(1, Ordering::Relaxed);
                shared.sleep.wake()
            })
        };
        shared.sleep.announce();
        let asleep = shared.published.load(Ordering::Relaxed) == 0;
        if !asleep {
            shared.sleep.cancel();
        }
        let woken = sender.join().unwrap();
        assert!(!asleep || woken, "asleep, and nobody knows");
    });
}

#[test]
fn a_sender_without_credit_hears_of_new_demand() {
    loom::model(|| {
        let demand = Arc::new(Demand::new(0));
        let receiver = {
            let demand = Arc::clone(&demand);
            thread::spawn(move || demand.ask(1))
        };
        let credit = demand.credit(0);
        let woken = receiver.join().unwrap();
        assert!(credit == 1 || woken, "asleep without credit, and nobody knows");
    });
}

fn batch(weight: u64) -> Batch {
    Batch { bytes: Vec::new(), weight }
}

#[test]
fn a_sender_without_room_hears_of_it_and_no_weight_is_lost() {
    loom::model(|| {
        let (mut sender, mut receiver) = duct(9);
        assert_eq!(sender.push(batch(DUCT_BYTES)), Ok(true));
        let pushing = thread::spawn(move || {
            let refused = match sender.push(batch(1)) {
                Ok(_) => false,
                Err(OfferError::Full(batch)) => batch.weight == 1,
                Err(other) => panic!("{other:?}"),
            };
            (sender, refused)
        });
        let taken = receiver.take().expect("a batch waits");
        assert_eq!(taken.batch.weight, DUCT_BYTES);
        let (mut sender, refused) = pushing.join().unwrap();
        assert!(!refused || taken.wake, "asleep for want of room, and nobody knows");
        // Whatever was put in and taken out at once: what is left counts, and nothing else.
        assert_eq!(receiver.take().is_some(), !refused);
        assert!(sender.push(batch(DUCT_BYTES)).is_ok());
        assert!(matches!(sender.push(batch(1)), Err(OfferError::Full(_))), "the bound holds");
        assert_eq!(receiver.take().map(|taken| taken.wake), Some(true));
        assert!(sender.push(batch(2 * DUCT_BYTES)).is_ok(), "nothing weighs on an empty duct");
    });
}

#[test]
fn no_more_than_the_bound_waits_while_both_sides_work() {
    loom::model(|| {
        let (mut sender, mut receiver) = duct(9);
        let half = DUCT_BYTES / 2 + 1;
        assert_eq!(sender.push(batch(half)), Ok(true));
        let pushing = thread::spawn(move || (0..2).filter(|_| sender.push(batch(half)).is_ok()).count());
        let first = usize::from(receiver.take().is_some());
        let second = usize::from(receiver.take().is_some());
        let pushed = pushing.join().unwrap();
        let rest = std::iter::from_fn(|| receiver.take()).count();
        assert_eq!(first + second + rest, 1 + pushed, "what went in comes out");
        assert!(rest <= 1, "two of them do not fit together");
        // Two in the queue at once would be over the bound: the second went in after the first came out.
        assert!(pushed < 2 || first + second == 2, "{pushed} went in, {first} and {second} came out meanwhile");
    });
}

#[test]
fn a_receiver_of_an_empty_duct_hears_of_the_first_batch() {
    loom::model(|| {
        let (mut sender, mut receiver) = duct(9);
        assert!(receiver.take().is_none());
        let pushing = thread::spawn(move || (sender.push(batch(1)), sender));
        let taken = receiver.take();
        let (pushed, _sender) = pushing.join().unwrap();
        assert!(taken.is_some() || pushed == Ok(true), "asleep on a batch, and nobody knows");
    });
}
