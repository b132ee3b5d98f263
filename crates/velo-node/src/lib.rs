//! The border of velo-stream: what JavaScript calls, and the doorbell that calls back.
//!
//! Owns: conversions. Not here: decisions (`velo-core`, `velo-runtime`) and checks of user input (`js/`). Hot calls are
//! raw callbacks, bound to their isolate (`calls.rs`); control calls go through `#[napi]` (`control.rs`).

#[cfg(feature = "bench")]
mod bench;
mod calls;
mod control;
mod doorbell;
mod ducts;
mod isolate;
mod journals;
mod measures;
mod page;
mod picture;
mod raw;
#[cfg(unix)]
mod signals;
mod status;
