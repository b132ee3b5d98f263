//! A page of the control block: memory of a SharedArrayBuffer that JavaScript reads and writes at any time.
//!
//! Never a slice: another thread may write to it, so every word is an atomic, relaxed because nothing but the word itself
//! is read from it.

use crate::status::{Result, bug, error};
use napi::sys;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};
use velo_core::code::Code;
use velo_core::row::PAGE_WORDS;
use velo_runtime::Page;

/// The words of a page; there are `PAGE_WORDS` of them.
pub(crate) struct SharedPage(NonNull<AtomicU64>);

// SAFETY: the memory is only touched through atomics, and the desk drops every page of an isolate in its cleanup hook,
// while the reference taken in `map` still keeps the memory alive.
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
        // SAFETY: `map` checked that the memory holds this many words.
        let word = unsafe { self.0.add(word) };
        // SAFETY: aligned (checked by `map`) and alive as long as the page, see above.
        Some(unsafe { word.as_ref() })
    }

    /// Maps a `Uint8Array` and keeps its memory alive until the environment ends.
    pub(crate) fn map(env: sys::napi_env, array: sys::napi_value) -> Result<Self> {
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
        let fits = kind == sys::TypedarrayType::uint8_array && length >= PAGE_WORDS * size_of::<u64>();
        let Some(first) = first.filter(|_| status == sys::Status::napi_ok && fits) else {
            return Err(error(Code::Config, "attach(page): expected an aligned Uint8Array that holds a page of rows"));
        };
        let mut reference = ptr::null_mut();
        // SAFETY: as above. The reference is never deleted: it goes with the environment, after the cleanup hook.
        let status = unsafe { sys::napi_create_reference(env, array, 1, &raw mut reference) };
        if status == sys::Status::napi_ok { Ok(Self(first)) } else { Err(bug("cannot keep the page alive")) }
    }
}
