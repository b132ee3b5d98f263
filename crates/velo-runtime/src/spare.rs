//! Memory of batches that have been read, for the next ones: a batch is made on one thread and freed on another, which allocators
//! do not like.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are kept, and of which size: below it is cheap to allocate, above it is rare.
const KEPT: usize = 64;
const SIZES: std::ops::RangeInclusive<usize> = 4_096..=65_536;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Empty memory with room for at least `size` bytes.
#[must_use]
pub fn memory(size: usize) -> Vec<u8> {
    if !SIZES.contains(&size) {
        return Vec::with_capacity(size);
    }
    let mut memory = lock().pop().unwrap_or_else(|| Vec::with_capacity(*SIZES.end()));
    memory.reserve(size);
    memory
}

/// Takes memory back.
pub(crate) fn recycle(mut memory: Vec<u8>) {
    memory.clear();
    if !SIZES.contains(&memory.capacity()) {
        return;
    }
    let mut spare = lock();
    if spare.len() < KEPT {
        spare.push(memory);
    }
}

fn lock() -> MutexGuard<'static, Vec<Vec<u8>>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{memory, recycle};

    #[test]
    fn memory_that_was_used_comes_back_empty_and_with_room() {
        let mut used = memory(5_000);
        used.extend_from_slice(&[7; 5_000]);
        recycle(used);
        let again = memory(60_000);
        assert!(again.is_empty() && again.capacity() >= 60_000);
        assert_eq!(memory(10).capacity(), 10);
    }
}
