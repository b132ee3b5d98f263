//! One isolate: its pages, its streams by slot, its schedule and its doorbell.

use crate::binding::Binding;
use crate::mail::Mail;
use crate::page::{Bell, Page, Row};
use crate::schedule::Schedule;
use crate::stream::Stream;
use std::collections::BTreeSet;
use std::sync::Arc;
use velo_core::row::{CLOCK, PAGE_ROWS, ROW_WORDS};

pub(crate) struct Isolate {
    pages: Vec<Arc<dyn Page>>,
    /// By slot, one list a page, so that none ever moves; slot 0 holds the clock and never a stream.
    streams: Vec<Vec<Option<Stream>>>,
    /// Slots without a stream; the one used last is used next, because its row is still in the cache.
    free: Vec<u32>,
    pub(crate) schedule: Schedule,
    pub(crate) mail: Arc<Mail>,
    pub(crate) bell: Arc<dyn Bell>,
    /// Number of the timer of no stream that was set last.
    pub(crate) timers: u64,
    /// Ids claimed for its streams, each behind the name of its function. A tree, because it grows without ever standing still.
    pub(crate) ids: BTreeSet<(String, String)>,
    /// How far it has come with leaving: rows, then functions.
    pub(crate) left: (u32, u32),
}

impl Isolate {
    pub(crate) fn new(bell: Arc<dyn Bell>) -> Self {
        let schedule = Schedule::default();
        let (pages, streams, free, ids) = (Vec::new(), Vec::new(), Vec::new(), BTreeSet::new());
        Self { pages, streams, free, mail: schedule.mail(), schedule, bell, timers: 0, ids, left: (0, 0) }
    }

    /// Adds a page of rows.
    pub(crate) fn attach(&mut self, page: Arc<dyn Page>) {
        let first = self.pages.len() * PAGE_ROWS;
        self.pages.push(page);
        self.schedule.grow();
        self.streams.push(std::iter::repeat_with(|| None).take(PAGE_ROWS).collect());
        let slots = (first.max(1)..first + PAGE_ROWS).rev().filter_map(|slot| u32::try_from(slot).ok());
        self.free.extend(slots);
    }

    /// Makes the clock visible to this isolate.
    pub(crate) fn publish(&self, now: f64) {
        if let Some(page) = self.pages.first() {
            page.set(CLOCK, now);
        }
    }

    /// Takes a free slot.
    pub(crate) fn reserve(&mut self) -> Option<u32> {
        self.free.pop()
    }

    /// Puts a stream where a slot was reserved.
    pub(crate) fn place(&mut self, slot: u32, stream: Stream) {
        if let Some(place) = place_of(&mut self.streams, slot) {
            *place = Some(stream);
        }
    }

    /// Takes a stream out and frees its slot.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Stream> {
        let stream = place_of(&mut self.streams, slot)?.take()?;
        self.free.push(slot);
        Some(stream)
    }

    /// Binds the row of a stream, for reports from another thread; the binding ends with the stream.
    pub(crate) fn bind(&mut self, slot: u32, head: bool) -> Option<Arc<Binding>> {
        let (page, row) = split(slot);
        let (page, first) = (Arc::clone(self.pages.get(page)?), row * ROW_WORDS);
        let stream = place_of(&mut self.streams, slot)?.as_mut()?;
        if !head {
            return Some(Arc::clone(stream.later.get_or_insert_with(|| Binding::later(page, first))));
        }
        let binding = Binding::head(page, first);
        if let Some(before) = stream.binding.replace(Arc::clone(&binding)) {
            before.clear();
        }
        Some(binding)
    }

    pub(crate) fn row(&self, slot: u32) -> Option<Row<'_>> {
        Row::of(&self.pages, slot)
    }

    pub(crate) fn stream(&self, slot: u32) -> Option<&Stream> {
        let (page, row) = split(slot);
        self.streams.get(page)?.get(row)?.as_ref()
    }

    /// A stream together with its row.
    pub(crate) fn stream_mut(&mut self, slot: u32) -> Option<(&mut Stream, Row<'_>)> {
        let stream = place_of(&mut self.streams, slot)?.as_mut()?;
        Some((stream, Row::of(&self.pages, slot)?))
    }

    /// How many rows there are, taken or not.
    pub(crate) fn rows(&self) -> u32 {
        u32::try_from(self.pages.len() * PAGE_ROWS).unwrap_or(u32::MAX)
    }
}

fn place_of(streams: &mut [Vec<Option<Stream>>], slot: u32) -> Option<&mut Option<Stream>> {
    let (page, row) = split(slot);
    streams.get_mut(page)?.get_mut(row)
}

/// The page of a slot, and the row there.
const fn split(slot: u32) -> (usize, usize) {
    (slot as usize / PAGE_ROWS, slot as usize % PAGE_ROWS)
}
