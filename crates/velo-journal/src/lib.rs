//! The embedded journal of durable streams: one folder, one writer thread, group commit, recovery.
//!
//! Owns: what `js/durable/journal.ts` promises, on one machine. Not here: Node, the codec of events, playing them back. ARCHITECTURE section 12
//! says what a journal is.
//!
//! # The store
//!
//! redb, chosen among the embedded stores by what the workload is: appends of many short streams, a few absolute commits each, and their removal as a
//! range. It takes one fsync a commit (LMDB two pages), its file stays near the live data when everything is overwritten (fjall: 22 to 147 times), and
//! 64 writers share a commit at the rate of a bare log (SQLite: 0.4). `benches/stores.rs` repeats the comparison with a bare log.
//!
//! One table holds all records of a stream side by side (`tables.rs`), the head last, next to the newest events: an append of one stream dirties one or
//! two pages. An append is one record, however many events it has.

#![forbid(unsafe_code)]

mod backend;
mod bytes;
mod commit;
mod entry;
mod fail;
mod failure;
mod head;
mod journal;
mod lock;
mod mailbox;
mod metrics;
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
pub use journal::{Client, Options, Refused, Sync};
pub use mailbox::Wake;
pub use metrics::Metrics;
