//! The folders that this process has open: the same path twice is one journal.
//!
//! Owns: who is the last client of a folder, and that the next opening waits until the last writer has given it back.

use crate::failure::{Failure, Kind};
use crate::journal::{Options, Shared};
use crate::metrics::Metrics;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static FOLDERS: LazyLock<Mutex<HashMap<PathBuf, Folder>>> = LazyLock::new(Mutex::default);

struct Folder {
    /// `None` when its last client has gone.
    shared: Option<Arc<Shared>>,
    clients: usize,
    gone: Arc<Gone>,
}

/// Up when a writer has given its folder back.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    up: Mutex<bool>,
    changed: Condvar,
}

impl Gone {
    pub(crate) fn tell(&self) {
        *self.up.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn is_up(&self) -> bool {
        *self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for it; at most so long, if that is said.
    pub(crate) fn wait(&self, limit: Option<Duration>) {
        let up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        match limit {
            None => drop(self.changed.wait_while(up, |up| !*up)),
            Some(limit) => drop(self.changed.wait_timeout_while(up, limit, |up| !*up)),
        }
    }
}

/// The journal of a folder, open already or opened now.
pub(crate) fn enter(options: &Options) -> Result<Arc<Shared>, Failure> {
    let path = key(&options.path);
    let mut folders = folders();
    // What is gone is forgotten, so that the map has as many entries as there are folders open or being given back.
    folders.retain(|_, folder| folder.shared.is_some() || !folder.gone.is_up());
    let before = folders.remove(&path);
    let Some(Folder { shared: Some(shared), clients, gone }) = before else {
        let gone = Arc::<Gone>::default();
        let before = before.map(|folder| folder.gone);
        let shared = Arc::new(Shared::start(options, path.clone(), before, Arc::clone(&gone))?);
        let entry = Folder { shared: Some(Arc::clone(&shared)), clients: 1, gone };
        folders.insert(path, entry);
        return Ok(shared);
    };
    let fits = shared.sync == options.sync;
    let entry = Folder { shared: Some(Arc::clone(&shared)), clients: clients + usize::from(fits), gone };
    folders.insert(path, entry);
    if !fits {
        let text = format!("{}: this process has it open with sync {}", options.path.display(), shared.sync);
        return Err(Failure::new(Kind::Bad, text));
    }
    Ok(shared)
}

/// A client goes. Tells what is up when the folder is given back, if it was the last one.
pub(crate) fn leave(shared: &Shared) -> Option<Arc<Gone>> {
    let mut folders = folders();
    let folder = folders.get_mut(&shared.path)?;
    folder.clients -= 1;
    if folder.clients > 0 {
        return None;
    }
    folder.shared = None;
    Some(Arc::clone(&folder.gone))
}

/// The folders that this process has open, in order, and what their writers counted.
#[must_use]
pub fn survey() -> Vec<(PathBuf, Metrics)> {
    let open = folders();
    let mut all: Vec<_> =
        open.iter().filter_map(|(path, folder)| Some((path.clone(), folder.shared.as_ref()?.metrics()))).collect();
    drop(open);
    all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// One name for a folder however it is spelled, as far as it is there.
fn key(path: &std::path::Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for there in full.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), full.strip_prefix(there)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    full
}

fn folders() -> MutexGuard<'static, HashMap<PathBuf, Folder>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}
