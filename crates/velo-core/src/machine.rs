//! The life of a stream: five states, eight triggers, and the one table that joins them.
//!
//! Owns: the transitions. Not here: what an effect does, which is the runtime's and the driver's work.

use crate::illegal::Illegal;
use crate::signal::numbers;

numbers! {
    /// Where a stream is in its life.
    State:
    /// In the line of a full gate.
    Waiting = 0;
    /// Takes events.
    Open = 1;
    /// The input has ended, the function goes on.
    Ending = 2;
    /// The function is told to stop.
    Closing = 3;
    /// Over.
    Closed = 4;
}

numbers! {
    /// Why a stream ended, or is about to.
    Reason:
    /// Not decided.
    None = 0;
    /// The function returned.
    Done = 1;
    /// The caller closed it.
    Closed = 2;
    /// No event came for the idle timeout.
    Idle = 3;
    /// The caller, a limit or a drain aborted it.
    Aborted = 4;
    /// The function threw.
    Failed = 5;
}

numbers! {
    /// What happens to a stream.
    Trigger:
    /// A place became free.
    Admit = 0;
    /// The caller ended the input.
    End = 1;
    /// The idle timeout passed.
    Idle = 2;
    /// The caller closes.
    Close = 3;
    /// The caller, a limit or a drain aborts.
    Abort = 4;
    /// The function returned.
    Return = 5;
    /// The function threw.
    Throw = 6;
    /// The close timeout passed.
    Expire = 7;
}

/// What a transition asks for; a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effects(u32);

impl Effects {
    /// Nothing to do.
    pub const NONE: Self = Self(0);
    /// Accept no more events.
    pub const STOP_INPUT: Self = Self(1);
    /// Stop the function.
    pub const UNWIND: Self = Self(2);
    /// The stream is over: write the last words, give everything back.
    pub const FINISH: Self = Self(4);
    /// Leave the line of the gate.
    pub const LEAVE_LINE: Self = Self(8);
    /// The function did not stop in time and is on its own.
    pub const DETACH: Self = Self(16);
    /// Added by the runtime, never by the table: a verdict for the calling isolate is waiting.
    pub const MAIL: Self = Self(32);

    /// Every single effect with the name used in TypeScript.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("None", Self::NONE),
        ("StopInput", Self::STOP_INPUT),
        ("Unwind", Self::UNWIND),
        ("Finish", Self::FINISH),
        ("LeaveLine", Self::LEAVE_LINE),
        ("Detach", Self::DETACH),
        ("Mail", Self::MAIL),
    ];

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether everything in `other` is asked for.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The state of a stream and why it ends.
///
/// | from | trigger | to | reason | effects |
/// |---|---|---|---|---|
/// | Waiting | Admit | Open | | |
/// | Waiting | Close | Closed | Closed | LeaveLine, Finish |
/// | Waiting | Abort | Closed | Aborted | LeaveLine, Finish |
/// | Open | End | Ending | | StopInput |
/// | Open | Idle | Ending | Idle | StopInput |
/// | Open, Ending | Close | Closing | Closed | Unwind |
/// | Open, Ending | Abort | Closing | Aborted | Unwind |
/// | Open, Ending | Return | Closed | Idle if it was Idle, else Done | Finish |
/// | Open, Ending | Throw | Closed | Failed | Finish |
/// | Closing | Return | Closed | unchanged | Finish |
/// | Closing | Throw | Closed | Failed if it was Closed, else unchanged | Finish |
/// | Closing | Expire | Closed | unchanged | Finish, Detach |
/// | Ending, Closing | Idle | unchanged | unchanged | |
/// | any | anything else | illegal | | |
///
/// One trigger can come too late: the verdict that a stream is idle may be on its way while its input ends or it is told to stop, and then
/// changes nothing. All others are decided on the stream's own thread, by code that has just looked at the state; one that its state
/// does not have is a mistake of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Where it is.
    pub state: State,
    /// Why it ends; `None` until that is decided.
    pub reason: Reason,
}

impl Machine {
    /// A stream that was admitted at once.
    pub const OPEN: Self = Self { state: State::Open, reason: Reason::None };
    /// A stream in the line.
    pub const WAITING: Self = Self { state: State::Waiting, reason: Reason::None };

    /// The next state and what has to be done.
    ///
    /// # Errors
    /// `Illegal` for a trigger that this state does not have.
    pub const fn step(self, trigger: Trigger) -> Result<(Self, Effects), Illegal<Self, Trigger>> {
        use State as S;
        use Trigger as I;
        let (state, reason, effects) = match (self.state, trigger) {
            (S::Waiting, I::Admit) => (S::Open, self.reason, Effects::NONE),
            (S::Waiting, I::Close) => (S::Closed, Reason::Closed, Effects::LEAVE_LINE.and(Effects::FINISH)),
            (S::Waiting, I::Abort) => (S::Closed, Reason::Aborted, Effects::LEAVE_LINE.and(Effects::FINISH)),
            (S::Open, I::End) => (S::Ending, self.reason, Effects::STOP_INPUT),
            (S::Open, I::Idle) => (S::Ending, Reason::Idle, Effects::STOP_INPUT),
            (S::Open | S::Ending, I::Close) => (S::Closing, Reason::Closed, Effects::UNWIND),
            (S::Open | S::Ending, I::Abort) => (S::Closing, Reason::Aborted, Effects::UNWIND),
            (S::Open | S::Ending, I::Return) => match self.reason {
                Reason::Idle => (S::Closed, Reason::Idle, Effects::FINISH),
                _ => (S::Closed, Reason::Done, Effects::FINISH),
            },
            (S::Open | S::Ending, I::Throw) => (S::Closed, Reason::Failed, Effects::FINISH),
            (S::Closing, I::Return) => (S::Closed, self.reason, Effects::FINISH),
            (S::Closing, I::Throw) => match self.reason {
                Reason::Closed => (S::Closed, Reason::Failed, Effects::FINISH),
                _ => (S::Closed, self.reason, Effects::FINISH),
            },
            (S::Closing, I::Expire) => (S::Closed, self.reason, Effects::FINISH.and(Effects::DETACH)),
            (S::Ending | S::Closing, I::Idle) => (self.state, self.reason, Effects::NONE),
            _ => return Err(Illegal { from: self, trigger }),
        };
        Ok((Self { state, reason }, effects))
    }

    /// The form in which an answer crosses the border: `state | reason << 4 | effects << 8`.
    #[must_use]
    pub const fn pack(self, effects: Effects) -> u32 {
        self.state as u32 | (self.reason as u32) << 4 | effects.bits() << 8
    }

    /// The machine inside a packed answer; its effects are ignored. `None` when no such state or reason exists.
    #[must_use]
    #[expect(clippy::cast_possible_wrap, reason = "both values are masked to four bits")]
    pub const fn unpack(packed: u32) -> Option<Self> {
        match (State::from_number((packed & 15) as i32), Reason::from_number((packed >> 4 & 15) as i32)) {
            (Some(state), Some(reason)) => Some(Self { state, reason }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
