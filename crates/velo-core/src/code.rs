//! The error codes, defined once.
//!
//! Owns: the names and whether trying again can help. Not here: messages and classes, which belong to `js/kit/errors.ts`;
//! a test there compares its list with this one.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $retryable:literal;)+) => {
        /// Why something was refused or failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $name,)+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name users see as `error.code`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// Whether the same call may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retryable),+ }
            }
        }
    };
}

codes! {
    /// An option is missing or out of range.
    Config = "VELO_CONFIG", false;
    /// A limit on concurrent streams is reached.
    Overloaded = "VELO_OVERLOADED", true;
    /// The runtime refuses new streams while draining.
    Draining = "VELO_DRAINING", false;
    /// An event was sent after the input had ended.
    Ended = "VELO_ENDED", false;
    /// The stream is closed.
    Closed = "VELO_CLOSED", false;
    /// A signal fired or `abort()` was called.
    Aborted = "VELO_ABORTED", false;
    /// A source stayed silent for the idle timeout.
    Idle = "VELO_IDLE", true;
    /// More sends wait than the line holds.
    Overrun = "VELO_OVERRUN", true;
    /// An event failed its schema.
    Event = "VELO_EVENT", false;
    /// A time limit of a call or of the stream passed.
    Timeout = "VELO_TIMEOUT", true;
    /// The stream already has a reader.
    Locked = "VELO_LOCKED", false;
    /// A value cannot travel to another thread, or bytes cannot be read.
    Codec = "VELO_CODEC", false;
    /// Worker placement needs an importable function.
    FunctionRef = "VELO_FUNCTION_REF", false;
    /// A worker thread died.
    WorkerExited = "VELO_WORKER_EXITED", true;
    /// A broker failed; each error says for itself whether trying again can help.
    Adapter = "VELO_ADAPTER", false;
    /// State could not be saved or restored.
    Checkpoint = "VELO_CHECKPOINT", false;
    /// No binary exists for this platform.
    NativeLoad = "VELO_NATIVE_LOAD", false;
    /// A broken invariant, or a panic that was caught.
    Bug = "VELO_BUG", false;
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_its_own_name_in_the_house_form() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(names.iter().all(|name| name.starts_with("VELO_")));
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')));
    }

    #[test]
    fn only_these_codes_are_worth_another_try() {
        let retryable: Vec<_> = Code::ALL.iter().filter(|code| code.retryable()).map(|code| code.to_string()).collect();
        let expected =
            ["VELO_OVERLOADED", "VELO_IDLE", "VELO_OVERRUN", "VELO_TIMEOUT", "VELO_WORKER_EXITED"].map(String::from);
        assert_eq!(retryable, expected);
    }
}
