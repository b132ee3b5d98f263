//! The folder and the store in it.
//!
//! Owns: opening (lock, format, recovery) and the transaction around a group of commands. Not here: who asks (`writer.rs`).

use crate::backend::{Backend, Fault};
use crate::commit::{Answer, Command};
use crate::fail;
use crate::failure::{Failure, Kind, Trouble};
use crate::lock::{FolderLock, in_use, lock_data, private};
use crate::metrics::{Counters, set};
use crate::stage::{Stage, bytes_of};
use crate::steps;
use crate::tables::{
    BYTES_COUNT, COUNTS, FORMAT, FORMAT_1, FORMAT_COUNT, GROUPS, NAMES, Part, RECORDS, TAIL, record_key,
};
use crate::tail::Tail;
use redb::{Builder, Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, ReadableTableMetadata as _};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// The file of the store in its folder.
const FILE: &str = "journal.redb";
/// Where a new one is made. It gets its name when all of it is there: one that is half made could never be opened.
const NEW_FILE: &str = "journal.redb.new";
/// What the store keeps in memory of its file.
const CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Ends removed in one transaction at most.
const SWEEP: usize = 1000;

/// How a store is opened.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// Whether commits are synced.
    pub(crate) synced: bool,
    /// Whether the folder is made if there is none.
    pub(crate) create: bool,
    pub(crate) fault: Option<Arc<dyn Fault>>,
}

/// An open store. It is thrown away and opened again after a failure, because it refuses everything from then on.
pub(crate) struct Store {
    database: Database,
    tail: Tail,
    /// What the heads among the records say their streams keep; what is in the tail comes to that.
    recorded: u64,
    counters: Arc<Counters>,
    // Behind the database: the lock is let go of last.
    _lock: Arc<FolderLock>,
}

/// The answers of a group, in its order.
pub(crate) type Answers = Vec<Result<Answer, Failure>>;

impl Place {
    /// Makes the folder where that is wanted, and takes its lock.
    pub(crate) fn lock(&self) -> Result<Arc<FolderLock>, Failure> {
        if !self.create && !self.folder.join(FILE).exists() {
            return Err(Failure::new(Kind::Io, "there is no journal in this folder"));
        }
        if !self.folder.is_dir() {
            let mut folders = DirBuilder::new();
            folders.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
            folders.create(&self.folder).map_err(|error| Failure::io("cannot make the folder", &error))?;
        }
        FolderLock::take(&self.folder).map(Arc::new)
    }
}

