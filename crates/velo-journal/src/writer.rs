//! The writer: one thread that does everything to one folder.
//!
//! Owns: group commit. It takes all submissions that wait, does their commands in one transaction, commits once and answers all. After a failure of the
//! store everything of the group is answered with it, and the next group opens the store again.

use crate::commit::Answer;
use crate::fail;
use crate::failure::{Failure, Kind};
use crate::lock::FolderLock;
use crate::mailbox::Mailbox;
use crate::metrics::{Counters, add, less};
use crate::registry::Gone;
use crate::store::{Answers, Place, Store};
use crate::wire;
use crossbeam_channel::{Receiver, TryRecvError, select};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A group takes no more submissions after so many bytes: a transaction is held in memory.
const GROUP_BYTES: usize = 32 * 1024 * 1024;
/// How often ends that were retained long enough are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// Commands of one client, as they came over the border.
#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) commands: Vec<u8>,
    pub(crate) mailbox: Arc<Mailbox>,
}

/// What a client asks for beside commands.
#[derive(Debug)]
pub(crate) enum Control {
    /// It found no room: it is woken when there is some.
    Thirsty(Arc<Mailbox>),
    /// It goes; `last`: nobody else uses the folder.
    Leave { answer: Option<(Arc<Mailbox>, u32)>, last: bool },
}

pub(crate) struct Writer {
    place: Place,
    submissions: Receiver<Submission>,
    controls: Receiver<Control>,
    counters: Arc<Counters>,
    /// Held from the first opening to the end.
    lock: Option<Arc<FolderLock>>,
    /// `None` before the first command, and after a failure.
    store: Option<Store>,
    swept: Option<Instant>,
}

impl Writer {
    pub(crate) fn new(
        place: Place,
        submissions: Receiver<Submission>,
        controls: Receiver<Control>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { place, submissions, controls, counters, lock: None, store: None, swept: None }
    }

    /// Works until the last client has gone, then gives the folder back.
    pub(crate) fn run(mut self, gone: &Gone) {
        let last = self.serve();
        // A store that panics while it closes is as good as one that was killed.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let _ = self.store.as_mut().map(Store::settle);
            let _ = fail::point("settled");
            self.store = None;
        }));
        let _ = fail::point("closed");
        self.lock = None;
        gone.tell();
        if let Some((mailbox, id)) = last {
            mailbox.put(&[(id, Ok(Answer::Done))]);
        }
    }

    fn serve(&mut self) -> Option<(Arc<Mailbox>, u32)> {
        loop {
            let mut group = Vec::new();
            let mut controls = Vec::new();
            match self.wait() {
                Woken::Submission(submission) => group.push(submission),
                Woken::Control(control) => controls.push(control),
                Woken::Nothing => {
                    self.sweep();
                    continue;
                }
                Woken::Alone => return self.last_words(),
            }
            let mut bytes = 0;
            let mut dry = false;
            while bytes < GROUP_BYTES && !dry {
                match self.submissions.try_recv() {
                    Ok(submission) => {
                        bytes += submission.commands.len();
                        group.push(submission);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => dry = true,
                }
            }
            if !group.is_empty() {
                self.work(&group);
            }
            // What a client asked for before it went was in the channel before.
            controls.extend(self.controls.try_iter());
            while controls.iter().any(|control| matches!(control, Control::Leave { .. }))
                && !self.submissions.is_empty()
            {
                let rest: Vec<_> = self.submissions.try_iter().collect();
                self.work(&rest);
            }
            for control in controls {
                match control {
                    Control::Thirsty(mailbox) => mailbox.put(&[]),
                    Control::Leave { answer, last: true } => return answer,
                    Control::Leave { answer: Some((mailbox, id)), .. } => mailbox.put(&[(id, Ok(Answer::Done))]),
                    Control::Leave { .. } => {}
                }
            }
        }
    }

    /// Nobody is left to ask for anything. Of two channels that are ready chance picks one, so a goodbye may wait in the other.
    fn last_words(&self) -> Option<(Arc<Mailbox>, u32)> {
        let mut last = None;
        for control in self.controls.try_iter() {
            if let Control::Leave { answer: Some(answer), .. } = control
                && let Some((mailbox, id)) = last.replace(answer)
            {
                mailbox.put(&[(id, Ok(Answer::Done))]);
            }
        }
        last
    }

    fn wait(&self) -> Woken {
        select! {
            recv(self.submissions) -> submission => submission.map_or(Woken::Alone, Woken::Submission),
            recv(self.controls) -> control => control.map_or(Woken::Alone, Woken::Control),
            default(SWEEP) => Woken::Nothing,
        }
    }

    /// Does a group and answers it.
    fn work(&mut self, group: &[Submission]) {
        less(&self.counters.queued, group.len() as u64);
        less(&self.counters.queued_bytes, group.iter().map(|submission| submission.commands.len() as u64).sum());
        let mut answers = self.attempt(group).into_iter();
        let _ = fail::point("answered");
        for submission in group {
            let own: Vec<_> = wire::ids(&submission.commands).zip(&mut answers).collect();
            add(&self.counters.commands, own.len() as u64);
            submission.mailbox.answered();
            submission.mailbox.put(&own);
        }
        let _ = fail::point("told");
        if self.swept.is_none_or(|at| at.elapsed() > SWEEP) {
            self.sweep();
        }
    }

    /// The answers of a group: those of its steps, or the same failure for all.
    fn attempt(&mut self, group: &[Submission]) -> Answers {
        let count = group.iter().map(|submission| wire::ids(&submission.commands).count()).sum();
        let failed = |failure: Failure| vec![Err(failure); count];
        if let Err(error) = fail::point("taken") {
            return failed(Failure::io("the store failed", &error));
        }
        match self.guarded(|store| {
            store.commit(group.iter().flat_map(|submission| wire::commands(&submission.commands)), now())
        }) {
            Ok(answers) => answers,
            Err(failure) => failed(failure),
        }
    }

    fn sweep(&mut self) {
        if self.store.is_none() {
            return;
        }
        // A failure is told to the next command; what is due then is still due.
        while self.guarded(|store| store.sweep(now())) == Ok(true) {}
        self.swept = Some(Instant::now());
    }

    /// Works on the store, opening it where that is due; after a failure or a panic it is thrown away.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Store) -> Result<T, Failure>) -> Result<T, Failure> {
        let done = catch_unwind(AssertUnwindSafe(|| {
            if self.store.is_none() {
                let lock = match &self.lock {
                    Some(lock) => Arc::clone(lock),
                    None => Arc::clone(self.lock.insert(self.place.lock()?)),
                };
                fail::point("locked").map_err(|error| Failure::io("the store failed", &error))?;
                self.store = Some(Store::open(&self.place, &lock, &self.counters)?);
            }
            let store = self.store.as_mut().ok_or_else(|| Failure::new(Kind::Io, "the store is not open"))?;
            work(store)
        }));
        let done = done.unwrap_or_else(|_| {
            Err(Failure::new(Kind::Corrupt, "the store panicked: it may be damaged, `velo journal verify` tells"))
        });
        if done.is_err() && self.store.is_some() {
            add(&self.counters.reopened, 1);
            let _ = catch_unwind(AssertUnwindSafe(|| self.store = None));
        }
        done
    }
}

enum Woken {
    Submission(Submission),
    Control(Control),
    Nothing,
    /// Every client is gone without a word.
    Alone,
}

/// Unix ms.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
