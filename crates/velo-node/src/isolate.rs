//! What the border keeps for one environment: its number at the desk, its doorbell.
//!
//! Owns: the beginning and the end of an isolate. Everything here runs on the isolate's own thread.

use crate::calls;
use crate::doorbell::Doorbell;
use crate::ducts::Ends;
use crate::journals::Journals;
use crate::status::{Result, bug, contained};
use napi::bindgen_prelude::{Object, retain_current_module_for_unload_safety};
use napi::{Env, JsValue, sys};
use napi_derive::napi;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use velo_runtime::{Bell, Mail, Message, Part, Post, Runtime};

/// One isolate. Raw callbacks hold a pointer to it, `#[napi]` calls find it as instance data.
pub(crate) struct Isolate {
    pub(crate) number: u32,
    pub(crate) runtime: &'static Arc<Runtime>,
    pub(crate) bell: Arc<Doorbell>,
    /// Whether verdicts wait.
    mail: Arc<Mail>,
    /// Where it is told which of its ends of ducts need it.
    pub(crate) post: Arc<Post>,
    /// The ends of ducts it holds.
    pub(crate) ends: RefCell<Ends>,
    /// The bytes that wait in its streams.
    pub(crate) buffered: Part,
    /// The journals it has open.
    pub(crate) journals: RefCell<Journals>,
    /// References that keep the memory of its pages alive.
    pages: RefCell<Vec<sys::napi_ref>>,
    /// It has left: the number may belong to another isolate by now.
    left: Cell<bool>,
}

/// Sets the isolate up when its environment loads the add-on.
#[napi(module_exports)]
pub fn init(exports: Object, env: Env) -> napi::Result<()> {
    // The timer thread must never outlive the code it runs.
    retain_current_module_for_unload_safety();
    let runtime = Runtime::global();
    let bell = Arc::<Doorbell>::default();
    let (number, mail) = runtime.quick(|desk| desk.enter(Arc::clone(&bell) as Arc<dyn Bell>));
    let post = Post::new(Arc::clone(&bell) as Arc<dyn Bell>);
    let (ends, journals, pages) = (RefCell::default(), RefCell::default(), RefCell::default());
    let buffered = Part::of(Arc::clone(runtime.buffered()));
    let isolate =
        Isolate { number, runtime, bell, mail, post, ends, buffered, journals, pages, left: Cell::new(false) };
    let data = Rc::into_raw(Rc::new(isolate)).cast_mut().cast::<c_void>();
    // SAFETY: on the thread of `env`. Node calls `free` once, when the environment is gone and nothing runs in it.
    unsafe { sys::napi_set_instance_data(env.raw(), data, Some(free), ptr::null_mut()) };
    // SAFETY: as above; the hook runs before `free`.
    unsafe { sys::napi_add_env_cleanup_hook(env.raw(), Some(leave), data) };
    calls::export(env.raw(), exports.raw(), data)
}

impl Isolate {
    /// The isolate of an environment.
    pub(crate) fn of(env: &Env) -> Result<&Self> {
        let mut data = ptr::null_mut();
        // SAFETY: on the thread of `env`.
        unsafe { sys::napi_get_instance_data(env.raw(), &raw mut data) };
        // SAFETY: `init` set it to an `Isolate` that lives until the environment is gone.
        let isolate = unsafe { data.cast::<Self>().as_ref() };
        isolate.filter(|isolate| !isolate.left.get()).ok_or_else(|| bug("the environment is ending"))
    }

    /// Whether its environment still runs.
    pub(crate) fn is_here(&self) -> bool {
        !self.left.get()
    }

    /// Takes a reference that keeps the memory of a page alive until the isolate has left.
    pub(crate) fn keep(&self, page: sys::napi_ref) {
        self.pages.borrow_mut().push(page);
    }

