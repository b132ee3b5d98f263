//! One value in, one value out, on one thread. Goal: 50 million a second, at most 20 ns each.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use velo_core::channel::{OfferError, channel};

const CAPACITY: usize = 256;

fn one_by_one(c: &mut Criterion) {
    let (mut sender, mut receiver) = channel::<u64>(CAPACITY);
    (0..CAPACITY as u64).for_each(|value| assert_eq!(sender.offer(value), Ok(())));
    assert_eq!(sender.offer(0), Err(OfferError::Full(0)));
    (0..CAPACITY as u64).for_each(|value| assert_eq!(receiver.take(), Ok(value)));

    let mut group = c.benchmark_group("channel");
    group.throughput(Throughput::Elements(1));
    group.bench_function("push, pop", |b| {
        b.iter(|| {
            let _ = sender.offer(black_box(7));
            black_box(receiver.take())
        });
    });
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 pushes, 64 pops", |b| {
        b.iter(|| {
            let taken = (0..64).filter(|value| sender.offer(*value).is_ok()).count();
            black_box((0..taken).filter_map(|_| receiver.take().ok()).sum::<u64>())
        });
    });
    group.finish();
}

criterion_group!(benches, one_by_one);
criterion_main!(benches);
