//! The hot calls, one line of work each. ARCHITECTURE section 4 says what they mean.

use crate::raw::{Call, Raw, Reply, export as raw};
use crate::{ducts, journals};
use napi::sys;
use std::ffi::c_void;
use velo_core::machine::Trigger;
use velo_core::signal::{Side, Timer};
use velo_runtime::{Note, OpenError};

macro_rules! calls {
    ($($type:ident $name:literal |$call:ident| $body:expr;)+) => {
        $(
            struct $type;
            impl Raw for $type {
                fn call($call: &Call<'_>) -> Reply {
                    $body
                }
            }
        )+

        /// Exports every raw callback, bound to the isolate behind `data`.
        pub(crate) fn export(env: sys::napi_env, exports: sys::napi_value, data: *mut c_void) -> napi::Result<()> {
            $(raw::<$type>(env, exports, data, $name)?;)+
            #[cfg(feature = "bench")]
            raw::<crate::bench::RawEvent>(env, exports, data, c"benchRawEvent")?;
            Ok(())
        }
    };
}

calls! {
    Open c"open" |call| open(call);
    Step c"step" |call| step(call);
    Grant c"grant" |call| grant(call);
    Arm c"arm" |call| arm(call);
    Disarm c"disarm" |call| disarm(call);
    Silent c"silent" |call| {
        let slot = call.index::<0>();
        call.isolate.runtime.quick(|desk| desk.silent(call.isolate.number, slot));
        Reply::Nothing
    };
    SetTimer c"timer" |call| {
        let (isolate, ms) = (call.isolate, call.number::<0>());
        #[expect(clippy::cast_precision_loss, reason = "ids stay below 2^53")]
        Reply::Large(isolate.runtime.at_desk(|desk, now| desk.timer(isolate.number, ms, now)) as f64)
    };
    Cancel c"cancel" |call| {
        let (isolate, id) = (call.isolate, call.count::<0>());
        isolate.runtime.quick(|desk| desk.cancel(isolate.number, id));
        Reply::Nothing
    };
    Sample c"sample" |call| {
        let (isolate, slot, result, us) = (call.isolate, call.index::<0>(), call.whole::<1>() == 1, call.number::<2>());
        isolate.runtime.quick(|desk| desk.sample(isolate.number, slot, result, us));
        Reply::Nothing
    };
    Late c"late" |call| {
        let (function, yielded, dropped) = (call.index::<0>(), call.index::<1>(), call.index::<2>());
        call.isolate.runtime.quick(|desk| desk.late(function, yielded.into(), dropped.into()));
        Reply::Nothing
    };
    Count c"note" |call| {
        let what = if call.whole::<1>() == 0 { Note::Overrun } else { Note::LateError };
        call.isolate.runtime.quick(|desk| desk.note(call.index::<0>(), what));
        Reply::Nothing
    };
    Carried c"carried" |call| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
        let (bytes_in, bytes_out) = (call.number::<1>() as u64, call.number::<2>() as u64);
        call.isolate.runtime.quick(|desk| desk.carried(call.index::<0>(), bytes_in, bytes_out));
        Reply::Nothing
    };
    Staged c"staged" |call| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
        let (taken, given) = (call.number::<2>() as u64, call.number::<3>() as u64);
        let (function, stage) = (call.index::<0>(), call.index::<1>() as usize);
        call.isolate.runtime.quick(|desk| desk.staged(function, stage, taken, given));
        Reply::Nothing
    };
    TellTime c"tellTime" |call| {
        let isolate = call.isolate;
        Reply::Large(isolate.runtime.at_desk(|desk, now| desk.tell_time(isolate.number, now)))
    };
    Attached c"attached" |call| {
        let function = call.index::<0>();
        call.isolate.runtime.quick(|desk| desk.attached(function));
        Reply::Nothing
    };
    Take c"take" |call| take(call);
    Buffer c"buffer" |call| {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, NaN becomes 0")]
        large(call.isolate.buffered.add(call.number::<0>() as i64))
    };
    Bound c"bound" |call| {
        let all = call.isolate.buffered.all();
        match call.count::<0>() {
            0 => {}
            bytes => all.limit(bytes),
        }
        large(all.bound())
    };
    Limit c"limit" |call| number(call.isolate.runtime.quick(|desk| desk.limit()));
    Duct c"duct" |call| ducts::duct(call);
    Join c"join" |call| ducts::join(call);
    Part c"part" |call| ducts::part(call);
    Discard c"discard" |call| {
        call.isolate.runtime.ducts().discard(call.count::<0>());
        Reply::Nothing
    };
    Credit c"credit" |call| ducts::credit(call);
    Push c"push" |call| ducts::push(call);
    Pull c"pull" |call| ducts::pull(call);
    Demand c"demand" |call| ducts::demand(call);
    Spin c"spin" |call| ducts::spin(call);
    Dirty c"dirty" |call| ducts::dirty(call);
    JournalSubmit c"journalSubmit" |call| journals::submit(call);
    Hold c"hold" |call| {
        call.isolate.bell.hold(call.env, call.whole::<0>() != 0);
        Reply::Nothing
    };
}

