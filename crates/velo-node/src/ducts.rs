//! The calls of ducts: raw callbacks over the ends that this isolate holds. ARCHITECTURE section 9 says what they mean.
//!
//! Owns: the table of ends, and the copies between their batches and the memory of this isolate's JavaScript.

use crate::raw::{Call, Reply};
use napi::sys;
use std::collections::HashMap;
use std::ptr;
use std::time::{Duration, Instant};
use velo_core::duct::Batch;
use velo_core::signal::End;
use velo_runtime::{Intake, Outlet};

/// The ends of one isolate, by the number of their duct.
#[derive(Default)]
pub(crate) struct Ends {
    outlets: HashMap<u64, Outlet>,
    intakes: HashMap<u64, Intake>,
}

impl Ends {
    /// Drops every end: whoever holds the other one is not served any more.
    pub(crate) fn clear(&mut self) {
        self.outlets.clear();
        self.intakes.clear();
    }
}

pub(crate) fn duct(call: &Call<'_>) -> Reply {
    let (isolate, ahead, slot) = (call.isolate, call.index::<0>(), call.index::<1>());
    let head = call.whole::<2>() == 1;
    let binding = if slot == 0 { None } else { isolate.runtime.quick(|desk| desk.bind(isolate.number, slot, head)) };
    large(isolate.runtime.ducts().make(ahead, binding, isolate.number))
}

pub(crate) fn join(call: &Call<'_>) -> Reply {
    let (isolate, number) = (call.isolate, call.count::<0>());
    let ducts = isolate.runtime.ducts();
    let mut ends = isolate.ends.borrow_mut();
    let joined = match end(call) {
        Some(End::Sender) => {
            ducts.join_sender(number, &isolate.post).map(|end| ends.outlets.insert(number, end)).is_some()
        }
        Some(End::Receiver) => {
            ducts.join_receiver(number, &isolate.post).map(|end| ends.intakes.insert(number, end)).is_some()
        }
        None => return Reply::Bug(c"join(duct, end): no such end"),
    };
    Reply::Number(joined.into())
}

pub(crate) fn part(call: &Call<'_>) -> Reply {
    let number = call.count::<0>();
    let mut ends = call.isolate.ends.borrow_mut();
    match end(call) {
        Some(End::Sender) => drop(ends.outlets.remove(&number)),
        Some(End::Receiver) => drop(ends.intakes.remove(&number)),
        None => return Reply::Bug(c"part(duct, end): no such end"),
    }
    Reply::Nothing
}

pub(crate) fn credit(call: &Call<'_>) -> Reply {
    let (number, sent) = (call.count::<0>(), call.count::<1>());
    let mut ends = call.isolate.ends.borrow_mut();
    let credit = ends.outlets.get_mut(&number).map_or(0, |outlet| outlet.credit(sent));
    Reply::Number(i32::try_from(credit).unwrap_or(i32::MAX))
}

pub(crate) fn push(call: &Call<'_>) -> Reply {
    let (number, size, weight) = (call.count::<0>(), call.count::<2>(), call.count::<3>());
    let memory = bytes(call, 1).zip(usize::try_from(size).ok()).filter(|((_, room), size)| size <= room);
    let Some(((data, _), length)) = memory else {
        return Reply::Bug(c"push(duct, memory, size, weight): expected a Uint8Array of at least `size` bytes");
    };
    let mut copy = velo_runtime::spare::memory(length);
    // SAFETY: `data` points to `length` bytes of an array of this isolate, and nothing runs there meanwhile.
    unsafe { ptr::copy_nonoverlapping(data, copy.as_mut_ptr(), length) };
    // SAFETY: the bytes were written a moment ago.
    unsafe { copy.set_len(length) };
    let mut ends = call.isolate.ends.borrow_mut();
    // The other side may be gone, and this one with it: then there is nobody to refuse anything to.
    let taken = ends.outlets.get_mut(&number).is_none_or(|outlet| outlet.push(Batch { bytes: copy, weight }));
    Reply::Number(taken.into())
}

pub(crate) fn pull(call: &Call<'_>) -> Reply {
    let number = call.count::<0>();
    let Some((data, room)) = bytes(call, 1) else { return Reply::Bug(c"pull(duct, into): expected a Uint8Array") };
    let mut ends = call.isolate.ends.borrow_mut();
    let Some(intake) = ends.intakes.get_mut(&number) else { return Reply::Number(0) };
    let (size, fits) = intake.pull(|batch| {
        if batch.len() <= room {
            // SAFETY: there is room for the batch, it is no memory of JavaScript, and nothing runs there meanwhile.
            unsafe { ptr::copy_nonoverlapping(batch.as_ptr(), data, batch.len()) };
        }
        batch.len() <= room
    });
    let size = i32::try_from(size).unwrap_or(i32::MAX);
    Reply::Number(if fits { size } else { -size })
}

pub(crate) fn demand(call: &Call<'_>) -> Reply {
    let (isolate, number, total, delivered) = (call.isolate, call.count::<0>(), call.count::<1>(), call.count::<2>());
    let waiting = call.whole::<3>() == 1;
    if let Some(intake) = isolate.ends.borrow_mut().intakes.get_mut(&number) {
        intake.demand(total, delivered, waiting, isolate.runtime.now());
    }
    Reply::Nothing
}

/// Looks for a batch for a while without sleeping: only where somebody asked for it, and never for long.
pub(crate) fn spin(call: &Call<'_>) -> Reply {
    let (number, limit) = (call.count::<0>(), Duration::from_micros(call.count::<1>().min(1000)));
    let mut ends = call.isolate.ends.borrow_mut();
    let Some(intake) = ends.intakes.get_mut(&number) else { return Reply::Number(0) };
    let start = Instant::now();
    while !intake.has_some() {
        if start.elapsed() >= limit {
            return Reply::Number(0);
        }
        std::hint::spin_loop();
    }
    Reply::Number(1)
}

pub(crate) fn dirty(call: &Call<'_>) -> Reply {
    let Some((data, length)) = call.array(0, sys::TypedarrayType::float64_array) else {
        return Reply::Bug(c"dirty(into): expected a Float64Array");
    };
    let keys = call.isolate.post.take(length);
    for (at, key) in keys.iter().enumerate() {
        // SAFETY: no more keys are taken than there is room for.
        let place = unsafe { data.cast::<f64>().add(at) };
        #[expect(clippy::cast_precision_loss, reason = "numbers of ducts stay far below 2^53")]
        // SAFETY: only this thread writes here, and a Float64Array is aligned for f64.
        unsafe {
            place.write(*key as f64);
        };
    }
    Reply::Number(i32::try_from(keys.len()).unwrap_or(i32::MAX))
}

fn end(call: &Call<'_>) -> Option<End> {
    End::from_number(call.whole::<1>())
}

fn bytes(call: &Call<'_>, at: usize) -> Option<(*mut u8, usize)> {
    call.array(at, sys::TypedarrayType::uint8_array).map(|(data, length)| (data.cast(), length))
}

#[expect(clippy::cast_precision_loss, reason = "numbers of ducts stay far below 2^53")]
const fn large(value: u64) -> Reply {
    Reply::Large(value as f64)
}
