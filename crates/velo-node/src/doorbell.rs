//! The doorbell: a threadsafe function without content that wakes one isolate.
//!
//! Owns: the handle and the lock around every use of it. Before Node 24.14 a threadsafe function that is called after its
//! environment ended aborts the process; so the cleanup hook takes the handle away under the same lock.

use crate::status::{Result, bug, contained};
use napi::sys;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::{Mutex, MutexGuard, PoisonError};
use velo_core::doorbell::Pending;
use velo_runtime::Bell;

/// The doorbell of one isolate.
#[derive(Default)]
pub(crate) struct Doorbell {
    /// Up from a ring to the next `take`.
    pending: Pending,
    /// `None` before `start` and after the cleanup hook.
    handle: Mutex<Option<Handle>>,
}

struct Handle(sys::napi_threadsafe_function);

// SAFETY: Node-API lets any thread call a threadsafe function, and the lock keeps it alive meanwhile.
unsafe impl Send for Handle {}

impl Bell for Doorbell {
    fn ring(&self) {
        if !self.pending.mark() {
            return;
        }
        if let Some(handle) = &*self.lock() {
            // The payload says nothing; it is not null because some runtimes drop a null one.
            let payload = NonNull::<c_void>::dangling().as_ptr();
            // SAFETY: the handle is alive while the lock is held. A full queue (it holds one item) means that a ring is
            // under way, and a closing one that nobody is left to hear it: either way there is nothing to do.
            unsafe {
                sys::napi_call_threadsafe_function(handle.0, payload, sys::ThreadsafeFunctionCallMode::nonblocking)
            };
        }
    }
}

impl Doorbell {
    /// Call before taking verdicts: whatever is posted after this rings again.
    pub(crate) fn answer(&self) {
        self.pending.clear();
    }

    /// Hangs the bell: `on_bell` is called in a turn of its own. It does not keep the event loop alive.
    pub(crate) fn hang(&self, env: sys::napi_env, on_bell: sys::napi_value) -> Result<()> {
        let (mut name, mut handle) = (ptr::null_mut(), ptr::null_mut());
        let text = "velo-stream doorbell";
        // SAFETY: called on the thread of `env`; the text is alive and its length is given.
        let named =
            unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len().cast_signed(), &raw mut name) };
        // SAFETY: as above; `on_bell` is a function of `env`, a queue of one item suffices for a bell without content.
        let made = unsafe {
            sys::napi_create_threadsafe_function(
                env,
                on_bell,
                ptr::null_mut(),
                name,
                1,
                1,
                ptr::null_mut(),
                None,
                ptr::null_mut(),
                Some(ringing),
                &raw mut handle,
            )
        };
        if named != sys::Status::napi_ok || made != sys::Status::napi_ok {
            return Err(bug("start(onBell): expected a function"));
        }
        // SAFETY: the handle was made a moment ago, on this thread.
        unsafe { sys::napi_unref_threadsafe_function(env, handle) };
        *self.lock() = Some(Handle(handle));
        Ok(())
    }

    /// Whether the bell hangs.
    pub(crate) fn hangs(&self) -> bool {
        self.lock().is_some()
    }

    /// Makes the bell keep the event loop alive, or not. Called on the thread of `env`.
    pub(crate) fn hold(&self, env: sys::napi_env, on: bool) {
        if let Some(handle) = &*self.lock() {
            let set = if on { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
            // SAFETY: on the thread of `env`, and the handle is alive while the lock is held.
            unsafe { set(env, handle.0) };
        }
    }

    /// Takes the bell down: no thread uses the handle after this.
    pub(crate) fn take_down(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Handle>> {
        self.handle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs on the isolate's thread.
extern "C" fn ringing(env: sys::napi_env, on_bell: sys::napi_value, _context: *mut c_void, _payload: *mut c_void) {
    contained(|| call(env, on_bell));
}

fn call(env: sys::napi_env, on_bell: sys::napi_value) {
    if env.is_null() || on_bell.is_null() {
        return; // The environment is ending.
    }
    let mut this = ptr::null_mut();
    // SAFETY: called by Node-API on the thread of `env`.
    unsafe { sys::napi_get_undefined(env, &raw mut this) };
    // SAFETY: as above; no arguments, no use for the answer.
    let status = unsafe { sys::napi_call_function(env, this, on_bell, 0, ptr::null(), ptr::null_mut()) };
    if status == sys::Status::napi_pending_exception {
        let mut exception = ptr::null_mut();
        // SAFETY: an exception is pending.
        unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut exception) };
        // SAFETY: `exception` was set by the call above.
        unsafe { sys::napi_fatal_exception(env, exception) };
    }
}
