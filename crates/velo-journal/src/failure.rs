//! Why a step was refused or failed, in a kind and a sentence.
//!
//! Owns: the difference between a refusal, which concerns one command and has written nothing, and a broken store, which fails its whole group.

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};
use std::fmt;
use std::io;

/// What kind of failure it is. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Kind {
    /// The ownership is not the current one.
    Fenced = 1,
    /// Numbers are not contiguous.
    Gap = 2,
    /// The stream has ended.
    Over = 3,
    /// There is no such stream.
    Gone = 4,
    /// It would keep more bytes than it may.
    Full = 5,
    /// A record that is kept cannot be read.
    Corrupt = 6,
    /// The folder belongs to another process.
    InUse = 7,
    /// The folder was written by another version.
    Version = 8,
    /// The system refused: disk full, read-only, gone.
    Io = 9,
    /// The command makes no sense.
    Bad = 10,
    /// The journal is closed.
    Closed = 11,
}

/// A failure and its sentence, which begins in lower case and names no stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind it is.
    pub kind: Kind,
    /// What happened, and what to do where that helps.
    pub text: String,
}

impl Failure {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub(crate) fn corrupt(what: &str) -> Self {
        Self::new(
            Kind::Corrupt,
            format!(
                "{what} is corrupt: `velo journal verify` tells what else is, and discarding the stream removes it"
            ),
        )
    }

    pub(crate) fn io(what: &str, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                ": make room; what was kept is kept, and the next step tries again"
            }
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => ": the folder must be writable",
            _ => "",
        };
        Self::new(Kind::Io, format!("{what}: {error}{help}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

/// What ends a step early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Concerns this command alone, which has written nothing.
    Refused(Failure),
    /// The store itself fails: nothing of the group is kept.
    Broken(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

macro_rules! broken {
    ($($type:ty)+) => {
        $(impl From<$type> for Trouble {
            fn from(error: $type) -> Self {
                Self::Broken(of_store(error.into()))
            }
        })+
    };
}

broken! { StorageError TableError TransactionError CommitError DatabaseError }

/// The failure of the store in our words.
pub(crate) fn of_store(error: redb::Error) -> Failure {
    match error {
        redb::Error::Io(error) => Failure::io("the store failed", &error),
        redb::Error::PreviousIo => Failure::new(Kind::Io, "the store failed before: it is opened again"),
        redb::Error::UpgradeRequired(version) => Failure::new(
            Kind::Version,
            format!("the store has file format {version}: another version of velo-stream wrote it"),
        ),
        redb::Error::Corrupted(why) => {
            Failure::new(Kind::Corrupt, format!("the store is corrupt ({why}): move the folder away or restore it"))
        }
        other => Failure::new(Kind::Io, format!("the store failed: {other}")),
    }
}
