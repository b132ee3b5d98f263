//! Ctrl-C and SIGTERM while the main thread hears of nothing: Node.js tells a program of a signal on that thread, which a function in a busy loop never gives back.
//!
//! Owns: a thread that is woken by every such signal, and ends the process where nobody said in time that it was heard. Not here: what a program does when it
//! hears of one, which comes first. At most one guard, for the command `velo`, which owns its process.

use crate::status::{Result, bug};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{self, pipe};
use signal_hook::{SigId, flag};
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What a shell says of a process that a signal ended: this and the number of the signal.
const ENDED_BY: i32 = 128;

static GUARD: Mutex<Option<Guard>> = Mutex::new(None);

/// How long it may take until a signal is heard: the first SIGTERM, and whatever comes after a first signal. A first Ctrl-C has all the time.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) first: Duration,
    pub(crate) again: Duration,
}

/// What the guarding thread shares with the others.
#[derive(Default)]
struct Shared {
    /// How many signals the program has heard of; it hears of each once, as the thread does. Release; pairs with the Acquire in `stand_by`.
    heard: AtomicU32,
    /// SIGTERM was among them. Written by a signal handler before it wakes the thread.
    terminated: Arc<AtomicBool>,
}

struct Guard {
    shared: Arc<Shared>,
    actions: [SigId; 3],
}

/// Begins to guard. After the program listens to the signals itself: whatever listened before is called first, and what listens later replaces it.
pub(crate) fn guard(patience: Patience) -> Result<()> {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if guard.is_some() {
        return Err(bug("guardSignals was called before"));
    }
    *guard = Some(Guard::begin(patience).map_err(|error| bug(format!("guardSignals: {error}")))?);
    Ok(())
}

/// The program hears of a signal.
pub(crate) fn heard() {
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Guard { shared, .. }) = &*guard {
        shared.heard.fetch_add(1, Ordering::Release);
    }
}

/// Guards no more: the thread ends.
pub(crate) fn unguard() {
    let guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    for action in guard.into_iter().flat_map(|guard| guard.actions) {
        low_level::unregister(action);
    }
}

impl Guard {
    fn begin(patience: Patience) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (reader, writer) = UnixStream::pair()?;
        // In this order: the thread that a SIGTERM wakes sees that it was one.
        let actions = [
            flag::register(SIGTERM, Arc::clone(&shared.terminated))?,
            pipe::register(SIGTERM, writer.try_clone()?)?,
            pipe::register(SIGINT, writer)?,
        ];
        let watched = Arc::clone(&shared);
        thread::Builder::new().name("velo-signals".into()).spawn(move || stand_by(reader, &watched, patience))?;
        Ok(Self { shared, actions })
    }
}

/// Waits for signals, each a byte, until nobody can write any more.
fn stand_by(mut signals: UnixStream, shared: &Shared, patience: Patience) {
    let mut came = 0;
    let mut deadline: Option<Instant> = None;
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        if signals.set_read_timeout(left).is_err() {
            return;
        }
        match signals.read(&mut [0]) {
            Ok(0) => return,
            Ok(_) => {
                came += 1;
                let terminated = shared.terminated.load(Ordering::Acquire);
                let limit = if came > 1 { Some(patience.again) } else { terminated.then_some(patience.first) };
                let due = limit.map(|limit| Instant::now() + limit);
                deadline = [deadline, due].into_iter().flatten().min();
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                deadline = None;
                if shared.heard.load(Ordering::Acquire) < came {
                    let signal = if shared.terminated.load(Ordering::Acquire) { SIGTERM } else { SIGINT };
                    // Not `exit`: what runs then would wait for the thread that never comes back.
                    low_level::exit(ENDED_BY + signal);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