fn open(call: &Call<'_>) -> Reply {
    let (isolate, function, idle) = (call.isolate, call.index::<0>(), call.number::<1>());
    match isolate.runtime.at_desk(|desk, now| desk.open(isolate.number, function, idle, now)) {
        Ok(slot) => number(slot),
        Err(OpenError::Refused(refusal)) => Reply::Number(refusal as i32),
        Err(_) => Reply::Bug(c"open(fn): no such function"),
    }
}

fn step(call: &Call<'_>) -> Reply {
    let (isolate, slot) = (call.isolate, call.index::<0>());
    let Some(trigger) = Trigger::from_number(call.whole::<1>()) else {
        return Reply::Bug(c"step(slot, trigger): no such trigger");
    };
    let (machine, effects) = isolate.runtime.at_desk(|desk, now| desk.step(isolate.number, slot, trigger, now));
    number(machine.pack(effects))
}

fn grant(call: &Call<'_>) -> Reply {
    let (isolate, slot) = (call.isolate, call.index::<0>());
    let Some(side) = Side::from_number(call.whole::<1>()) else {
        return Reply::Bug(c"grant(slot, side): no such side");
    };
    number(isolate.runtime.quick(|desk| desk.grant(isolate.number, slot, side)))
}

fn arm(call: &Call<'_>) -> Reply {
    let (isolate, slot, ms) = (call.isolate, call.index::<0>(), call.number::<2>());
    let Some(timer) = Timer::from_number(call.whole::<1>()) else {
        return Reply::Bug(c"arm(slot, kind): no such kind");
    };
    isolate.runtime.at_desk(|desk, now| desk.arm(isolate.number, slot, timer, ms, now));
    Reply::Nothing
}

fn disarm(call: &Call<'_>) -> Reply {
    let (isolate, slot) = (call.isolate, call.index::<0>());
    let Some(timer) = Timer::from_number(call.whole::<1>()) else {
        return Reply::Bug(c"disarm(slot, kind): no such kind");
    };
    isolate.runtime.quick(|desk| desk.disarm(isolate.number, slot, timer));
    Reply::Nothing
}

fn take(call: &Call<'_>) -> Reply {
    let Some((data, length)) = call.array(0, sys::TypedarrayType::float64_array) else {
        return Reply::Bug(c"take(into): expected a Float64Array");
    };
    let into = data.cast::<[f64; 4]>();
    let count = call.isolate.take(length / 4, |at, verdict| {
        // SAFETY: `at` is below `length / 4`, so it stays inside the array.
        let place = unsafe { into.add(at) };
        // SAFETY: only this thread writes here, and a Float64Array is aligned for f64.
        unsafe { place.write(verdict) };
    });
    number(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of a process stay below 2^53")]
const fn large(value: u64) -> Reply {
    Reply::Large(value as f64)
}

/// Every number of the desk fits: slots, credits and packed answers stay far below 2^31.
fn number(value: u32) -> Reply {
    Reply::Number(i32::try_from(value).unwrap_or(i32::MAX))
}
