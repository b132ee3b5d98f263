//! One batch of bytes in and out on one thread: through a duct (batches of their own in a bounded channel), and through a ring of bytes
//! that both sides share. What decides between them beside these figures: a ring is allocated at its bound, a duct at 16 slots.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use velo_core::duct::{Batch, duct};

/// Bytes of a batch: one small event, 64 small events, a batch at its bound.
const SIZES: [usize; 3] = [64, 1_300, 65_536];

fn through(c: &mut Criterion) {
    let mut group = c.benchmark_group("batch of bytes");
    for size in SIZES {
        let (message, mut copy) = (vec![7_u8; size], vec![0_u8; size]);
        group.throughput(Throughput::Bytes(size as u64));

        let (mut sender, mut receiver) = duct(256);
        group.bench_function(BenchmarkId::new("duct", size), |b| {
            b.iter(|| {
                let batch = Batch { bytes: black_box(&message).clone(), weight: size as u64 };
                let _ = black_box(sender.push(batch));
                if let Some(taken) = receiver.take() {
                    copy.copy_from_slice(&taken.batch.bytes);
                }
                black_box(copy.last().copied())
            });
        });
        assert_eq!(copy, message);

        copy.fill(0);
        let (mut producer, mut consumer) = rtrb::RingBuffer::<u8>::new(1 << 17);
        group.bench_function(BenchmarkId::new("ring", size), |b| {
            b.iter(|| {
                let wrote = producer.push_entire_slice(black_box(&message)).is_ok();
                let read = consumer.pop_entire_slice(&mut copy).is_ok();
                black_box(wrote && read)
            });
        });
        assert_eq!(copy, message);
    }
    group.finish();
}

criterion_group!(benches, through);
criterion_main!(benches);
