//! The layout of the control block: one row of 64-bit words per stream, each word a JavaScript number.
//!
//! Owns: the offsets. Not here: the memory, which JavaScript allocates and the border maps.
//! `js/engine/border/law.ts` is generated from these constants.

/// Words of one row.
pub const ROW_WORDS: usize = 16;

/// Rows of one page.
pub const PAGE_ROWS: usize = 1024;

/// Words of one page.
pub const PAGE_WORDS: usize = ROW_WORDS * PAGE_ROWS;

/// Word 0 of row 0 of an isolate's first page: the coarse clock in ms. Row 0 belongs to no stream.
pub const CLOCK: usize = 0;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $offset:literal;)+) => {
        /// A word of a row; the value is its offset.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Word { $($(#[$doc])* $name = $offset,)+ }

        impl Word {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name used in TypeScript.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

words! {
    /// Written by Rust: the state of the machine.
    State = 0;
    /// Written by Rust: counts the streams this row has served.
    Generation = 1;
    /// Written by JavaScript: events accepted.
    Accepted = 2;
    /// Written by JavaScript: events handed to the function.
    Delivered = 3;
    /// Written by JavaScript: results the function yielded.
    Yielded = 4;
    /// Written by JavaScript: results the caller took.
    Read = 5;
    /// Written by JavaScript: events accepted and never delivered.
    DroppedEvents = 6;
    /// Written by JavaScript: results yielded and never read.
    DroppedResults = 7;
    /// Written by JavaScript: 1 while the function waits for an event and no send is under way, else 0. Written by Rust at
    /// the end: p50 of the processing latency.
    Waiting = 8;
    /// Written by JavaScript, and by Rust at open and admission: coarse clock when that wait began, ms.
    /// Written by Rust at the end: p95 of the processing latency.
    WaitingSince = 9;
    /// Written by JavaScript: coarse clock of the last read or of the first unread result; 0 while nothing is unread.
    /// Written by Rust at the end: p99 of the processing latency.
    UnreadSince = 10;
    /// Written by Rust at the end: result latency, microseconds, NaN without samples.
    P50 = 11;
    /// Written by Rust at the end, like `P50`.
    P95 = 12;
    /// Written by Rust at the end, like `P50`.
    P99 = 13;
    /// Written by Rust: while the stream waits for a permit or is open, since when, ms; at the end, ms from admission to it.
    Duration = 14;
    /// Written by Rust at the end: how many samples the quantiles rest on.
    Samples = 15;
}

#[cfg(test)]
mod tests {
    use super::{ROW_WORDS, Word};

    #[test]
    fn the_words_fill_the_row_without_gaps() {
        assert_eq!(Word::ALL.len(), ROW_WORDS);
        assert!(Word::ALL.iter().enumerate().all(|(at, word)| *word as usize == at));
    }
}
