//! One folder, one journal of a process, and the lock given back with the last client.

use crate::support::{self, Caller, options};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{fs, io};
use velo_journal::{Client, Fault, Options, Sync};

#[test]
fn clients_of_a_folder_share_it_and_the_last_one_gives_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let place = options(folder.path(), Sync::Disk);
    let (mut one, mut two) = (Caller::new(&place), Caller::new(&place));
    let kept = one.open("a").unwrap();
    two.append(&kept.own, 0, &[vec![1]]).unwrap();
    let other = Client::open(&Options { sync: Sync::Process, ..place.clone() }, Box::new(|| ()));
    assert!(other.unwrap_err().to_string().contains("open with sync 'disk'"));
    one.close();
    two.append(&kept.own, 1, &[vec![2]]).unwrap();
    let pid = fs::read_to_string(folder.path().join("lock")).unwrap();
    assert_eq!(pid, std::process::id().to_string());
    two.close();
    let mut next = Caller::new(&Options { sync: Sync::Process, ..place });
    assert_eq!(next.open("a").unwrap().events, 2);
    next.close();
}

#[test]
fn a_client_that_is_dropped_gives_the_folder_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let place = options(folder.path(), Sync::Disk);
    for _ in 0..20 {
        let mut caller = Caller::new(&place);
        caller.open("a").unwrap();
        drop(caller);
    }
    let client = Client::open(&place, Box::new(|| ())).unwrap();
    client.submit(vec![]).unwrap();
    client.close_within(Duration::from_secs(10));
    Caller::new(&place).close();
}

/// Holds syncs back while it is shut.
#[derive(Debug, Default)]
struct Gate {
    shut: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn set(&self, shut: bool) {
        *self.shut.lock().unwrap() = shut;
        self.changed.notify_all();
    }
}

impl Fault for Gate {
    fn write(&self, _bytes: usize) -> Option<(usize, io::Error)> {
        None
    }

    fn sync(&self) -> io::Result<()> {
        drop(self.changed.wait_while(self.shut.lock().unwrap(), |shut| *shut).unwrap());
        Ok(())
    }
}

#[test]
fn a_folder_that_is_still_being_given_back_is_waited_for_whatever_else_is_opened() {
    let [folder, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let gate = Arc::<Gate>::default();
    let place = Options { fault: Some(Arc::clone(&gate) as Arc<dyn Fault>), ..options(folder.path(), Sync::Disk) };
    let mut first = Caller::new(&place);
    let own = first.open("a").unwrap().own;
    first.append(&own, 0, &[vec![1]]).unwrap();
    // Its writer cannot finish, and its last client has gone.
    gate.set(true);
    drop(first);
    let mut elsewhere = Caller::new(&options(other.path(), Sync::Disk));
    elsewhere.open("b").unwrap();
    let mut again = Caller::new(&place);
    let asked = again.send(&[(1, [support::key("a"), support::number(1.0), support::number(2.0)].concat())]);
    elsewhere.open("c").unwrap();
    gate.set(false);
    again.answer(asked[0]).unwrap();
    again.close();
    elsewhere.close();
}

#[test]
fn a_folder_that_is_only_looked_at_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nothing");
    let mut caller = Caller::new(&Options { create: false, ..options(&path, Sync::Disk) });
    assert!(caller.ask(7, vec![]).unwrap_err().contains("no journal"));
    caller.close();
    assert!(!path.exists());
}

#[test]
fn a_data_file_is_locked_as_long_as_its_journal_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let place = options(folder.path(), Sync::Disk);
    let mut caller = Caller::new(&place);
    caller.open("a").unwrap();
    let data = fs::File::options().read(true).write(true).open(folder.path().join("journal.redb")).unwrap();
    assert!(matches!(data.try_lock(), Err(fs::TryLockError::WouldBlock)));
    caller.close();
    data.try_lock().unwrap();
    // A process that has it without the lock file, which somebody has removed.
    let mut second = Caller::new(&place);
    assert!(second.open("a").unwrap_err().contains("in use by another process"));
    data.unlock().unwrap();
    second.open("a").unwrap();
    second.close();
}

#[test]
fn bytes_that_are_no_command_are_refused_and_harm_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut caller = Caller::new(&options(folder.path(), Sync::Disk));
    let kept = caller.open("a").unwrap();
    for what in [0, 2, 3, 4, 5, 6, 8, 9, 11, 255] {
        assert!(caller.ask(what, vec![9]).is_err(), "{what}");
    }
    let torn = [kept.own.clone(), vec![0; 16], vec![1, 2, 3]].concat();
    assert!(caller.ask(2, torn).unwrap_err().contains("malformed"));
    let good = crate::support::append(&kept.own, 0, &[vec![1]]);
    let ids = caller.send(&[(77, vec![]), (2, good), (78, vec![])]);
    assert!(caller.answer(ids[0]).is_err());
    assert!(caller.answer(ids[1]).is_ok());
    assert!(caller.answer(ids[2]).is_err());
    caller.close();
}
