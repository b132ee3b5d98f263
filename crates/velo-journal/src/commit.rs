//! What a command asks for, as slices of the submission it came in.

use crate::head::{Cursor, Token};

/// Which stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'a> {
    pub(crate) function: &'a str,
    pub(crate) id: &'a str,
}

/// The right to write to a stream, which is known by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) number: u64,
    pub(crate) epoch: u64,
    pub(crate) token: Token,
}

/// Hashes of results: those with the indexes from `from` on, four bytes each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashes<'a> {
    pub(crate) from: u64,
    pub(crate) values: &'a [u8],
}

/// What is kept in one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commit<'a> {
    pub(crate) delivered: Option<u64>,
    pub(crate) hashes: Option<Hashes<'a>>,
    /// How many `ctx.run` had begun before it, and what it came to.
    pub(crate) outcomes: Option<Vec<(u64, &'a [u8])>>,
    pub(crate) state: Option<(Cursor, &'a [u8])>,
    /// The index of the first one, and all of them.
    pub(crate) outputs: Option<(u64, Vec<&'a [u8]>)>,
    /// What is retained, and for how many ms.
    pub(crate) over: Option<(&'a [u8], f64)>,
}

/// One command.
#[derive(Clone, Debug)]
pub(crate) enum Command<'a> {
    Open {
        key: Key<'a>,
        at: f64,
        seed: f64,
    },
    Append {
        own: Own,
        max_bytes: u64,
        from: u64,
        records: &'a [u8],
    },
    Read {
        own: Own,
        from: u64,
        events: u64,
        bytes: u64,
    },
    Commit {
        own: Own,
        max_bytes: u64,
        commit: Commit<'a>,
    },
    Discard {
        key: Key<'a>,
    },
    Unfinished {
        function: &'a str,
    },
    /// Every stream there is, for whoever looks into a folder.
    List,
    /// One stream, without taking it over.
    Show {
        key: Key<'a>,
    },
    /// Events of one stream, without taking it over.
    Peek {
        key: Key<'a>,
        from: u64,
        events: u64,
        bytes: u64,
    },
    /// Reads everything and tells what is damaged.
    Verify,
    /// Bytes that are no command.
    Malformed,
}

/// A checkpoint, as it is kept.
pub(crate) type State = (Cursor, Vec<u8>);

/// What is known of a stream when it is opened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) is_new: bool,
    pub(crate) head: crate::head::Head,
    /// From `head.hashed_from` on.
    pub(crate) hashes: Vec<u8>,
    pub(crate) outcomes: Vec<(u64, Vec<u8>)>,
    pub(crate) state: Option<State>,
    pub(crate) outputs: Vec<Vec<u8>>,
    pub(crate) over: Option<Vec<u8>>,
}

/// One line of a list of streams.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) function: String,
    pub(crate) id: String,
    pub(crate) at: f64,
    pub(crate) first: u64,
    pub(crate) events: u64,
    pub(crate) delivered: u64,
    pub(crate) bytes: u64,
    pub(crate) over: Option<u64>,
    /// Why it cannot be read.
    pub(crate) damage: Option<String>,
}

/// What a command is answered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Done,
    Kept(Box<Kept>),
    Events(Vec<u8>),
    Was(bool),
    Lines(Vec<Line>),
    /// What is damaged.
    Damage(Vec<String>),
}
