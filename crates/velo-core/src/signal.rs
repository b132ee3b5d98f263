//! The small numbers of the border that are not states: what a timer is for, what a verdict says, why `open` refuses.
//!
//! Owns: the numbering. Not here: who sends them and when.

macro_rules! numbers {
    ($(#[$type_doc:meta])* $type:ident: $($(#[$doc:meta])* $name:ident = $value:literal;)+) => {
        $(#[$type_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i32)]
        pub enum $type { $($(#[$doc])* $name = $value,)+ }

        impl $type {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name used in TypeScript.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The value behind a number of the border.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($value => Some(Self::$name),)+ _ => None }
            }
        }
    };
}
pub(crate) use numbers;

numbers! {
    /// A timer of a stream.
    Timer:
    /// The function has waited too long for an event.
    Idle = 0;
    /// The stream has lived too long.
    Duration = 1;
    /// Nobody has read its results for too long.
    Stall = 2;
    /// Closing takes too long.
    Close = 3;
}

numbers! {
    /// What the runtime tells an isolate. The first four answer the timers of the same name.
    Verdict:
    /// `Timer::Idle` fired.
    Idle = 1;
    /// `Timer::Duration` fired.
    Duration = 2;
    /// `Timer::Stall` fired.
    Stall = 3;
    /// `Timer::Close` fired.
    Close = 4;
    /// A timer of no stream fired.
    Timer = 5;
    /// A stream left the line and is open.
    Admitted = 6;
    /// The deadline of the drain has passed: abort what is open.
    DrainAbort = 7;
    /// Nothing is open or waiting any more.
    Drained = 8;
    /// Something of ours failed: a `Trouble`.
    Trouble = 9;
}

numbers! {
    /// What failed in the core, for people to be told.
    Trouble:
    /// A call panicked at the desk.
    Panic = 1;
    /// The timer thread panicked and goes on.
    Timer = 2;
    /// There is no timer thread: none could be started, or it panicked over and over.
    NoTimer = 3;
}

numbers! {
    /// Why `open` gave no slot.
    Refusal:
    /// The limit and the line are full.
    Overloaded = -1;
    /// The runtime drains.
    Draining = -2;
    /// No free row: attach a page and call again.
    NoRow = -3;
    /// Too many detached functions.
    Detached = -4;
}

numbers! {
    /// A side of a stream.
    Side:
    /// Events.
    Input = 0;
    /// Results.
    Output = 1;
}

numbers! {
    /// An end of a duct.
    End:
    /// Where batches are put in.
    Sender = 0;
    /// Where they come out.
    Receiver = 1;
}

impl From<Timer> for Verdict {
    fn from(timer: Timer) -> Self {
        match timer {
            Timer::Idle => Self::Idle,
            Timer::Duration => Self::Duration,
            Timer::Stall => Self::Stall,
            Timer::Close => Self::Close,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, Side, Timer, Trouble, Verdict};

    #[test]
    fn numbers_come_back_as_the_value_they_name() {
        assert!(Timer::ALL.iter().all(|v| Timer::from_number(*v as i32) == Some(*v)));
        assert!(Verdict::ALL.iter().all(|v| Verdict::from_number(*v as i32) == Some(*v)));
        assert!(Refusal::ALL.iter().all(|v| Refusal::from_number(*v as i32) == Some(*v)));
        assert!(Side::ALL.iter().all(|v| Side::from_number(*v as i32) == Some(*v)));
        assert!(Trouble::ALL.iter().all(|v| Trouble::from_number(*v as i32) == Some(*v)));
        assert_eq!(Verdict::from_number(0), None);
        assert!(Refusal::ALL.iter().all(|v| (*v as i32) < 0));
    }

    #[test]
    fn a_timer_and_its_verdict_share_a_name() {
        assert!(Timer::ALL.iter().all(|timer| Verdict::from(*timer).name() == timer.name()));
    }
}
