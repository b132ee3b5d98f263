//! The doorbell: a threadsafe function without content that wakes one isolate.
//!
//! Owns: the handle and the lock around every use of it. Before Node 24.14 a threadsafe function that is called after its
//! environment ended aborts the process; so the cleanup hook takes the handle away under the same lock.

use crate::status::{Result, bug, contained};
use napi::sys;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

#[derive(Clone, Copy)]
pub(crate) struct Handle {
    function: sys::napi_threadsafe_function,
    /// Refers to `on_bell`: strongly while the bell holds the event loop, else weakly. Used only on the isolate's thread.
    on_bell: sys::napi_ref,
    holds: bool,
}

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
                sys::napi_call_threadsafe_function(
                    handle.function,
                    payload,
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                )
            };
        }
    }
}

impl Doorbell {
    /// Call before taking verdicts: whatever is posted after this rings again.
    pub(crate) fn answer(&self) {
        self.pending.clear();
    }

    /// Hangs the bell: `on_bell` is called in a turn of its own. The bell keeps neither the event loop nor `on_bell` alive.
    pub(crate) fn hang(bell: &Arc<Self>, env: sys::napi_env, on_bell: sys::napi_value) -> Result<()> {
        let (mut name, mut function, mut reference) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let text = "velo-stream doorbell";
        // SAFETY: called on the thread of `env`; the text is alive and its length is given.
        let named =
            unsafe { sys::napi_create_string_utf8(env, text.as_ptr().cast(), text.len().cast_signed(), &raw mut name) };
        // SAFETY: as above; `on_bell` is a function of `env`.
        let referred = unsafe { sys::napi_create_reference(env, on_bell, 0, &raw mut reference) };
        let context = Arc::into_raw(Arc::clone(bell)).cast_mut().cast::<c_void>();
        // SAFETY: as above; a queue of one item suffices for a bell without content. `unhung` returns the share of the bell.
        let made = unsafe {
            sys::napi_create_threadsafe_function(
                env,
                ptr::null_mut(),
                ptr::null_mut(),
                name,
                1,
                1,
                context,
                Some(unhung),
                context,
                Some(ringing),
                &raw mut function,
            )
        };
        if [named, referred, made].iter().any(|status| *status != sys::Status::napi_ok) {
            return Err(bug("start(onBell): expected a function"));
        }
        // SAFETY: the function was made a moment ago, on this thread.
        unsafe { sys::napi_unref_threadsafe_function(env, function) };
        *bell.lock() = Some(Handle { function, on_bell: reference, holds: false });
        Ok(())
    }

    /// Whether the bell hangs.
    pub(crate) fn hangs(&self) -> bool {
        self.lock().is_some()
    }

    /// Makes the bell keep the event loop and `on_bell` alive, or not. Called on the thread of `env`.
    pub(crate) fn hold(&self, env: sys::napi_env, on: bool) {
        let mut count = 0;
        if let Some(handle) = self.lock().as_mut().filter(|handle| handle.holds != on) {
            handle.holds = on;
            let set = if on { sys::napi_ref_threadsafe_function } else { sys::napi_unref_threadsafe_function };
            // SAFETY: on the thread of `env`, and the function is alive while the lock is held.
            unsafe { set(env, handle.function) };
            let set = if on { sys::napi_reference_ref } else { sys::napi_reference_unref };
            // SAFETY: as above, with the reference of `hang`.
            unsafe { set(env, handle.on_bell, &raw mut count) };
        }
    }

    /// The current handle.
    pub(crate) fn handle(&self) -> Option<Handle> {
        *self.lock()
    }

    /// Releases a handle after `take_down`, if the environment continues. Called on the thread of `env`.
    pub(crate) fn release(env: sys::napi_env, handle: Option<Handle>) {
        let Some(Handle { function, on_bell, .. }) = handle else { return };
        // SAFETY: on the thread of `env`; no thread has the function any more.
        unsafe { sys::napi_release_threadsafe_function(function, sys::ThreadsafeFunctionReleaseMode::release) };
        // SAFETY: as above.
        unsafe { sys::napi_delete_reference(env, on_bell) };
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
extern "C" fn ringing(env: sys::napi_env, _none: sys::napi_value, context: *mut c_void, _payload: *mut c_void) {
    if env.is_null() {
        return; // The environment is ending.
    }
    // SAFETY: the share that `hang` gave to the threadsafe function; `unhung` comes later.
    let Some(bell) = (unsafe { context.cast::<Doorbell>().as_ref() }) else { return };
    contained(|| {
        if let Some(handle) = bell.handle() {
            call(env, handle.on_bell);
        }
    });
}

/// Node finalizes the threadsafe function.
extern "C" fn unhung(_env: sys::napi_env, bell: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the share that `hang` gave; Node calls this once.
    let bell = unsafe { Arc::from_raw(bell.cast::<Doorbell>().cast_const()) };
    contained(|| drop(bell));
}

fn call(env: sys::napi_env, on_bell: sys::napi_ref) {
    let (mut this, mut function) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: called by Node-API on the thread of `env`; the reference is deleted on this thread only.
    unsafe { sys::napi_get_reference_value(env, on_bell, &raw mut function) };
    if function.is_null() {
        return; // Collected: Node calls `collected` (isolate.rs) next.
    }
    // SAFETY: as above.
    unsafe { sys::napi_get_undefined(env, &raw mut this) };
    // SAFETY: as above; no arguments, no use for the answer.
    let status = unsafe { sys::napi_call_function(env, this, function, 0, ptr::null(), ptr::null_mut()) };
    if status == sys::Status::napi_pending_exception {
        let mut exception = ptr::null_mut();
        // SAFETY: an exception is pending.
        unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut exception) };
        // SAFETY: `exception` was set by the call above.
        unsafe { sys::napi_fatal_exception(env, exception) };
    }
}
