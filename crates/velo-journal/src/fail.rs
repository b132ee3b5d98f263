//! Named points between two steps of the writer, for the tests that end the process at each of them. Nothing without the feature `failpoints`.
//!
//! `VELO_JOURNAL_FAIL=point:n` aborts the process when the point is passed for the n-th time; `=point:n:full` fails it from then on as a full disk does,
//! where the point can fail (`write`, `sync`), and `=point:n:full:m` for m times.

use std::io;

/// Every point: those of an opening, those that a group passes, those of the file under the store, those of a sweep and of closing, each in the order in which they
/// are passed. `formatted` and `named` are those of a new folder.
#[cfg(feature = "failpoints")]
pub const POINTS: [&str; 19] = [
    "locked",
    "opened",
    "repaired",
    "formatted",
    "loaded",
    "named",
    "taken",
    "begun",
    "applied",
    "tidied",
    "committed",
    "answered",
    "told",
    "write",
    "torn",
    "sync",
    "swept",
    "settled",
    "closed",
];

/// Where a write is cut in two: `torn` lies between the halves.
pub(crate) const fn cut(length: usize) -> usize {
    if cfg!(feature = "failpoints") { length / 2 } else { length }
}

/// Passes a point.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn point(_name: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(feature = "failpoints")]
pub(crate) fn point(name: &str) -> io::Result<()> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    struct Plan {
        point: String,
        from: u64,
        full: bool,
        times: u64,
    }
    assert!(POINTS.contains(&name), "{name} is not in the list that tests go through");
    static PLAN: OnceLock<Option<Plan>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);
    let plan = PLAN.get_or_init(|| {
        let plan = std::env::var("VELO_JOURNAL_FAIL").ok()?;
        let mut parts = plan.split(':');
        let point = parts.next().filter(|name| POINTS.contains(name))?.to_owned();
        let from = parts.next()?.parse().ok()?;
        let full = parts.next() == Some("full");
        let times = parts.next().and_then(|times| times.parse().ok()).unwrap_or(u64::MAX);
        Some(Plan { point, from, full, times })
    });
    let Some(plan) = plan.as_ref().filter(|plan| plan.point == name) else { return Ok(()) };
    // Relaxed: a counter.
    let passed = PASSED.fetch_add(1, Ordering::Relaxed) + 1;
    if passed < plan.from || passed - plan.from >= plan.times {
        return Ok(());
    }
    if plan.full {
        return Err(io::Error::from(io::ErrorKind::StorageFull));
    }
    if passed == plan.from {
        std::process::abort();
    }
    Ok(())
}
