//! The journal against a bare log in the same rounds: appends of 64 streams at once, batches, the size of the file after overwrites, opening.
//! Command: `cargo bench -p velo-journal`. Without `--bench` everything is done a few times only, to see that it works.

#[path = "../tests/journal/support.rs"]
#[expect(dead_code, clippy::unwrap_used, clippy::indexing_slicing, reason = "of the tests, which need more of it")]
mod support;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;
use support::{Caller, append, key, number, options, save};
use velo_journal::Sync;

const STREAMS: u64 = 64;
const OPEN: u8 = 1;
const APPEND: u8 = 2;
const COMMIT: u8 = 4;

fn main() {
    let full = std::env::args().any(|arg| arg == "--bench");
    let mut out = std::io::stdout();
    let mut say = |text: String| out.write_all(format!("{text}\n").as_bytes()).expect("stdout");
    for _ in 0..if full { 5 } else { 1 } {
        let rounds = if full { 300 } else { 3 };
        let bare = log(rounds);
        let ours = rate(Sync::Disk, rounds, 1, 1024);
        say(format!("'disk', 64 streams, 1 KB: {ours:.0}/s, bare log {bare:.0}/s, ratio {:.2}", ours / bare));
        let events = rate(Sync::Process, rounds, 64, 100);
        say(format!("'process', 64 streams, batches of 64: {events:.0} events/s"));
    }
    overwrites(if full { 1_000_000 } else { 2000 }, &mut say);
    opening(if full { 100_000 } else { 1000 }, &mut say);
}

/// Events a second that a bare log keeps: one write and one sync for 64 of 1 KB.
fn log(rounds: u64) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = File::create(folder.path().join("log")).expect("a file");
    let group = vec![7; 1024 * 64];
    let begun = Instant::now();
    for _ in 0..rounds {
        file.write_all(&group).and_then(|()| file.sync_data()).expect("kept");
    }
    per_second(rounds * STREAMS, begun)
}

/// Events a second of 64 streams that all wait for the commit of theirs.
fn rate(sync: Sync, rounds: u64, batch: u64, size: usize) -> f64 {
    let folder = tempfile::tempdir().expect("a folder");
    let mut caller = Caller::new(&options(folder.path(), sync));
    let owns: Vec<_> = (0..STREAMS).map(|id| caller.open(&id.to_string()).expect("a stream").own).collect();
    let events = vec![vec![7; size]; usize::try_from(batch).unwrap_or(1)];
    let begun = Instant::now();
    for round in 0..rounds {
        let commands: Vec<_> = owns.iter().map(|own| (APPEND, append(own, round * batch, &events))).collect();
        finish(&mut caller, &commands);
    }
    let rate = per_second(rounds * STREAMS * batch, begun);
    caller.close();
    rate
}

/// A thousand streams save a state of 1 KB again and again.
fn overwrites(count: u64, say: &mut impl FnMut(String)) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut caller = Caller::new(&options(folder.path(), Sync::Process));
    let owns: Vec<_> = (0..1000).map(|id| caller.open(&format!("{id}")).expect("a stream").own).collect();
    let begun = Instant::now();
    for round in 0..count / 1000 {
        let commands: Vec<_> = owns.iter().map(|own| (COMMIT, save(own, round, &[7; 1024]))).collect();
        for some in commands.chunks(64) {
            finish(&mut caller, some);
        }
    }
    let rate = per_second(count, begun);
    let (live, file) = (1000 * 1024, size(folder.path()));
    say(format!("{count} states of 1 KB, {rate:.0}/s: {file} bytes, {:.1} of the live data", ratio(file, live)));
    opened(folder.path(), "as after a kill", say);
    caller.close();
}

fn opening(count: u64, say: &mut impl FnMut(String)) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut caller = Caller::new(&options(folder.path(), Sync::Process));
    let ids: Vec<_> = (0..count).map(|id| format!("order-{id}")).collect();
    for some in ids.chunks(1000) {
        let opens: Vec<_> = some.iter().map(|id| (OPEN, [key(id), number(1.0), number(2.0)].concat())).collect();
        let answers: Vec<_> = caller.send(&opens).into_iter().map(|id| caller.answer(id).expect("a stream")).collect();
        let owns = answers.iter().map(|answer| answer.get(1..33).unwrap_or_default().to_vec());
        let appends: Vec<_> = owns.map(|own| (APPEND, append(&own, 0, &[vec![7; 200]]))).collect();
        finish(&mut caller, &appends);
    }
    opened(folder.path(), &format!("with {count} streams, as after a kill"), say);
    caller.close();
    opened(folder.path(), &format!("with {count} streams, closed"), say);
}

/// How long a copy of a folder takes to open, until its first command is answered. Of a folder in use it is what a kill would leave.
fn opened(folder: &Path, what: &str, say: &mut impl FnMut(String)) {
    let copy = tempfile::tempdir().expect("a folder");
    fs::copy(folder.join("journal.redb"), copy.path().join("journal.redb")).expect("a copy");
    let begun = Instant::now();
    let mut caller = Caller::new(&options(copy.path(), Sync::Process));
    caller.ask(6, support::blob(b"nobody")).expect("a list");
    let first = begun.elapsed();
    caller.ask(6, support::blob(b"f")).expect("a list");
    let (first, all) = (first.as_secs_f64() * 1e3, begun.elapsed().as_secs_f64() * 1e3);
    say(format!(
        "opening {:.1} MB {what}: {first:.1} ms, with the list of all streams {all:.1} ms",
        ratio(size(folder), 1 << 20)
    ));
    caller.close();
}

fn finish(caller: &mut Caller, commands: &[(u8, Vec<u8>)]) {
    for id in caller.send(commands) {
        caller.answer(id).expect("kept");
    }
}

fn size(folder: &Path) -> u64 {
    fs::metadata(folder.join("journal.redb")).map_or(0, |about| about.len())
}

#[expect(clippy::cast_precision_loss, reason = "of bytes, for a ratio")]
fn ratio(of: u64, to: u64) -> f64 {
    of as f64 / to as f64
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn per_second(count: u64, begun: Instant) -> f64 {
    count as f64 / begun.elapsed().as_secs_f64()
}
