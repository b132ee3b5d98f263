//! How many names of functions are told apart for a monitoring system: those seen first have their own place, the others share one, under the
//! empty name. So the picture is small, however many functions there are.

use std::collections::BTreeSet;

/// Names that have a place of their own.
#[derive(Clone, Debug)]
pub struct OwnNames {
    names: BTreeSet<String>,
    most: usize,
}

impl OwnNames {
    /// At most so many, these among them: whoever asked before knows which they are.
    #[must_use]
    pub fn new(names: Vec<String>, most: usize) -> Self {
        Self { names: names.into_iter().collect(), most }
    }

    /// Whether a name has its own place; it gets one where there is room.
    pub(crate) fn has(&mut self, name: &str) -> bool {
        if self.names.contains(name) {
            return true;
        }
        let has_room = !name.is_empty() && self.names.len() < self.most;
        if has_room {
            self.names.insert(name.to_owned());
        }
        has_room
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }
}
