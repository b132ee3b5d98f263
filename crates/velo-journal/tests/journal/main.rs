//! What the journal promises, against a model, a failing disk, kills, and folders of earlier versions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that goes wrong shall stop there")]

mod disk;
mod formats;
mod kills;
mod locks;
mod model;
#[cfg(all(feature = "failpoints", unix))]
mod points;
mod support;
