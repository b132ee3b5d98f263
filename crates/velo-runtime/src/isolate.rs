//! One isolate: its pages, its streams by slot, its mailbox and its doorbell.

use crate::binding::Binding;
use crate::mail::{MAILBOX, Message};
use crate::page::{Bell, Page, Row};
use crate::stream::Stream;
use std::sync::Arc;
use velo_core::channel::{Receiver, Sender, channel};
use velo_core::row::{CLOCK, PAGE_ROWS, ROW_WORDS};

pub(crate) struct Isolate {
    pages: Vec<Arc<dyn Page>>,
    /// By slot; slot 0 holds the clock and never a stream.
    streams: Vec<Option<Stream>>,
    /// Slots without a stream; the one used last is used next, because its row is still in the cache.
    free: Vec<u32>,
    pub(crate) mailbox: Sender<Message>,
    pub(crate) bell: Arc<dyn Bell>,
    /// Number of the timer of no stream that was set last.
    pub(crate) timers: u32,
}

impl Isolate {
    pub(crate) fn new(bell: Arc<dyn Bell>) -> (Self, Receiver<Message>) {
        let (mailbox, receiver) = channel(MAILBOX);
        (Self { pages: Vec::new(), streams: Vec::new(), free: Vec::new(), mailbox, bell, timers: 0 }, receiver)
    }

    /// Adds a page of rows.
    pub(crate) fn attach(&mut self, page: Arc<dyn Page>) {
        let first = self.pages.len() * PAGE_ROWS;
        self.pages.push(page);
        self.streams.resize_with(first + PAGE_ROWS, || None);
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
        if let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.streams.get_mut(slot)) {
            *place = Some(stream);
        }
    }

    /// Takes a stream out and frees its slot.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<Stream> {
        let stream = self.streams.get_mut(usize::try_from(slot).ok()?)?.take()?;
        self.free.push(slot);
        Some(stream)
    }

    /// Binds the row of a stream, for reports from another thread; the binding ends with the stream.
    pub(crate) fn bind(&mut self, slot: u32) -> Option<Arc<Binding>> {
        let slot = usize::try_from(slot).ok()?;
        let binding = Binding::new(Arc::clone(self.pages.get(slot / PAGE_ROWS)?), slot % PAGE_ROWS * ROW_WORDS);
        let stream = self.streams.get_mut(slot)?.as_mut()?;
        if let Some(before) = stream.binding.replace(Arc::clone(&binding)) {
            before.clear();
        }
        Some(binding)
    }

    pub(crate) fn row(&self, slot: u32) -> Option<Row<'_>> {
        Row::of(&self.pages, slot)
    }

    pub(crate) fn stream(&self, slot: u32) -> Option<&Stream> {
        self.streams.get(usize::try_from(slot).ok()?)?.as_ref()
    }

    /// A stream together with its row.
    pub(crate) fn stream_mut(&mut self, slot: u32) -> Option<(&mut Stream, Row<'_>)> {
        let stream = self.streams.get_mut(usize::try_from(slot).ok()?)?.as_mut()?;
        Some((stream, Row::of(&self.pages, slot)?))
    }

    /// Every stream with its slot.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (u32, &Stream)> {
        self.streams.iter().enumerate().filter_map(|(slot, stream)| Some((u32::try_from(slot).ok()?, stream.as_ref()?)))
    }
}
