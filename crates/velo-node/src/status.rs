//! Errors of control calls: the code of the table becomes `error.code`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use velo_core::code::Code;

/// A code as napi-rs wants it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status(pub(crate) Code);

/// What a control call answers. The name has to be this one: napi-derive goes by it.
pub(crate) type Result<T> = std::result::Result<T, napi::Error<Status>>;

impl AsRef<str> for Status {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

/// An error with this code.
pub(crate) fn error(code: Code, message: impl ToString) -> napi::Error<Status> {
    napi::Error::new(Status(code), message.to_string())
}

/// A failure of Node-API itself, or a broken promise of ours.
pub(crate) fn bug(cause: impl ToString) -> napi::Error<Status> {
    error(Code::Bug, cause)
}

/// Runs what Node calls by itself and what answers nothing: a panic goes no further, since it would end the process.
pub(crate) fn contained(work: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(work));
}

/// Runs a control call; a panic becomes `VELO_BUG` instead of the end of the process.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(bug("panic in the native core; please report it")))
}
