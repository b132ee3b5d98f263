//! A journal as a client sees it: submissions in, answers out, never a wait.
//!
//! Owns: the bounded channel in front of the writer, and the bound of each client.

use crate::backend::Fault;
use crate::failure::Failure;
use crate::mailbox::{Mailbox, Wake};
use crate::metrics::{Counters, Metrics, add, less};
use crate::registry::{self, Gone};
use crate::store::Place;
use crate::writer::{Control, Submission, Writer};
use crossbeam_channel::{Sender, TrySendError, bounded, unbounded};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

/// Submissions that wait for the writer, of all clients.
const QUEUE: usize = 1024;
/// Submissions of one client that are not answered.
const UNDER_WAY: usize = 16;

/// What a step that is kept survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// Also a crash of the system.
    Disk,
    /// The end of the process.
    Process,
}

impl fmt::Display for Sync {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Disk => "'disk'",
            Self::Process => "'process'",
        })
    }
}

/// Where a journal is and what it promises.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder.
    pub path: PathBuf,
    /// When a step counts as kept.
    pub sync: Sync,
    /// Whether the folder is made if there is none.
    pub create: bool,
    /// For tests of failing disks.
    pub fault: Option<Arc<dyn Fault>>,
}

/// Why a submission was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Too much is under way: the client is woken when it may try again.
    Full,
    /// The client has closed.
    Closed,
}

/// One journal of this process, shared by its clients.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) sync: Sync,
    submissions: Sender<Submission>,
    controls: Sender<Control>,
    counters: Arc<Counters>,
}

impl Shared {
    /// Starts the writer, which opens the folder. `before`: the writer that had it last.
    pub(crate) fn start(
        options: &Options,
        path: PathBuf,
        before: Option<Arc<Gone>>,
        gone: Arc<Gone>,
    ) -> Result<Self, Failure> {
        let (submissions, waiting) = bounded(QUEUE);
        let (controls, controlled) = unbounded();
        let counters = Arc::<Counters>::default();
        let synced = options.sync == Sync::Disk;
        let place = Place { folder: path.clone(), synced, create: options.create, fault: options.fault.clone() };
        let writer = Writer::new(place, waiting, controlled, Arc::clone(&counters));
        let thread = thread::Builder::new().name("velo-journal".to_owned()).spawn(move || {
            if let Some(before) = before {
                before.wait(None);
            }
            writer.run(&gone);
        });
        thread.map_err(|error| Failure::io("cannot start the writer's thread", &error))?;
        Ok(Self { path, sync: options.sync, submissions, controls, counters })
    }

    /// What the writer counted.
    pub(crate) fn metrics(&self) -> Metrics {
        self.counters.picture()
    }
}

/// One user of a journal. Dropping it closes it.
#[derive(Debug)]
pub struct Client {
    /// `None` when it has closed.
    shared: Option<Arc<Shared>>,
    mailbox: Arc<Mailbox>,
}

impl Client {
    /// Opens a folder, or joins whoever has it open in this process. What fails about the folder is told to every command, not here.
    ///
    /// # Errors
    /// When the process has it open with another `sync`, or has no thread left.
    pub fn open(options: &Options, wake: Wake) -> Result<Self, Failure> {
        let shared = registry::enter(options)?;
        Ok(Self { shared: Some(shared), mailbox: Arc::new(Mailbox::new(wake)) })
    }

    /// Gives commands to the writer, as `wire` describes them. They are done in order, and each is answered.
    ///
    /// # Errors
    /// When there is no room, or the client has closed. Nothing of it was taken then.
    pub fn submit(&self, commands: Vec<u8>) -> Result<(), Refused> {
        let shared = self.shared.as_ref().ok_or(Refused::Closed)?;
        // Acquire; pairs with the Release in `Mailbox::answered`. A client is woken when something is answered.
        if self.mailbox.under_way.load(Ordering::Acquire) >= UNDER_WAY {
            return Err(Refused::Full);
        }
        self.mailbox.under_way.fetch_add(1, Ordering::Relaxed);
        let bytes = commands.len() as u64;
        add(&shared.counters.queued, 1);
        add(&shared.counters.queued_bytes, bytes);
        let submission = Submission { commands, mailbox: Arc::clone(&self.mailbox) };
        let Err(refused) = shared.submissions.try_send(submission) else { return Ok(()) };
        self.mailbox.under_way.fetch_sub(1, Ordering::Relaxed);
        less(&shared.counters.queued, 1);
        less(&shared.counters.queued_bytes, bytes);
        match refused {
            TrySendError::Full(_) => {
                let _ = shared.controls.send(Control::Thirsty(Arc::clone(&self.mailbox)));
                Err(Refused::Full)
            }
            TrySendError::Disconnected(_) => Err(Refused::Closed),
        }
    }

    /// Answers that have come, as `wire` describes them.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        self.mailbox.take()
    }

    /// Closes: when everything asked for before is done, the command with this id is answered. The last client gives the folder back first.
    pub fn close(&mut self, id: u32) {
        self.leave(Some(id));
    }

    /// What the writer counted; nothing once the client has closed.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.as_ref().map(|shared| shared.metrics()).unwrap_or_default()
    }

    /// Closes, and waits for the folder to be given back if this was the last client, at most so long.
    pub fn close_within(mut self, limit: Duration) {
        if let Some(gone) = self.leave(None) {
            gone.wait(Some(limit));
        }
    }

    fn leave(&mut self, id: Option<u32>) -> Option<Arc<Gone>> {
        let shared = self.shared.take()?;
        let gone = registry::leave(&shared);
        let answer = id.map(|id| (Arc::clone(&self.mailbox), id));
        let _ = shared.controls.send(Control::Leave { answer, last: gone.is_some() });
        gone
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.leave(None);
    }
}
