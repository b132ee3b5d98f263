//! What the scripts share: a desk with a fake clock, pages of plain memory, and short names for what happens.
#![allow(dead_code, reason = "each script uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use velo_core::machine::{Effects, Reason, State, Trigger};
use velo_core::row::{PAGE_ROWS, PAGE_WORDS, ROW_WORDS, Word};
use velo_core::signal::{Refusal, Verdict};
use velo_runtime::{
    Bell, Depth, Desk, FunctionSnapshot, Limits, Mail, Measures, Message, OpenError, OwnNames, Page, Snapshot, Survey,
};

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
    /// Its first page.
    pub page: Arc<Memory>,
    /// All of them.
    pub pages: Vec<Arc<Memory>>,
    pub bell: Arc<Counter>,
    pub mail: Arc<Mail>,
}

/// A desk at a time that only the script moves.
#[derive(Default)]
pub struct Script {
    pub desk: Desk,
    pub now: f64,
}

pub fn limits(name: &str, max_concurrent: u32, queue: u32) -> Limits {
    Limits {
        name: name.into(),
        buffer: 4,
        max_concurrent,
        queue,
        max_duration: 0.0,
        max_stall: 0.0,
        stages: Vec::new(),
        remote: false,
        counted: Vec::new(),
    }
}

pub fn memory() -> Arc<Memory> {
    Arc::new(Memory((0..PAGE_WORDS).map(|_| AtomicU64::new(0)).collect()))
}

impl Script {
    pub fn isolate(&mut self) -> Isolate {
        let bell = Arc::<Counter>::default();
        let (number, mail) = self.desk.enter(Arc::clone(&bell) as Arc<dyn Bell>);
        let page = memory();
        self.desk.attach(number, Arc::clone(&page) as Arc<dyn Page>, self.now);
        Isolate { number, pages: vec![Arc::clone(&page)], page, bell, mail }
    }

    /// Gives an isolate one more page.
    pub fn attach(&mut self, isolate: &mut Isolate) {
        let page = memory();
        isolate.pages.push(Arc::clone(&page));
        self.desk.attach(isolate.number, page, self.now);
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

    /// One turn of the timer thread, which nothing holds up: when it comes again.
    pub fn tick(&mut self, now: f64) -> Option<u64> {
        self.desk.show(now);
        self.desk.tick(now)
    }

    /// Lets time pass as the timer thread would see it: a tick whenever the desk asked for one, until `to`.
    pub fn pass(&mut self, to: f64) {
        while let Some(at) = self.tick(self.now).map(|at| at as f64).filter(|at| *at <= to) {
            self.now = at.max(self.now);
        }
        self.now = to;
        while self.tick(to).is_some_and(|at| at as f64 <= to) {}
    }

    /// Everything that waits for an isolate, as its border takes it.
    pub fn messages(&mut self, isolate: &Isolate) -> Vec<Message> {
        let mut messages = Vec::new();
        while isolate.mail.waits() {
            self.desk.take(isolate.number, self.now, usize::MAX, |message| messages.push(message));
        }
        messages
    }

    /// The same: which verdict, about what.
    pub fn verdicts(&mut self, isolate: &Isolate) -> Vec<(Verdict, u32)> {
        let messages = self.messages(isolate).into_iter();
        messages
            .map(|message| (message.verdict, u32::try_from(message.about).expect("scripts set few timers")))
            .collect()
    }

    pub fn leave(&mut self, isolate: &Isolate) {
        while self.desk.leave(isolate.number, self.now) {}
    }

    pub fn configure(&mut self, max_concurrent: Option<u32>) {
        self.desk.configure(max_concurrent);
        while self.desk.serve(self.now) {}
    }

    pub fn snapshot(&mut self) -> Snapshot {
        let mut survey = Survey::default();
        while self.desk.survey(&mut survey) {}
        survey.picture()
    }

    pub fn measures(&mut self, bounds: &[f64]) -> Measures {
        let mut survey = Survey::whole(OwnNames::new(Vec::new(), usize::MAX));
        while self.desk.survey(&mut survey) {}
        assert!(!survey.is_torn());
        survey.measures(bounds)
    }

    pub fn function_metrics(&mut self, function: u32) -> Option<FunctionSnapshot> {
        let mut left = usize::MAX;
        while left > 0 {
            left = self.desk.settle(function, left, &mut Depth::default());
        }
        self.desk.function_metrics(function)
    }
}

impl Isolate {
    pub fn get(&self, slot: u32, word: Word) -> f64 {
        let (page, at) = self.place(slot, word);
        page.get(at)
    }

    pub fn set(&self, slot: u32, word: Word, value: f64) {
        let (page, at) = self.place(slot, word);
        page.set(at, value);
    }

    fn place(&self, slot: u32, word: Word) -> (&Memory, usize) {
        let (page, row) = (slot as usize / PAGE_ROWS, slot as usize % PAGE_ROWS);
        (self.pages.get(page).expect("a slot lies on a page"), row * ROW_WORDS + word as usize)
    }

    /// The function waits for an event from now on, by the coarse clock.
    pub fn wait(&self, slot: u32) {
        self.set(slot, Word::Waiting, 1.0);
        self.set(slot, Word::WaitingSince, self.page.get(0));
    }

    pub fn state(&self, slot: u32) -> f64 {
        self.get(slot, Word::State)
    }
}
