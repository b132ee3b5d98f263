//! What the border lends to the desk: memory that JavaScript sees too, and a way to wake an isolate.

use velo_core::row::{PAGE_ROWS, ROW_WORDS, Word};

/// A page of the control block. JavaScript writes to it at any time, so every read is a glance.
pub trait Page: Send + Sync {
    /// Reads a word; 0 beyond the end.
    fn get(&self, word: usize) -> f64;
    /// Writes a word; nothing happens beyond the end.
    fn set(&self, word: usize, value: f64);
}

/// The doorbell of an isolate.
pub trait Bell: Send + Sync {
    /// Wakes the isolate. Must not block and must not call back; it may come from any thread.
    fn ring(&self);
}

/// The row of one stream.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    page: &'a dyn Page,
    first: usize,
}

impl<'a> Row<'a> {
    /// Row `slot` of the isolate that owns these pages.
    pub(crate) fn of(pages: &'a [std::sync::Arc<dyn Page>], slot: u32) -> Option<Self> {
        let slot = usize::try_from(slot).ok()?;
        let page = pages.get(slot / PAGE_ROWS)?;
        Some(Self { page: &**page, first: slot % PAGE_ROWS * ROW_WORDS })
    }

    /// The row that begins at word `first` of a page.
    pub(crate) const fn at(page: &'a dyn Page, first: usize) -> Self {
        Self { page, first }
    }

    pub(crate) fn get(self, word: Word) -> f64 {
        self.page.get(self.first + word as usize)
    }

    pub(crate) fn set(self, word: Word, value: f64) {
        self.page.set(self.first + word as usize, value);
    }

    /// Prepares the row for its next stream: everything but the generation becomes 0. Answers the new generation.
    pub(crate) fn renew(self) -> f64 {
        let generation = self.get(Word::Generation) + 1.0;
        for word in Word::ALL {
            self.set(*word, if *word == Word::Generation { generation } else { 0.0 });
        }
        generation
    }

    /// A count that JavaScript keeps.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
    pub(crate) fn count(self, word: Word) -> u64 {
        self.get(word) as u64
    }
}
