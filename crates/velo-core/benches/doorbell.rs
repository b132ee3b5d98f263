//! Announcing values to a receiver that has not answered yet: the common case under load. Goal: 10 million a second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use velo_core::doorbell::{Pending, Sleep};

fn flags(c: &mut Criterion) {
    let (pending, sleep) = (Pending::default(), Sleep::default());
    assert!(pending.mark() && !pending.mark());
    pending.clear();
    assert!(pending.mark() && !sleep.wake());

    let mut group = c.benchmark_group("doorbell");
    group.throughput(Throughput::Elements(1));
    group.bench_function("mark, already pending", |b| b.iter(|| black_box(pending.mark())));
    group.bench_function("wake, nobody asleep", |b| b.iter(|| black_box(sleep.wake())));
    group.throughput(Throughput::Elements(64));
    group.bench_function("64 marks, one answer", |b| {
        b.iter(|| {
            let rings = (0..64).filter(|_| black_box(pending.mark())).count();
            pending.clear();
            black_box(rings)
        });
    });
    group.finish();
}

criterion_group!(benches, flags);
criterion_main!(benches);
