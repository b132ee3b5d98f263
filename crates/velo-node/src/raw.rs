//! Raw callbacks: functions of numbers, bound to their isolate, four times cheaper than generated ones.
//!
//! Owns: reading arguments, writing the answer, and stopping a panic at the border.

use crate::isolate::Isolate;
use napi::sys;
use std::ffi::{CStr, CString, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use velo_core::code::Code;

/// Arguments a raw callback can have.
const ARGS: usize = 4;

/// What a raw callback answers.
pub(crate) enum Reply {
    /// `undefined`.
    Nothing,
    /// A number.
    Number(i32),
    /// A number that may be large.
    Large(f64),
    /// A broken promise of the caller or of ours.
    Bug(&'static CStr),
}

/// One call: who calls, and with what.
pub(crate) struct Call<'a> {
    pub(crate) env: sys::napi_env,
    pub(crate) isolate: &'a Isolate,
    pub(crate) args: [sys::napi_value; ARGS],
}

/// A function exported as a raw callback.
pub(crate) trait Raw {
    fn call(call: &Call<'_>) -> Reply;
}

impl Call<'_> {
    /// An argument as a number; NaN when it is none, which no validated call sends.
    pub(crate) fn number<const AT: usize>(&self) -> f64 {
        const { assert!(AT < ARGS) };
        let mut value = f64::NAN;
        let arg = self.args.get(AT).copied().unwrap_or(ptr::null_mut());
        // SAFETY: on the thread of `env`, with a value of this call; a missing one is `undefined`, which is refused.
        unsafe { sys::napi_get_value_double(self.env, arg, &raw mut value) };
        value
    }

    /// An argument as a whole number.
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, NaN becomes 0")]
    pub(crate) fn whole<const AT: usize>(&self) -> i32 {
        self.number::<AT>() as i32
    }

    /// An argument as a count, or the number of a duct.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
    pub(crate) fn count<const AT: usize>(&self) -> u64 {
        self.number::<AT>() as u64
    }

    /// An argument as a typed array of a kind: its memory and its length in elements. The memory is good for this call.
    pub(crate) fn array(&self, at: usize, expected: sys::napi_typedarray_type) -> Option<(*mut c_void, usize)> {
        let array = self.args.get(at).copied().unwrap_or(ptr::null_mut());
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: on the thread of `env` with an argument of this call; all pointers are to locals, the last two unused.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                array,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        (status == sys::Status::napi_ok && kind == expected).then_some((data, length))
    }

    /// An argument as a slot or number of the desk.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
    pub(crate) fn index<const AT: usize>(&self) -> u32 {
        self.number::<AT>() as u32
    }
}

/// Exports `R` under a name.
pub(crate) fn export<R: Raw>(
    env: sys::napi_env,
    exports: sys::napi_value,
    data: *mut c_void,
    name: &CStr,
) -> napi::Result<()> {
    let mut function = ptr::null_mut();
    let length = name.count_bytes().cast_signed();
    // SAFETY: on the thread of `env`; the name is alive, and `data` is the isolate, which outlives every call.
    let made =
        unsafe { sys::napi_create_function(env, name.as_ptr(), length, Some(enter::<R>), data, &raw mut function) };
    // SAFETY: as above, `function` was made a moment ago.
    let set = unsafe { sys::napi_set_named_property(env, exports, name.as_ptr(), function) };
    if made == sys::Status::napi_ok && set == sys::Status::napi_ok {
        Ok(())
    } else {
        Err(napi::Error::from_reason(format!("cannot export {}", name.to_string_lossy())))
    }
}

extern "C" fn enter<R: Raw>(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let (mut count, mut args, mut data) = (ARGS, [ptr::null_mut(); ARGS], ptr::null_mut());
    // SAFETY: called by Node-API on the thread of `env`; there is room for `ARGS` arguments.
    unsafe { sys::napi_get_cb_info(env, info, &raw mut count, args.as_mut_ptr(), ptr::null_mut(), &raw mut data) };
    // SAFETY: `export` was given the isolate, which lives until its environment is gone.
    let isolate = unsafe { data.cast::<Isolate>().as_ref() };
    let Some(isolate) = isolate.filter(|isolate| isolate.is_here()) else {
        return answer(env, &Reply::Bug(c"the environment is ending"));
    };
    let call = Call { env, isolate, args };
    let reply = catch_unwind(AssertUnwindSafe(|| R::call(&call)));
    answer(env, &reply.unwrap_or(Reply::Bug(c"panic in the native core; please report it")))
}

fn answer(env: sys::napi_env, reply: &Reply) -> sys::napi_value {
    let mut value = ptr::null_mut();
    match reply {
        Reply::Nothing => {}
        Reply::Number(number) => {
            // SAFETY: on the thread of `env`.
            unsafe { sys::napi_create_int32(env, *number, &raw mut value) };
        }
        Reply::Large(number) => {
            // SAFETY: on the thread of `env`.
            unsafe { sys::napi_create_double(env, *number, &raw mut value) };
        }
        Reply::Bug(message) => {
            let code = CString::new(Code::Bug.as_str()).unwrap_or_default();
            // SAFETY: on the thread of `env`; both texts end with a zero byte.
            unsafe { sys::napi_throw_error(env, code.as_ptr(), message.as_ptr()) };
        }
    }
    value
}
