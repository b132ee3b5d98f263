//! Commands as bytes, and one client that waits for its answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use velo_journal::{Client, Fault, Options, Sync};

const LIMIT: Duration = Duration::from_secs(20);

/// A client and what wakes it.
pub struct Caller {
    client: Client,
    bell: Receiver<()>,
    last: u32,
    answers: HashMap<u32, Vec<u8>>,
}

/// The right to a stream: its number, epoch and token, as they travel.
pub type Own = Vec<u8>;

/// What is kept of a stream, as far as tests look at it.
#[derive(Debug)]
pub struct Kept {
    pub own: Own,
    pub is_new: bool,
    pub first: u64,
    pub events: u64,
}

pub fn options(path: &Path, sync: Sync) -> Options {
    Options { path: path.to_path_buf(), sync, create: true, fault: None }
}

impl Caller {
    pub fn new(options: &Options) -> Self {
        let (ring, bell) = channel();
        let ring = Mutex::new(ring);
        let wake = Box::new(move || {
            let _ = ring.lock().unwrap().send(());
        });
        Self { client: Client::open(options, wake).unwrap(), bell, last: 0, answers: HashMap::new() }
    }

    /// Sends commands and answers their ids. Each is what it is and its fields.
    pub fn send(&mut self, commands: &[(u8, Vec<u8>)]) -> Vec<u32> {
        let mut buffer = Vec::new();
        let ids: Vec<u32> = commands
            .iter()
            .map(|(what, fields)| {
                self.last += 1;
                buffer.extend((u32::try_from(fields.len()).unwrap() + 5).to_le_bytes());
                buffer.extend(self.last.to_le_bytes());
                buffer.push(*what);
                buffer.extend(fields);
                self.last
            })
            .collect();
        while self.client.submit(buffer.clone()).is_err() {
            self.wait();
        }
        ids
    }

    /// The answer of a command: what it is and its fields, or why it was refused.
    pub fn answer(&mut self, id: u32) -> Result<Vec<u8>, String> {
        while !self.answers.contains_key(&id) {
            self.wait();
        }
        let answer = self.answers.remove(&id).unwrap();
        if answer[0] == 1 { Err(String::from_utf8(answer[2..].to_vec()).unwrap()) } else { Ok(answer) }
    }

    pub fn ask(&mut self, what: u8, fields: Vec<u8>) -> Result<Vec<u8>, String> {
        let ids = self.send(&[(what, fields)]);
        self.answer(ids[0])
    }

    pub fn open(&mut self, id: &str) -> Result<Kept, String> {
        let answer = self.ask(1, [key(id), number(1.0), number(2.0)].concat())?;
        let at = |field: usize| f64::from_le_bytes(answer[1 + field..9 + field].try_into().unwrap());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
        let count = |field: usize| at(field) as u64;
        Ok(Kept { own: answer[1..33].to_vec(), is_new: answer[33] & 1 == 1, first: count(49), events: count(57) })
    }

    pub fn append(&mut self, own: &Own, from: u64, events: &[Vec<u8>]) -> Result<(), String> {
        self.ask(2, append(own, from, events)).map(drop)
    }

    /// All events from an index on.
    pub fn read(&mut self, own: &Own, from: u64) -> Result<Vec<Vec<u8>>, String> {
        let page = [number(1e9), number(1e12)].concat();
        let answer = self.ask(3, [own.clone(), whole(from), page].concat())?;
        Ok(events_of(&answer[1..]))
    }

    pub fn end(&mut self, own: &Own, retain: f64) -> Result<(), String> {
        self.ask(4, [own.clone(), number(1e15), vec![32], number(retain), blob(b"end")].concat()).map(drop)
    }

    /// A checkpoint of a length.
    pub fn save(&mut self, own: &Own, events: u64, bytes: &[u8]) -> Result<(), String> {
        self.ask(4, save(own, events, bytes)).map(drop)
    }

    pub fn close(mut self) {
        self.client.close(u32::MAX);
        self.answer(u32::MAX).unwrap();
    }

    pub fn metrics(&self) -> velo_journal::Metrics {
        self.client.metrics()
    }

    fn wait(&mut self) {
        self.bell.recv_timeout(LIMIT).expect("an answer");
        let bytes = self.client.take();
        let mut rest = &bytes[..];
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let (frame, more) = more.split_at(u32::from_le_bytes(*length) as usize);
            let (id, answer) = frame.split_first_chunk::<4>().unwrap();
            self.answers.insert(u32::from_le_bytes(*id), answer.to_vec());
            rest = more;
        }
    }
}

pub fn append(own: &Own, from: u64, events: &[Vec<u8>]) -> Vec<u8> {
    let records = events.iter().flat_map(|event| {
        let length = u32::try_from(event.len()).unwrap() * 2;
        [number(0.0), length.to_le_bytes().to_vec(), event.clone()].concat()
    });
    [own.clone(), number(1e15), whole(from)].concat().into_iter().chain(records).collect()
}

pub fn save(own: &Own, events: u64, bytes: &[u8]) -> Vec<u8> {
    [own.clone(), number(1e15), vec![8], number(1.0), whole(events), whole(0), whole(0), blob(bytes)].concat()
}

fn events_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_le_bytes(bytes[8..12].try_into().unwrap()) as usize / 2;
        events.push(bytes[12..12 + length].to_vec());
        bytes = &bytes[12 + length..];
    }
    events
}

/// What a list of streams says is kept, in all.
pub fn bytes_listed(answer: &[u8]) -> u64 {
    let mut rest = &answer[1..];
    let mut sum = 0;
    while !rest.is_empty() {
        rest = after_blob(after_blob(rest));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
        let bytes = f64::from_le_bytes(rest[32..40].try_into().unwrap()) as u64;
        sum += bytes;
        rest = after_blob(&rest[48..]);
    }
    sum
}

fn after_blob(bytes: &[u8]) -> &[u8] {
    let (length, rest) = bytes.split_first_chunk::<4>().unwrap();
    &rest[u32::from_le_bytes(*length) as usize..]
}

pub fn key(id: &str) -> Vec<u8> {
    [blob(b"f"), blob(id.as_bytes())].concat()
}

pub fn blob(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

pub fn number(value: f64) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub fn whole(value: u64) -> Vec<u8> {
    number(value as f64)
}

/// A fault that is given.
pub fn faulty(path: &Path, fault: Arc<dyn Fault>) -> Options {
    Options { fault: Some(fault), ..options(path, Sync::Disk) }
}
