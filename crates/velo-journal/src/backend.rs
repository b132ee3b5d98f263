//! The file under the store.
//!
//! Owns: what `sync` means. With `'disk'` the data of a commit is synced; with `'process'` it is handed to the system and left to it, so that it survives
//! the process. Small writes of a commit wait until its sync and go side by side then: that is half as many calls of the system. Also the layer that tests
//! put under the store to fail and tear writes.

use crate::fail;
use crate::metrics::{Counters, add, set};
use redb::StorageBackend;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Writes that wait are written when they are more bytes than this.
const WAITING_BYTES: usize = 4 * 1024 * 1024;
/// A write of so many bytes does not wait: to keep a copy of it would cost more than a call of the system.
const LARGE_BYTES: usize = 32 * 1024;
/// Memory kept to put neighbors together in.
const RUN_BYTES: usize = 512 * 1024;

/// What the system does with the file, in the hands of a test.
pub trait Fault: Debug + Send + std::marker::Sync {
    /// Asked before a write of so many bytes: how many are written before it fails, and how. `None`: all of them, and it succeeds.
    fn write(&self, bytes: usize) -> Option<(usize, io::Error)>;
    /// Asked before a sync.
    ///
    /// # Errors
    /// When the sync shall fail.
    fn sync(&self) -> io::Result<()>;
}

/// The file of a store.
#[derive(Debug)]
pub struct Backend {
    inner: Mutex<Inner>,
    synced: bool,
    counters: Arc<Counters>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Writes since the last sync, by where they go. No two of them overlap.
    waiting: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
    /// Where neighbors are put together. It is kept: memory of this size is asked for from the system each time.
    run: Vec<u8>,
    fault: Option<Arc<dyn Fault>>,
    counters: Arc<Counters>,
}

impl Backend {
    pub(crate) fn new(file: File, synced: bool, fault: Option<Arc<dyn Fault>>, counters: Arc<Counters>) -> Self {
        let inner =
            Inner { file, waiting: BTreeMap::new(), bytes: 0, run: Vec::new(), fault, counters: Arc::clone(&counters) };
        Self { inner: Mutex::new(inner), synced, counters }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a write that waits touches these bytes; one of just this place and length does not count where `same` is given.
    fn touches(&self, offset: u64, length: usize, same: bool) -> bool {
        let end = offset.saturating_add(length as u64);
        let before = self.waiting.range(..end).next_back();
        before.is_some_and(|(at, data)| {
            at + data.len() as u64 > offset && !(same && *at == offset && data.len() == length)
        })
    }

    /// Writes everything that waits, neighbors in one go.
    fn flush(&mut self) -> io::Result<()> {
        self.bytes = 0;
        let mut run = std::mem::take(&mut self.run);
        run.clear();
        let mut from = 0;
        for (at, data) in std::mem::take(&mut self.waiting) {
            if from + run.len() as u64 != at {
                self.write_run(from, &run)?;
                run.clear();
                from = at;
            }
            run.extend_from_slice(&data);
        }
        self.write_run(from, &run)?;
        run.shrink_to(RUN_BYTES);
        self.run = run;
        Ok(())
    }

    fn write_run(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if data.is_empty() { Ok(()) } else { self.write_at(offset, data) }
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        fail::point("write")?;
        if let Some((written, error)) = self.fault.as_ref().and_then(|fault| fault.write(data.len())) {
            write_all_at(&self.file, offset, data.get(..written).unwrap_or(data))?;
            return Err(error);
        }
        add(&self.counters.written_bytes, data.len() as u64);
        let (begin, rest) = data.split_at(fail::cut(data.len()));
        write_all_at(&self.file, offset, begin)?;
        fail::point("torn")?;
        write_all_at(&self.file, offset + begin.len() as u64, rest)
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let mut inner = self.lock();
        inner.flush()?;
        Ok(inner.file.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.touches(offset, out.len(), false) {
            inner.flush()?;
        }
        read_exact_at(&inner.file, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut inner = self.lock();
        inner.flush()?;
        if let Some((_, error)) = inner.fault.as_ref().and_then(|fault| fault.write(0)) {
            return Err(error);
        }
        inner.file.set_len(len)?;
        set(&self.counters.file_bytes, len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut inner = self.lock();
        inner.flush()?;
        if !self.synced {
            return Ok(());
        }
        fail::point("sync")?;
        if let Some(fault) = &inner.fault {
            fault.sync()?;
        }
        add(&self.counters.syncs, 1);
        inner.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        let is_large = data.len() >= LARGE_BYTES;
        if inner.touches(offset, data.len(), !is_large) {
            inner.flush()?;
        }
        if is_large {
            return inner.write_at(offset, data);
        }
        let before = inner.waiting.insert(offset, data.to_vec());
        inner.bytes = inner.bytes + data.len() - before.map_or(0, |data| data.len());
        if inner.bytes > WAITING_BYTES { inner.flush() } else { Ok(()) }
    }

    fn close(&self) -> io::Result<()> {
        self.lock().flush()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // As with the lock file: a process that is being started at this moment may hold it, too.
        let _ = self.file.unlock();
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, data, offset)
}

#[cfg(not(unix))]
fn read_exact_at(mut file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Read::read_exact(&mut file, out)
}

#[cfg(not(unix))]
fn write_all_at(mut file: &File, offset: u64, data: &[u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    io::Write::write_all(&mut file, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: usize = 128 * 1024;

    #[test]
    fn what_was_written_is_read_in_whatever_order_and_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        let backend = Backend::new(file, false, None, Arc::default());
        backend.set_len(LENGTH as u64).unwrap();
        let mut model = vec![0_u8; LENGTH];
        let mut state = 7_usize;
        for round in 0..2000_usize {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Some do not wait for the sync.
            let unit = if round % 10 == 0 { 20_000 } else { 600 };
            let (at, size) = ((state >> 33) % 64 * 600, 1 + (state >> 41) % 4 * unit);
            let data = vec![u8::try_from(round % 251).unwrap(); size];
            backend.write(at as u64, &data).unwrap();
            model[at..at + size].copy_from_slice(&data);
            let mut read = vec![0; size + 50];
            if round % 3 == 0 {
                backend.read(at as u64, &mut read).unwrap();
                assert_eq!(read, model[at..at + size + 50]);
            }
            if round % 7 == 0 {
                backend.sync_data().unwrap();
            }
        }
        let mut all = vec![0; LENGTH];
        backend.read(0, &mut all).unwrap();
        assert_eq!(all, model);
    }
}
