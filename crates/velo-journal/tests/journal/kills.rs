//! A process that is killed while it writes: whatever it was answered is there afterwards, with both promises.
//!
//! The child is this very test program, told by its environment to run one test, which writes until it is killed.

use crate::support::{Caller, append, options};
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

/// Runs in the child: one event for every stream, a line when all are answered, and so on. Without the variable there is nothing to do.
#[test]
fn child_writes_until_it_is_killed() {
    let Ok(folder) = env::var(FOLDER) else { return };
    let sync = if env::var(DISK).is_ok() { Sync::Disk } else { Sync::Process };
    let mut caller = Caller::new(&options(Path::new(&folder), sync));
    let kept: Vec<_> = STREAMS.iter().map(|id| caller.open(id).unwrap()).collect();
    let mut next: Vec<u64> = kept.iter().map(|kept| kept.events).collect();
    loop {
        let commands: Vec<_> = (0..STREAMS.len())
            .map(|at| (2, append(&kept[at].own, next[at], &[event(STREAMS[at], next[at])])))
            .collect();
        for id in caller.send(&commands) {
            caller.answer(id).unwrap();
        }
        for count in &mut next {
            *count += 1;
        }
        // A checkpoint of one of them, so that pages are freed and used again.
        if next[0].is_multiple_of(8) {
            caller.save(&kept[0].own, next[0] - 2, &event("s", next[0])).unwrap();
        }
        let line = format!("acked {} {} {}\n", next[0], next[1], next[2]);
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}

fn child(folder: &Path, sync: Sync, fail: Option<&str>) -> Child {
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

/// Lets a child write, kills it after `lines`, and says in `acked` what it had been answered.
fn life(mut child: Child, lines: u64, acked: &mut [u64; 3]) -> ExitStatus {
    let mut left = lines;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
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
    child.wait().unwrap()
}

fn check(folder: &Path, sync: Sync, acked: [u64; 3]) {
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
        life(child(folder.path(), sync, None), 1 + round * 7919 % 40, &mut acked);
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

/// Every point on the way of a group is hit, several times over.
#[cfg(feature = "failpoints")]
#[test]
fn an_end_at_every_point_loses_nothing() {
    use std::os::unix::process::ExitStatusExt as _;
    for sync in [Sync::Disk, Sync::Process] {
        for point in ["opened", "repaired", "taken", "begun", "applied", "write", "sync", "committed", "answered"] {
            if sync == Sync::Process && point == "sync" {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let mut acked = [0; 3];
            life(child(folder.path(), sync, None), 5, &mut acked);
            let passes = if point == "opened" || point == "repaired" { 1..2 } else { 1..24 };
            for n in passes {
                let status = life(child(folder.path(), sync, Some(&format!("{point}:{n}"))), u64::MAX, &mut acked);
                assert_eq!(status.signal(), Some(6), "{point}:{n}: {status}");
                check(folder.path(), sync, acked);
            }
        }
    }
}
