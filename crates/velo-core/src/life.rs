//! The life of a generator: ten states, seven triggers, and the one table that joins them, on whichever thread it runs.
//!
//! Owns: the transitions. Not here: the life of its stream (`machine.rs`), and what is done at each of them, which is the driver's
//! work. That a stream closes is no trigger: it does not move the generator, which goes on until it rests and is told to return.

use crate::illegal::Illegal;
use crate::signal::numbers;

numbers! {
    /// Where a generator is in its life. From `Releasing` on it has finished.
    Life:
    /// It has not been asked for anything, and may not even have been made.
    NotStarted = 0;
    /// A request of ours to it is under way; while it is made for the first one, too.
    Running = 1;
    /// At a `yield`, with no request to it under way.
    Suspended = 2;
    /// It got `return()`. When it yields in its `finally`, it is asked on until it is through.
    Unwinding = 3;
    /// Given up while a request was under way.
    Detached = 4;
    /// Given up, and it got `return()`.
    DetachedUnwinding = 5;
    /// It has finished; stages that feed it are on their way out, and as good as itself.
    Releasing = 6;
    /// It has finished; only its source is being given back.
    GivingBack = 7;
    /// It has finished; stages that feed it were given up.
    DetachedReleasing = 8;
    /// It has finished, and nothing that fed it is waited for.
    Finished = 9;
}

numbers! {
    /// What happens to a generator.
    LifeTrigger:
    /// It is asked for a result.
    Ask = 0;
    /// It gave one and rests. One that is asked on in the same breath does not rest: neither `Yield` nor `Ask` is said.
    Yield = 1;
    /// It is told to return.
    Return = 2;
    /// It returned, threw, could not be made, or never will be.
    End = 3;
    /// No stage that feeds it is at work any more.
    Clear = 4;
    /// What fed it is released, or was waited for long enough.
    Released = 5;
    /// It did not end in time and is on its own.
    GiveUp = 6;
}

impl Life {
    /// The next state.
    ///
    /// | from | trigger | to |
    /// |---|---|---|
    /// | NotStarted, Suspended | Ask | Running |
    /// | NotStarted, Suspended | Return | Unwinding |
    /// | NotStarted, Running, Unwinding | End | Releasing |
    /// | Running | Yield | Suspended |
    /// | Running | GiveUp | Detached |
    /// | Unwinding | Yield, Ask | Unwinding |
    /// | Unwinding | GiveUp | DetachedUnwinding |
    /// | Detached | Yield | Detached |
    /// | Detached | Return | DetachedUnwinding |
    /// | DetachedUnwinding | Yield, Ask | DetachedUnwinding |
    /// | Detached, DetachedUnwinding | End | Finished |
    /// | Releasing | Clear | GivingBack |
    /// | Releasing | GiveUp | DetachedReleasing |
    /// | Releasing, GivingBack, DetachedReleasing | Released | Finished |
    /// | any | anything else | illegal |
    ///
    /// Where nothing is left to be released, `End`, `Clear` and `Released` come in the same turn. A detached generator ends alone: what
    /// fed it was given up with it.
    ///
    /// # Errors
    /// `Illegal` for a trigger that this state does not have.
    pub const fn step(self, trigger: LifeTrigger) -> Result<Self, Illegal<Self, LifeTrigger>> {
        use LifeTrigger as I;
        Ok(match (self, trigger) {
            (Self::NotStarted | Self::Suspended, I::Ask) => Self::Running,
            (Self::NotStarted | Self::Suspended, I::Return) | (Self::Unwinding, I::Yield | I::Ask) => Self::Unwinding,
            (Self::NotStarted | Self::Running | Self::Unwinding, I::End) => Self::Releasing,
            (Self::Running, I::Yield) => Self::Suspended,
            (Self::Running, I::GiveUp) | (Self::Detached, I::Yield) => Self::Detached,
            (Self::Unwinding, I::GiveUp)
            | (Self::Detached, I::Return)
            | (Self::DetachedUnwinding, I::Yield | I::Ask) => Self::DetachedUnwinding,
            (Self::Releasing, I::Clear) => Self::GivingBack,
            (Self::Releasing, I::GiveUp) => Self::DetachedReleasing,
            (Self::Detached | Self::DetachedUnwinding, I::End)
            | (Self::Releasing | Self::GivingBack | Self::DetachedReleasing, I::Released) => Self::Finished,
            _ => return Err(Illegal { from: self, trigger }),
        })
    }
}

#[cfg(test)]
mod tests;