    /// Hangs the doorbell, until the environment ends or `on_bell` is collected. Hooks run in reverse order, so ours is put
    /// behind the one Node adds for the threadsafe function: the bell is down before Node closes it.
    pub(crate) fn start(&self, env: sys::napi_env, on_bell: sys::napi_value) -> Result<()> {
        if self.bell.hangs() {
            return Err(bug("start(onBell) was called before"));
        }
        Doorbell::hang(&self.bell, env, on_bell)?;
        let mut data = ptr::null_mut();
        // SAFETY: on the thread of `env`.
        unsafe { sys::napi_get_instance_data(env, &raw mut data) };
        // SAFETY: `init` made it of an `Rc`, which is not dropped yet. `collected` returns this share.
        unsafe { Rc::increment_strong_count(data.cast::<Self>()) };
        // SAFETY: on the thread of `env`, with a function of it.
        unsafe { sys::napi_add_finalizer(env, on_bell, data, Some(collected), ptr::null_mut(), ptr::null_mut()) };
        // SAFETY: on the thread of `env`; the hook was added by `init` with the same pair.
        unsafe { sys::napi_remove_env_cleanup_hook(env, Some(leave), data) };
        // SAFETY: as above.
        unsafe { sys::napi_add_env_cleanup_hook(env, Some(leave), data) };
        // What was posted before there was a bell.
        self.bell.answer();
        if self.mail.waits() {
            self.bell.ring();
        }
        Ok(())
    }

    /// Copies verdicts out, four numbers each.
    pub(crate) fn take(&self, max: usize, mut put: impl FnMut(usize, [f64; 4])) -> usize {
        self.bell.answer();
        let mut count = 0;
        while count < max && self.mail.waits() {
            self.runtime.at_desk(|desk, now| {
                desk.take(self.number, now, max - count, |message| {
                    let Message { verdict, about, generation, seen } = message;
                    #[expect(clippy::cast_precision_loss, reason = "slots and ids stay below 2^53")]
                    put(count, [f64::from(verdict as i32), about as f64, generation, seen]);
                    count += 1;
                })
            });
        }
        count
    }
}

impl Isolate {
    /// Takes the doorbell down and leaves the runtime: no thread rings or touches the pages after this.
    fn leave(&self) {
        if self.left.replace(true) {
            return;
        }
        // Each step is contained, so one that fails does not prevent the others.
        contained(|| self.bell.take_down());
        contained(|| self.ends.borrow_mut().clear());
        contained(|| self.buffered.clear());
        contained(|| self.journals.borrow_mut().close());
        contained(|| self.runtime.leave(self.number));
    }
}

/// The cleanup hook.
extern "C" fn leave(data: *mut c_void) {
    // SAFETY: `init` made it; `free` comes later.
    let Some(isolate) = (unsafe { data.cast::<Isolate>().as_ref() }) else { return };
    contained(|| isolate.leave());
}

/// `on_bell` was collected, and with it the copy of the JavaScript that this isolate serves: Jest drops one after each test file.
/// Node also calls this as the environment ends, after the cleanup hook.
extern "C" fn collected(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: the share that `start` took; Node calls this once.
    let isolate = unsafe { Rc::from_raw(data.cast::<Isolate>()) };
    contained(move || {
        if isolate.left.get() {
            return; // The environment is ending and frees the rest.
        }
        // SAFETY: on the thread of `env`; the hook was added by `start` with the same pair.
        unsafe { sys::napi_remove_env_cleanup_hook(env, Some(leave), data) };
        let bell = isolate.bell.handle();
        isolate.leave();
        Doorbell::release(env, bell);
        for page in isolate.pages.borrow_mut().drain(..) {
            // SAFETY: on the thread of `env`; no thread touches the page after `leave`.
            unsafe { sys::napi_delete_reference(env, page) };
        }
    });
}

extern "C" fn free(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: made by `Rc::into_raw` in `init`; Node calls this once.
    let isolate = unsafe { Rc::from_raw(data.cast::<Isolate>()) };
    contained(|| drop(isolate));
}
