//! The embedded journal of durable streams: one folder, one writer thread, group commit, recovery.
//!
//! Owns: what `js/durable/journal.ts` promises, on one machine. Not here: Node, the codec of events, playing them back. ARCHITECTURE section 12
//! says what a journal is.
//!
//! # The store
//!
//! redb, chosen among the embedded stores by what the workload is: appends of many short streams, a few absolute commits each, and their removal as a
//! range. Measured with 1 KB and 1000 keys against a bare log of the same group commit: 64 writers kept 0.65 of its rate (SQLite 0.39, LMDB 0.52, fjall
//! 0.84), and after a million overwrites the file had 4 times the live data (fjall 22, 147 at its peak); LMDB needs unsafe code. redb is written in Rust
//! alone, keeps to one sync a commit, and checks its pages when it is opened after a kill. It refuses everything after a failed write, so the writer
//! throws it away and opens it again.
//!
//! `benches/stores.rs` measures this crate against a bare log in the same rounds, the size of its file, and what opening takes.
//!
//! # The layout
//!
//! One table holds all records of a stream side by side (`tables.rs`), the head last, next to the newest events. What was appended last is in the tail
//! first (`tail.rs`), which is a log of groups, one a commit (`group.rs`): 64 appends of 1 KB write 98 KB in a few large pages, beside 720 KB where each
//! stream has pages of its own, and 76 KB more for each such commit when the tail gets long and its events move to the records. An append is one record,
//! however many events it has.

#![forbid(unsafe_code)]

mod backend;
mod bytes;
mod commit;
mod entry;
mod fail;
mod failure;
mod group;
mod head;
mod journal;
mod lock;
mod mailbox;
mod metrics;
mod packing;
mod pages;
mod registry;
mod seal;
mod stage;
mod steps;
mod store;
mod tables;
mod tail;
pub mod wire;
mod writer;

pub use backend::{Backend, Fault};
#[cfg(feature = "failpoints")]
pub use fail::POINTS;
pub use journal::{Client, Options, Refused, Sync};
pub use mailbox::Wake;
pub use metrics::{Metrics, Quantiles};
pub use registry::survey;
