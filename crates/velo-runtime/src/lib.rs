//! The desk of velo-stream: one registry a process of isolates, functions and streams, with its timers.
//!
//! Owns: admission across the process, deadlines, drain, counts. Not here: the rules themselves (`velo-core`) and
//! anything of Node (`velo-node`), which this crate meets as a `Page` and a `Bell`.

#![forbid(unsafe_code)]

mod admission;
mod alarms;
mod binding;
mod buffered;
mod clock;
mod counter;
mod departed;
mod desk;
mod drain;
mod ducts;
mod function;
mod isolate;
mod leaving;
mod mail;
mod measures;
mod own_names;
mod page;
mod runtime;
mod schedule;
mod snapshot;
pub mod spare;
mod staged;
mod stages;
mod stepping;
mod stream;
mod survey;
mod timer;
mod totals;
mod verdicts;

pub use admission::OpenError;
pub use binding::Binding;
pub use buffered::{Buffered, Part};
pub use desk::Desk;
pub use ducts::{Ducts, Intake, Outlet, Post, key};
pub use function::{Defined, Limits};
pub use mail::{Mail, Message};
pub use measures::{FunctionMeasures, Measures, Spent, SpreadMeasures};
pub use own_names::OwnNames;
pub use page::{Bell, Page};
pub use runtime::Runtime;
pub use snapshot::{ClosedBy, Dropped, FunctionSnapshot, QuantilesSnapshot, Snapshot, StreamSnapshot};
pub use staged::{Stage, StageMeasures};
pub use survey::{Depth, Survey};
pub use totals::Note;
pub use verdicts::TURN;
