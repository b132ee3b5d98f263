//! Calls that only `bench/node/crossings` makes: the same count through each kind of border. Never in a published build.

use crate::raw::{Call, Raw, Reply};
use napi_derive::napi;
use std::sync::atomic::{AtomicU32, Ordering};

static EVENTS: AtomicU32 = AtomicU32::new(0);

/// `benchRawEvent(n)`: a raw callback.
pub(crate) struct RawEvent;

impl Raw for RawEvent {
    fn call(call: &Call<'_>) -> Reply {
        Reply::Number((add(call.index::<0>()) & 0x7FFF_FFFF).cast_signed())
    }
}

/// The same through a generated function.
#[napi(catch_unwind)]
pub fn bench_napi_event(n: u32) -> u32 {
    add(n)
}

/// The same through a generated class.
#[napi]
#[derive(Default)]
pub struct BenchCounter(u32);

#[napi]
impl BenchCounter {
    /// Starts at 0.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to the count and answers it.
    #[napi(catch_unwind)]
    pub fn add(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(n);
        self.0
    }
}

/// Relaxed: only the number matters.
fn add(n: u32) -> u32 {
    EVENTS.fetch_add(n, Ordering::Relaxed).wrapping_add(n)
}
