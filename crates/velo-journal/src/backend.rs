//! The file under the store.
//!
//! Owns: what `sync` means. With `'disk'` the data of a commit is synced; with `'process'` it is handed to the system and left to it, so that it survives
//! the process. Also the layer that tests put under the store to fail and tear writes.

use crate::fail;
use crate::metrics::{Counters, add, set};
use redb::StorageBackend;
use std::fmt::Debug;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

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
    file: Mutex<File>,
    synced: bool,
    fault: Option<Arc<dyn Fault>>,
    counters: Arc<Counters>,
}

impl Backend {
    pub(crate) fn new(file: File, synced: bool, fault: Option<Arc<dyn Fault>>, counters: Arc<Counters>) -> Self {
        Self { file: Mutex::new(file), synced, fault, counters }
    }

    fn at<T>(&self, offset: u64, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(offset))?;
        work(&mut file)
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.lock().unwrap_or_else(PoisonError::into_inner).metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.at(offset, |file| file.read_exact(out))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if let Some((_, error)) = self.fault.as_ref().and_then(|fault| fault.write(0)) {
            return Err(error);
        }
        self.file.lock().unwrap_or_else(PoisonError::into_inner).set_len(len)?;
        set(&self.counters.file_bytes, len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if !self.synced {
            return Ok(());
        }
        fail::point("sync")?;
        if let Some(fault) = &self.fault {
            fault.sync()?;
        }
        add(&self.counters.syncs, 1);
        self.file.lock().unwrap_or_else(PoisonError::into_inner).sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        fail::point("write")?;
        if let Some((written, error)) = self.fault.as_ref().and_then(|fault| fault.write(data.len())) {
            let torn = data.get(..written).unwrap_or(data);
            self.at(offset, |file| file.write_all(torn))?;
            return Err(error);
        }
        add(&self.counters.written_bytes, data.len() as u64);
        self.at(offset, |file| file.write_all(data))
    }
}
