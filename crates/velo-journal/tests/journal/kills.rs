//! A process that is killed while it writes: whatever it was answered is there afterwards, with both promises.
//!
//! The child is this very test program, told by its environment to run one test, which writes until it is killed.

use crate::support::{Caller, Kept, append, options};
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use velo_journal::Sync;

const FOLDER: &str = "VELO_TEST_FOLDER";
const DISK: &str = "VELO_TEST_DISK";
const STREAMS: [&str; 3] = ["a", "b", "c"];
const ROUNDS: u64 = 12;

fn event(id: &str, at: u64) -> Vec<u8> {
    format!("{id}{at}").repeat(1 + usize::try_from(at * 37 % 300).unwrap()).into_bytes()
}

/// What a child works with: a journal, and streams of which it knows what is to come next.
struct Worker {
    caller: Caller,
    kept: Vec<Kept>,
    next: Vec<u64>,
}

impl Worker {
    /// Opens everything; `least` of each stream must be there.
    fn new(mut caller: Caller, least: &[u64; 3]) -> Result<Self, String> {
        let kept = STREAMS.iter().map(|id| caller.open(id)).collect::<Result<Vec<_>, _>>()?;
        let next: Vec<u64> = kept.iter().map(|kept| kept.events).collect();
        assert!(next.iter().zip(least).all(|(next, least)| next >= least), "{next:?} of {least:?}");
        Ok(Self { caller, kept, next })
    }

    /// One event for every stream; now and then a checkpoint of one of them, so that pages are freed and used again, and the end of another one, which is swept soon.
    fn work(&mut self) -> Result<[u64; 3], String> {
        let own = |at: usize| &self.kept[at].own;
        let commands: Vec<_> = (0..STREAMS.len())
            .map(|at| (2, append(own(at), self.next[at], &[event(STREAMS[at], self.next[at])])))
            .collect();
        let ids = self.caller.send(&commands);
        // All of them, also behind one that failed.
        let answers: Vec<_> = ids.into_iter().map(|id| self.caller.answer(id)).collect();
        answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        for count in &mut self.next {
            *count += 1;
        }
        let [done, ..] = self.next[..] else { unreachable!() };
        if done.is_multiple_of(8) {
            self.caller.save(&self.kept[0].own, done - 2, &event("s", done))?;
        }
        if done.is_multiple_of(5) {
            let brief = self.caller.open("brief")?;
            self.caller.end(&brief.own, 1.0)?;
        }
        Ok([done, self.next[1], self.next[2]])
    }
}

/// Runs in the child: works, says what it was answered, and begins again after a failure; now and then it gives the folder back. Without the variable there is nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let sync = if env::var(DISK).is_ok() { Sync::Disk } else { Sync::Process };
    let say = |line: String| std::io::stdout().write_all(line.as_bytes()).unwrap();
    let mut acked = [0; 3];
    loop {
        let done = Worker::new(Caller::new(&options(Path::new(&folder), sync)), &acked).and_then(|mut worker| {
            for _ in 0..4 {
                acked = worker.work()?;
                say(format!("acked {} {} {}\n", acked[0], acked[1], acked[2]));
            }
            worker.caller.close();
            Ok(())
        });
        if let Err(why) = done {
            say(format!("failed {why}\n"));
        }
    }
}

/// Starts a child; `fail` is what VELO_JOURNAL_FAIL tells it.
pub fn child(folder: &Path, sync: Sync, fail: Option<&str>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "kills::child_writes_until_it_is_killed", "--nocapture"]).env(FOLDER, folder);
    if sync == Sync::Disk {
        command.env(DISK, "1");
    }
    if let Some(fail) = fail {
        command.env("VELO_JOURNAL_FAIL", fail);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// How a child ended, and how often it was told of a failure.
pub struct Life {
    pub status: ExitStatus,
    pub failures: u64,
}

/// Lets a child write, kills it after `lines`, and says in `acked` what it had been answered.
pub fn life(mut child: Child, lines: u64, acked: &mut [u64; 3]) -> Life {
    let (mut left, mut failures) = (lines, 0);
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        failures += u64::from(line.starts_with("failed "));
        let Some((_, counts)) = line.split_once("acked ") else { continue };
        let counts: Vec<u64> = counts.split(' ').filter_map(|count| count.parse().ok()).collect();
        // A line that was cut off says nothing.
        let Ok(counts) = counts.try_into() else { continue };
        *acked = counts;
        left = left.saturating_sub(1);
        if left == 0 {
            child.kill().unwrap();
            left = u64::MAX;
        }
    }
    Life { status: child.wait().unwrap(), failures }
}

/// What was answered is there, and nothing is damaged.
pub fn check(folder: &Path, sync: Sync, acked: [u64; 3]) {
    let mut caller = Caller::new(&options(folder, sync));
    for (id, acked) in STREAMS.iter().zip(acked) {
        let kept = caller.open(id).unwrap();
        assert!(kept.events >= acked, "{id}: {} of {acked}", kept.events);
        let events = caller.read(&kept.own, kept.first).unwrap();
        assert_eq!(events.len() as u64, kept.events - kept.first);
        for (at, bytes) in (kept.first..).zip(events) {
            assert_eq!(bytes, event(id, at), "{id} {at}");
        }
    }
    assert_eq!(caller.ask(10, vec![]).unwrap(), [6], "nothing is damaged");
    caller.close();
}

fn killed(sync: Sync) {
    let folder = tempfile::tempdir().unwrap();
    let mut acked = [0; 3];
    for round in 0..ROUNDS {
        let done = life(child(folder.path(), sync, None), 1 + round * 7919 % 40, &mut acked);
        assert_eq!((done.status.success(), done.failures), (false, 0), "it ended by itself: {}", done.status);
        check(folder.path(), sync, acked);
    }
}

#[test]
fn synced_steps_survive_a_kill() {
    killed(Sync::Disk);
}

#[test]
fn steps_handed_to_the_system_survive_a_kill() {
    killed(Sync::Process);
}
