//! The law of velo-stream: which states a stream has, how many credits it holds, who is admitted, what is counted.
//!
//! Owns: codes, transitions of streams and of generators, ledgers, gates, deadlines, histograms, the bounded channel, ducts between threads, the doorbell's
//! flags and the layout of the control block. Not here: threads, clocks, I/O, Node.

#![forbid(unsafe_code)]

pub mod channel;
pub mod code;
pub mod credit;
pub mod deadlines;
pub mod demand;
pub mod doorbell;
pub mod duct;
pub mod gate;
pub mod histogram;
pub mod illegal;
pub mod latency;
pub mod life;
pub mod machine;
pub mod row;
pub mod sample;
pub mod signal;
