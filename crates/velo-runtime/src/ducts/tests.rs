use super::{Ducts, Post, key};
use crate::page::Bell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use velo_core::duct::Batch;
use velo_core::signal::End;

#[derive(Default)]
struct Count(AtomicUsize);

impl Bell for Count {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn batch(bytes: &[u8]) -> Batch {
    Batch { bytes: bytes.to_vec(), weight: bytes.len() as u64 }
}

#[test]
fn what_was_sent_before_the_other_end_was_joined_is_there() {
    let ducts = Ducts::default();
    let home = Post::new(Arc::<Count>::default());
    let worker = Post::new(Arc::<Count>::default());
    let number = ducts.make(4, None, 0);
    let mut outlet = ducts.join_sender(number, &home).expect("it waits");
    assert!(ducts.join_sender(number, &home).is_none(), "it is joined once");
    assert!(outlet.push(batch(b"one")));
    let mut intake = ducts.join_receiver(number, &worker).expect("it waits");
    let mut seen = Vec::new();
    assert_eq!(
        intake.pull(|bytes| {
            seen.extend_from_slice(bytes);
            false
        }),
        (3, false),
        "it does not fit"
    );
    assert_eq!(intake.pull(|bytes| bytes == b"one"), (3, true), "and is still there");
    assert_eq!(intake.pull(|_| true), (0, true));
    assert!(outlet.push(batch(b"two")));
    assert_eq!(worker.take(9), [key(number, End::Receiver)]);
    assert_eq!(ducts.parked(), 0);
}

#[test]
fn demand_wakes_a_sender_without_credit_through_its_bell() {
    let (ducts, bell) = (Ducts::default(), Arc::<Count>::default());
    let home = Post::new(Arc::clone(&bell) as Arc<dyn Bell>);
    let number = ducts.make(0, None, 0);
    let mut outlet = ducts.join_sender(number, &home).expect("it waits");
    let mut intake = ducts.join_receiver(number, &home).expect("it waits");
    assert_eq!(outlet.credit(0), 0);
    intake.demand(1, 0, true, 0.0);
    assert_eq!((bell.0.load(Ordering::Relaxed), home.take(9)), (1, vec![key(number, End::Sender)]));
    assert_eq!(outlet.credit(0), 1);
}

#[test]
fn ends_that_nobody_joins_are_discarded() {
    let ducts = Ducts::default();
    let number = ducts.make(1, None, 0);
    ducts.make(1, None, 7);
    assert_eq!(ducts.parked(), 4);
    ducts.discard(number);
    assert_eq!(ducts.parked(), 2);
    ducts.leave(7);
    assert_eq!(ducts.parked(), 0);
}

#[test]
fn a_sender_that_waits_for_room_hears_that_nobody_will_make_any() {
    let ducts = Ducts::default();
    let (home, worker) = (Post::new(Arc::<Count>::default()), Post::new(Arc::<Count>::default()));
    let number = ducts.make(4, None, 0);
    let mut outlet = ducts.join_sender(number, &home).expect("it waits");
    let intake = ducts.join_receiver(number, &worker).expect("it waits");
    while outlet.push(batch(b"full")) {}
    drop(intake);
    assert_eq!(home.take(9), [key(number, End::Sender)]);
    assert!(outlet.push(batch(b"gone")), "it is taken by nobody");
}
