//! The lock of a folder: one process owns it. The system lets go of it when that process is gone, however it went, so a lock is never left behind.
//!
//! Owns: the lock file, and how the data file is locked. The text of the lock file is the process id of the owner, for the message of whoever comes second.

use crate::failure::{Failure, Kind};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// Held as long as this lives.
#[derive(Debug)]
pub(crate) struct FolderLock(File);

impl FolderLock {
    pub(crate) fn take(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("lock");
        let name = "cannot take the lock";
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        private(&mut options);
        let mut file = options.open(&path).map_err(|error| Failure::io(name, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                let owner = owner.trim();
                let owner = if owner.is_empty() { "another process".to_owned() } else { format!("process {owner}") };
                return Err(in_use(&owner));
            }
            Err(TryLockError::Error(error)) => return Err(Failure::io(name, &error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()))
            .and_then(|()| file.flush());
        written.map_err(|error| Failure::io(name, &error))?;
        Ok(Self(file))
    }
}

/// Locks the data file as well: a lock file that somebody has removed keeps nobody out. Its owner lets go of it by closing it.
pub(crate) fn lock_data(file: &File) -> Result<(), Failure> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use("another process")),
        Err(TryLockError::Error(error)) => Err(Failure::io("cannot lock the store", &error)),
    }
}

pub(crate) fn in_use(owner: &str) -> Failure {
    Failure::new(Kind::InUse, format!("in use by {owner}: a folder belongs to one process at a time"))
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing would do, but for a process that is being started at this moment: until it runs its program it holds the file, too.
        let _ = self.0.unlock();
    }
}

/// Files of a journal are readable by their user alone.
#[cfg(unix)]
pub(crate) fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(not(unix))]
pub(crate) fn private(_options: &mut OpenOptions) {}
