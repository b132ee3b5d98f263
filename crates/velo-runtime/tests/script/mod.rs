//! What the scripts share: a desk with a fake clock, pages of plain memory, and short names for what happens.
#![allow(dead_code, reason = "each script uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use velo_core::channel::Receiver;
use velo_core::machine::{Effects, Reason, State, Trigger};
use velo_core::row::{PAGE_WORDS, ROW_WORDS, Word};
use velo_core::signal::{Refusal, Verdict};
use velo_runtime::{Bell, Desk, Limits, Message, OpenError, Page};

/// A page that JavaScript would see.
pub struct Memory(Vec<AtomicU64>);

impl Page for Memory {
    fn get(&self, word: usize) -> f64 {
        self.0.get(word).map_or(0.0, |word| f64::from_bits(word.load(Ordering::Relaxed)))
    }

    fn set(&self, word: usize, value: f64) {
        if let Some(word) = self.0.get(word) {
            word.store(value.to_bits(), Ordering::Relaxed);
        }
    }
}

/// A bell that counts.
#[derive(Default)]
pub struct Counter(pub AtomicUsize);

impl Bell for Counter {
    fn ring(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An isolate as the border keeps it.
pub struct Isolate {
    pub number: u32,
    pub page: Arc<Memory>,
    pub bell: Arc<Counter>,
    pub mailbox: Receiver<Message>,
}

/// A desk at a time that only the script moves.
#[derive(Default)]
pub struct Script {
    pub desk: Desk,
    pub now: f64,
}

pub fn limits(name: &str, max_concurrent: u32, queue: u32) -> Limits {
    Limits { name: name.into(), buffer: 4, max_concurrent, queue, max_duration: 0.0, max_stall: 0.0 }
}

pub fn memory() -> Arc<Memory> {
    Arc::new(Memory((0..PAGE_WORDS).map(|_| AtomicU64::new(0)).collect()))
}

impl Script {
    pub fn isolate(&mut self) -> Isolate {
        let bell = Arc::<Counter>::default();
        let (number, mailbox) = self.desk.enter(Arc::clone(&bell) as Arc<dyn Bell>);
        let page = memory();
        self.desk.attach(number, Arc::clone(&page) as Arc<dyn Page>, self.now);
        Isolate { number, page, bell, mailbox }
    }

    pub fn define(&mut self, isolate: &Isolate, limits: Limits) -> u32 {
        self.desk.define(isolate.number, limits).expect("there is room for a function").function
    }

    pub fn open(&mut self, isolate: &Isolate, function: u32, idle: f64) -> u32 {
        self.desk.open(isolate.number, function, idle, self.now).expect("there is room for a stream")
    }

    pub fn refused(&mut self, isolate: &Isolate, function: u32) -> Refusal {
        match self.desk.open(isolate.number, function, 0.0, self.now) {
            Err(OpenError::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    pub fn step(&mut self, isolate: &Isolate, slot: u32, input: Trigger) -> (State, Reason, Effects) {
        let (machine, effects) = self.desk.step(isolate.number, slot, input, self.now);
        (machine.state, machine.reason, effects)
    }

    /// Lets time pass as the timer thread would see it: a tick whenever the desk asked for one, until `to`.
    pub fn pass(&mut self, to: f64) {
        while let Some(at) = self.desk.tick(self.now).map(|at| at as f64).filter(|at| *at <= to) {
            self.now = at;
        }
        self.now = to;
        self.desk.tick(to);
    }
}

impl Isolate {
    pub fn get(&self, slot: u32, word: Word) -> f64 {
        self.page.get(slot as usize * ROW_WORDS + word as usize)
    }

    pub fn set(&self, slot: u32, word: Word, value: f64) {
        self.page.set(slot as usize * ROW_WORDS + word as usize, value);
    }

    /// The function waits for an event from now on, by the coarse clock.
    pub fn wait(&self, slot: u32) {
        self.set(slot, Word::Waiting, 1.0);
        self.set(slot, Word::WaitingSince, self.page.get(0));
    }

    pub fn state(&self, slot: u32) -> f64 {
        self.get(slot, Word::State)
    }

    /// Everything in the mailbox: which verdict, about which stream.
    pub fn verdicts(&mut self) -> Vec<(Verdict, u32)> {
        std::iter::from_fn(|| self.mailbox.take().ok()).map(|message| (message.verdict, message.slot)).collect()
    }
}
