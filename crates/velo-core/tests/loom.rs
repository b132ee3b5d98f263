//! Every interleaving of the doorbell's flags, and of a sender without credit.
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p velo-core --release --test loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use velo_core::demand::Demand;
use velo_core::doorbell::{Pending, Sleep};

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
