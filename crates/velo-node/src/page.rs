//! A page of the control block: memory of a SharedArrayBuffer that JavaScript reads and writes at any time.
//!
//! Never a slice: another thread may write to it, so every word is an atomic, relaxed because nothing but the word itself
//! is read from it.

use crate::status::{Result, bug};
use napi::sys;
use std::ffi::CStr;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};
use velo_core::row::PAGE_WORDS;
use velo_runtime::Page;

/// The words of a page; there are `PAGE_WORDS` of them.
pub(crate) struct SharedPage(NonNull<AtomicU64>);

// SAFETY: the memory is only touched through atomics, and the desk drops every page of an isolate as that leaves,
// while the reference taken in `make` still keeps the memory alive.
unsafe impl Send for SharedPage {}
// SAFETY: as above.
unsafe impl Sync for SharedPage {}

impl Page for SharedPage {
    fn get(&self, word: usize) -> f64 {
        self.word(word).map_or(0.0, |word| f64::from_bits(word.load(Ordering::Relaxed)))
    }

    fn set(&self, word: usize, value: f64) {
        if let Some(word) = self.word(word) {
            word.store(value.to_bits(), Ordering::Relaxed);
        }
    }
}

impl SharedPage {
    fn word(&self, word: usize) -> Option<&AtomicU64> {
        if word >= PAGE_WORDS {
            return None;
        }
        // SAFETY: `make` checked that the memory holds this many words.
        let word = unsafe { self.0.add(word) };
        // SAFETY: aligned (checked by `make`) and alive as long as the page, see above.
        Some(unsafe { word.as_ref() })
    }

    /// Creates a page. Returns it with the `Float64Array` over it and the reference that keeps its memory alive.
    ///
    /// The array belongs to the realm of the environment. An array of the caller's realm would keep that realm alive, and
    /// Jest has one realm for each test file.
    pub(crate) fn make(env: sys::napi_env) -> Result<(Self, sys::napi_value, sys::napi_ref)> {
        let mut size = ptr::null_mut();
        #[expect(clippy::cast_precision_loss, reason = "a page has some 100 KB")]
        let bytes = (PAGE_WORDS * size_of::<u64>()) as f64;
        // SAFETY: called on the thread of `env`.
        unsafe { sys::napi_create_double(env, bytes, &raw mut size) };
        let array = instance(env, c"Float64Array", instance(env, c"SharedArrayBuffer", size));
        let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
        // SAFETY: called on the thread of `env` with a value of it; all pointers are to locals, the last two unused.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                array,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let first = NonNull::new(data.cast::<AtomicU64>()).filter(|first| first.is_aligned());
        let fits = kind == sys::TypedarrayType::float64_array && length >= PAGE_WORDS;
        let Some(first) = first.filter(|_| status == sys::Status::napi_ok && fits) else {
            return Err(bug("attach(): no memory for a page of rows"));
        };
        let mut reference = ptr::null_mut();
        // SAFETY: as above. `Isolate::leave` deletes it, after the desk has dropped the page.
        let status = unsafe { sys::napi_create_reference(env, array, 1, &raw mut reference) };
        if status == sys::Status::napi_ok {
            Ok((Self(first), array, reference))
        } else {
            Err(bug("cannot keep the page alive"))
        }
    }
}

/// `new globalThis[name](argument)`, null if that fails.
fn instance(env: sys::napi_env, name: &CStr, argument: sys::napi_value) -> sys::napi_value {
    let (mut global, mut constructor, mut made) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: on the thread of `env`; all pointers are to locals.
    unsafe { sys::napi_get_global(env, &raw mut global) };
    // SAFETY: as above; the name ends with a zero byte.
    unsafe { sys::napi_get_named_property(env, global, name.as_ptr(), &raw mut constructor) };
    // SAFETY: as above, with one argument; Node-API refuses a null.
    unsafe { sys::napi_new_instance(env, constructor, 1, &raw const argument, &raw mut made) };
    made
}