impl Store {
    pub(crate) fn open(place: &Place, lock: &Arc<FolderLock>, counters: &Arc<Counters>) -> Result<Self, Failure> {
        let path = place.folder.join(FILE);
        let wrong = |failure: Failure| Failure { text: format!("{}: {}", path.display(), failure.text), ..failure };
        let is_new = is_missing(&path).map_err(|error| wrong(Failure::io("cannot open the store", &error)))?;
        let made = place.folder.join(NEW_FILE);
        let file = file_at(if is_new { &made } else { &path }, is_new)
            .map_err(|error| wrong(Failure::io("cannot open the store", &error)))?;
        lock_data(&file).map_err(wrong)?;
        if is_new {
            // Another process may have named its own meanwhile, if somebody has removed its lock file.
            if !is_missing(&path).map_err(|error| wrong(Failure::io("cannot open the store", &error)))? {
                return Err(wrong(in_use("another process")));
            }
            // What was left of an attempt to make it is not looked at.
            file.set_len(0).map_err(|error| wrong(Failure::io("cannot open the store", &error)))?;
        }
        fail::point("opened").map_err(|error| wrong(Failure::io("the store failed", &error)))?;
        let length = file.metadata().map_or(0, |about| about.len());
        set(&counters.file_bytes, length);
        let backend = Backend::new(file, place.synced, place.fault.clone(), Arc::clone(counters));
        let opened = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend).map_err(Trouble::from);
        let database = opened.map_err(|trouble| wrong(trouble.into_failure()))?;
        fail::point("repaired").map_err(|error| wrong(Failure::io("the store failed", &error)))?;
        let mut store = Self {
            database,
            tail: Tail::default(),
            recorded: 0,
            counters: Arc::clone(counters),
            _lock: Arc::clone(lock),
        };
        store.begin(is_new).map_err(|trouble| wrong(trouble.into_failure()))?;
        if is_new {
            fs::rename(&made, &path).map_err(|error| wrong(Failure::io("cannot name the store", &error)))?;
            fail::point("named").map_err(|error| wrong(Failure::io("the store failed", &error)))?;
        }
        if is_new && place.synced {
            // The name of the file is kept by its folder.
            let _ = File::open(&place.folder).and_then(|folder| folder.sync_all());
        }
        Ok(store)
    }

    /// Writes the format of a new store, checks that of another.
    fn begin(&mut self, is_new: bool) -> Result<(), Trouble> {
        let known = if is_new { None } else { self.format()? };
        match known {
            Some(FORMAT) => self.tail = Tail::load(&self.database.begin_read()?.open_table(GROUPS)?)?,
            Some(FORMAT_1) => self.raise()?,
            Some(other) => {
                let text = format!(
                    "the journal has format {other}, this version of velo-stream reads up to {FORMAT}: use the version that wrote it"
                );
                return Err(Failure::new(Kind::Version, text).into());
            }
            None => {
                let transaction = self.database.begin_write()?;
                // Opening the tables makes them.
                let mut stage = Stage::over(&transaction, &mut self.tail)?;
                stage.counts.insert(FORMAT_COUNT, FORMAT)?;
                drop(stage);
                point("formatted")?;
                transaction.commit()?;
            }
        }
        let reading = self.database.begin_read()?;
        let streams = reading.open_table(NAMES)?.len()?;
        let counted = reading.open_table(COUNTS)?.get(BYTES_COUNT)?.map(|bytes| bytes.value());
        self.recorded = counted.map_or_else(|| recorded(&reading), Ok)?;
        set(&self.counters.streams, streams);
        set(&self.counters.format, known.unwrap_or(FORMAT));
        set(&self.counters.bytes, self.recorded + self.tail.kept);
        point("loaded")
    }

    /// Brings a store of format 1 to this one, in one step: what came last goes to the records.
    fn raise(&mut self) -> Result<(), Trouble> {
        let reading = self.database.begin_read()?;
        self.tail = Tail::load_1(&reading.open_table(TAIL)?)?;
        let recorded = recorded(&reading)?;
        drop(reading);
        let transaction = self.database.begin_write()?;
        let mut stage = Stage::over(&transaction, &mut self.tail)?;
        stage.fold_all()?;
        stage.close()?;
        stage.counts.insert(BYTES_COUNT, recorded.saturating_add_signed(stage.grown))?;
        stage.counts.insert(FORMAT_COUNT, FORMAT)?;
        drop(stage);
        transaction.delete_table(TAIL)?;
        point("formatted")?;
        Ok(transaction.commit()?)
    }

    fn format(&self) -> Result<Option<u64>, Trouble> {
        let reading = self.database.begin_read()?;
        match reading.open_table(COUNTS) {
            Ok(counts) => Ok(counts.get(FORMAT_COUNT)?.map(|format| format.value())),
            // A process that ended between making the file and its first commit.
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Does a group of commands and keeps them together. The failure is that of the store: nothing of the group is kept then, or nobody knows.
    pub(crate) fn commit<'a>(
        &mut self,
        commands: impl Iterator<Item = Command<'a>>,
        now: u64,
    ) -> Result<Answers, Failure> {
        self.transact(|stage| {
            let mut answers = Answers::new();
            for command in commands {
                match steps::step(stage, &command, now) {
                    Ok(answer) => answers.push(Ok(answer)),
                    Err(Trouble::Refused(failure)) => {
                        stage.tally.refused += u64::from(failure.kind == Kind::Full);
                        answers.push(Err(failure));
                    }
                    Err(broken) => return Err(broken),
                }
                point("applied")?;
            }
            stage.tidy()?;
            point("tidied")?;
            Ok(answers)
        })
        .map_err(Trouble::into_failure)
    }

    /// Leaves no tail behind: the next opening has nothing to read.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        self.transact(|stage| stage.fold_all()).map_err(Trouble::into_failure)
    }

    /// Removes retained ends that are due; whether there may be more.
    pub(crate) fn sweep(&mut self, now: u64) -> Result<bool, Failure> {
        self.transact(|stage| {
            let more = steps::sweep(stage, now, SWEEP)?;
            point("swept")?;
            Ok(more)
        })
        .map_err(Trouble::into_failure)
    }

    fn transact<T>(&mut self, work: impl FnOnce(&mut Stage<'_>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let transaction = self.database.begin_write()?;
        point("begun")?;
        let mut stage = Stage::over(&transaction, &mut self.tail)?;
        let done = work(&mut stage)?;
        stage.close()?;
        let (dirty, more, tally) = (stage.dirty, stage.more, stage.tally);
        let recorded = self.recorded.saturating_add_signed(stage.grown);
        if recorded != self.recorded {
            stage.counts.insert(BYTES_COUNT, recorded)?;
        }
        drop(stage);
        if dirty {
            let begun = Instant::now();
            transaction.commit()?;
            self.counters.committed(begun.elapsed());
            let streams = &self.counters.streams;
            set(streams, streams.load(std::sync::atomic::Ordering::Relaxed).saturating_add_signed(more));
            self.recorded = recorded;
            set(&self.counters.bytes, recorded + self.tail.kept);
            point("committed")?;
        } else {
            transaction.abort()?;
        }
        self.counters.tallied(tally);
        Ok(done)
    }
}

/// What the heads among the records say, one by one: of a folder whose writer did not count it.
fn recorded(reading: &ReadTransaction) -> Result<u64, Trouble> {
    let records = reading.open_table(RECORDS)?;
    let mut sum = 0_u64;
    for entry in reading.open_table(NAMES)?.iter()? {
        let key = record_key(entry?.1.value(), Part::Head, 0);
        let bytes = records.get(&key[..])?.map_or(0, |head| bytes_of(&key, head.value()));
        sum = sum.saturating_add_signed(bytes);
    }
    Ok(sum)
}

/// A failing point is a failing store.
fn point(name: &str) -> Result<(), Trouble> {
    fail::point(name).map_err(|error| Trouble::Broken(Failure::io("the store failed", &error)))
}

/// Whether there is no store yet. A file without a byte is none.
fn is_missing(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(about) => Ok(about.len() == 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Not cut before it is locked: it may be another process that makes it.
fn file_at(path: &Path, is_new: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(is_new).truncate(false);
    private(&mut options);
    options.open(path)
}

impl Trouble {
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Broken(failure) => failure,
        }
    }
}
