//! Stream functions: their limits, their gate, their counts.
//!
//! Owns: the table of functions. A number that JavaScript still holds after `forget` finds nothing, because it carries a
//! generation.

use crate::departed::Departed;
use crate::staged::{Passed, Stage};
use crate::totals::Totals;
use std::collections::BTreeMap;
use velo_core::gate::Gate;
use velo_core::latency::Latency;

/// Bits of a function's number that say where it lies in the table; the ones above count who had the place before.
const INDEX_BITS: u32 = 20;
/// Keeps numbers below 2^31, where JavaScript engines store them without a box.
const GENERATIONS: u32 = 1 << 11;

/// What a function may use. Durations in ms, 0 = no limit.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The name in metrics.
    pub name: String,
    /// Events in the input channel, and results in the output channel.
    pub buffer: u32,
    /// Streams open at once.
    pub max_concurrent: u32,
    /// Streams waiting for a permit.
    pub queue: u32,
    /// How long a stream may live, counted from its admission.
    pub max_duration: f64,
    /// How long results may lie unread.
    pub max_stall: f64,
    /// Functions at whose gates each stream takes a place as well, one for each time that it is named.
    pub stages: Vec<u32>,
    /// Some stage of it runs on another thread.
    pub remote: bool,
    /// Of a pipeline its stages, which are counted one by one.
    pub counted: Vec<Stage>,
}

/// What JavaScript is told of a new function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defined {
    /// Its number.
    pub function: u32,
    /// How many sends may wait for room in a stream of it.
    pub line: u32,
    /// The credits with which its streams open, on each side.
    pub credits: u32,
}

/// One function. The key of its line is (isolate, slot).
pub(crate) struct Function {
    pub(crate) limits: Limits,
    pub(crate) gate: Gate<(u32, u32)>,
    pub(crate) totals: Totals,
    /// Of `limits.counted`, in their order.
    pub(crate) passed: Vec<Passed>,
    /// Result latency.
    pub(crate) latency: Latency,
    /// Time an event spends in the function.
    pub(crate) processing: Latency,
    /// The isolate that defined it.
    pub(crate) owner: u32,
    /// Nobody can open it any more; it stays until its last stream is gone.
    pub(crate) forgotten: bool,
    /// The ticket under which it stands among those that wait for the limit of the process.
    pub(crate) listed: Option<u64>,
    /// Its streams, (isolate, slot), in any order; each knows its place here.
    pub(crate) streams: Vec<(u32, u32)>,
    /// Functions at whose gates its streams take places as well, and how many at each.
    pub(crate) stages: Vec<(u32, u32)>,
    /// Pipelines that wait for its gate, and how many streams of each.
    pub(crate) standing: BTreeMap<u32, u32>,
}

impl Function {
    fn is_unused(&self) -> bool {
        self.gate.open() == 0 && self.gate.waiting() == 0 && self.gate.detached() == 0
    }
}

#[derive(Default)]
struct Place {
    generation: u32,
    function: Option<Function>,
}

/// All functions of the process.
#[derive(Default)]
pub(crate) struct Functions {
    places: Vec<Place>,
    free: Vec<u32>,
    /// What functions had counted that are gone.
    pub(crate) departed: Departed,
}

impl Functions {
    /// Adds a function and gives it a number. `None` when a million of them exist.
    pub(crate) fn define(&mut self, limits: Limits, owner: u32) -> Option<u32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.places.len()).ok().filter(|index| *index < 1 << INDEX_BITS)?;
                self.places.push(Place::default());
                index
            }
        };
        let place = self.places.get_mut(usize::try_from(index).ok()?)?;
        place.function = Some(Function {
            gate: Gate::new(limits.max_concurrent, limits.queue),
            stages: counted(&limits.stages),
            standing: BTreeMap::new(),
            passed: vec![Passed::default(); limits.counted.len()],
            limits,
            totals: Totals::default(),
            latency: Latency::default(),
            processing: Latency::default(),
            owner,
            forgotten: false,
            listed: None,
            streams: Vec::new(),
        });
        Some(place.generation << INDEX_BITS | index)
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Function> {
        let (index, generation) = split(number);
        self.places.get(index).filter(|place| place.generation == generation)?.function.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Function> {
        let (index, generation) = split(number);
        self.places.get_mut(index).filter(|place| place.generation == generation)?.function.as_mut()
    }

    /// Removes a function that was forgotten, once nothing of it runs or waits.
    pub(crate) fn sweep(&mut self, number: u32) {
        if self.get(number).is_none_or(|function| !function.forgotten || !function.is_unused()) {
            return;
        }
        let (index, _) = split(number);
        if let (Some(place), Ok(free)) = (self.places.get_mut(index), u32::try_from(index)) {
            if let Some(function) = place.function.take() {
                self.departed.add(function);
            }
            place.generation = (place.generation + 1) % GENERATIONS;
            self.free.push(free);
        }
    }

    /// How many places there are for functions, taken or not.
    pub(crate) fn places(&self) -> u32 {
        u32::try_from(self.places.len()).unwrap_or(u32::MAX)
    }

    /// The function at a place, with its number.
    pub(crate) fn at_mut(&mut self, index: u32) -> Option<(u32, &mut Function)> {
        let place = self.places.get_mut(usize::try_from(index).ok()?)?;
        Some((place.generation << INDEX_BITS | index, place.function.as_mut()?))
    }
}

/// How often each of them is named.
fn counted(stages: &[u32]) -> Vec<(u32, u32)> {
    let mut counts = BTreeMap::new();
    stages.iter().for_each(|stage| *counts.entry(*stage).or_insert(0) += 1);
    counts.into_iter().collect()
}

const fn split(number: u32) -> (usize, u32) {
    ((number & ((1 << INDEX_BITS) - 1)) as usize, number >> INDEX_BITS)
}
