//! What functions had counted that were forgotten, by name.
//!
//! Owns: that a counter of a name never goes down because one of its functions was collected, with a bound on how many names are kept.

use crate::function::Function;
use crate::own_names::OwnNames;
use crate::staged::Staged;
use crate::totals::Totals;
use std::collections::{BTreeMap, BTreeSet};
use velo_core::latency::Latency;

/// Names that are kept apart; the others share one place, under the empty name.
const NAMES: usize = 128;

/// The counts of functions that are gone.
#[derive(Clone, Default)]
pub(crate) struct Gone {
    pub(crate) totals: Totals,
    pub(crate) latency: Latency,
    pub(crate) processing: Latency,
    pub(crate) staged: Staged,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Departed {
    names: BTreeMap<(String, bool), Gone>,
    /// Names that somebody tells apart: they are kept apart whatever their number.
    told: BTreeSet<String>,
    /// How many functions with counts have gone: whoever gathers counts in turns sees by it that one went meanwhile.
    pub(crate) count: u64,
}

impl Departed {
    /// Keeps the counts of a function.
    pub(crate) fn add(&mut self, function: Function) {
        if function.totals == Totals::default() {
            return;
        }
        self.count += 1;
        let Function { limits, totals, latency, processing, passed, .. } = function;
        let key = (limits.name, limits.remote);
        let is_kept = self.names.len() < NAMES || self.told.contains(&key.0) || self.names.contains_key(&key);
        let gone = self.names.entry(if is_kept { key } else { (String::new(), key.1) }).or_default();
        gone.totals.add(&totals);
        gone.latency.merge(&latency);
        gone.processing.merge(&processing);
        gone.staged.add_bounded(&limits.counted, &passed);
    }

    /// Somebody tells these names apart from now on.
    pub(crate) fn tell_apart(&mut self, names: &OwnNames) {
        for name in names.iter() {
            if !self.told.contains(name) {
                self.told.insert(name.clone());
            }
        }
    }

    /// By name, and by whether they ran on other threads.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&(String, bool), &Gone)> {
        self.names.iter()
    }
}
