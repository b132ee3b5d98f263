//! What each command does to the store, one transaction around them all.
//!
//! Owns: the law of a journal: fences, numbers, bounds, ends. A step looks first and writes then, so that a refusal has written nothing.

mod append;
mod commit;
mod inspect;
mod open;
mod read;

use crate::commit::{Answer, Command, Key, Own};
use crate::failure::{Failure, Kind, Trouble};
use crate::head::Head;
use crate::stage::Stage;
use crate::tables::name_key;

/// Ids and names of functions are keys of the store: longer ones would cost every step.
const MAX_NAME: usize = 65_536;

/// Does one command. `now`: Unix ms.
pub(crate) fn step(stage: &mut Stage<'_>, command: &Command<'_>, now: u64) -> Result<Answer, Trouble> {
    match command {
        Command::Open { key, at, seed } => open::open(stage, *key, *at, *seed, now),
        Command::Append { own, max_bytes, from, records } => append::append(stage, *own, *max_bytes, *from, records),
        Command::Read { own, from, events, bytes } => {
            let head = owned(stage, *own)?;
            stage.fold(own.number)?;
            let (page, count) = read::read(stage, own.number, &head, *from, *events, *bytes)?;
            // Whoever wants one event looks at it, and plays nothing.
            stage.tally.replayed_events += if *events > 1 { count } else { 0 };
            Ok(page)
        }
        Command::Commit { own, max_bytes, commit } => commit::commit(stage, *own, *max_bytes, commit, now),
        Command::Discard { key } => discard(stage, *key, now),
        Command::Unfinished { function } => inspect::unfinished(stage, function),
        Command::List => inspect::list(stage),
        Command::Show { key } => {
            let (number, head) = inspect::find(stage, *key)?;
            stage.fold(number)?;
            open::gather(stage, number, head, false)
        }
        Command::Peek { key, from, events, bytes } => {
            let (number, head) = inspect::find(stage, *key)?;
            stage.fold(number)?;
            Ok(read::read(stage, number, &head, *from, *events, *bytes)?.0)
        }
        Command::Verify => inspect::verify(stage),
        Command::Malformed => Err(Failure::new(Kind::Bad, "malformed command").into()),
    }
}

/// Removes ends that were retained long enough, `limit` at most; whether there may be more.
pub(crate) fn sweep(stage: &mut Stage<'_>, now: u64, limit: usize) -> Result<bool, Trouble> {
    use crate::tables::Part;
    use redb::ReadableTable as _;
    let due: Vec<(u64, u64)> = stage
        .ends
        .range(..=(now, u64::MAX))?
        .take(limit)
        .map(|end| end.map(|(end, _)| end.value()))
        .collect::<Result<_, _>>()?;
    for (until, number) in &due {
        let name = stage.get(*number, Part::Name, 0, "its name").ok().flatten();
        if let Some(name) = name {
            stage.remove(&name, *number)?;
        }
        stage.ends.remove((*until, *number))?;
        stage.dirty = true;
    }
    Ok(due.len() == limit)
}

/// The head of a stream for its owner.
fn owned(stage: &Stage<'_>, own: Own) -> Result<Head, Trouble> {
    let head = stage.head(own.number)?.ok_or_else(|| Failure::new(Kind::Gone, "it is not kept any more"))?;
    if head.epoch != own.epoch || head.token != own.token {
        return Err(Failure::new(Kind::Fenced, "it was opened by somebody else").into());
    }
    Ok(head)
}

fn discard(stage: &mut Stage<'_>, key: Key<'_>, now: u64) -> Result<Answer, Trouble> {
    let name = checked(key)?;
    let Some(number) = stage.number(&name)? else { return Ok(Answer::Was(false)) };
    // A head that cannot be read is no reason to keep the stream.
    let over = stage.head(number).ok().flatten().and_then(|head| head.over);
    stage.remove(&name, number)?;
    Ok(Answer::Was(over.is_none_or(|until| until > now)))
}

/// The name of a stream in the store.
fn checked(key: Key<'_>) -> Result<Vec<u8>, Failure> {
    if key.function.len() > MAX_NAME || key.id.len() > MAX_NAME {
        return Err(Failure::new(Kind::Bad, format!("an id and a name of a function have at most {MAX_NAME} bytes")));
    }
    Ok(name_key(key.function, key.id))
}

/// Refuses what would make a stream keep more than it may.
fn bounded(bytes: u64, max_bytes: u64) -> Result<(), Failure> {
    if bytes <= max_bytes {
        return Ok(());
    }
    Err(Failure::new(Kind::Full, format!("it would keep {bytes} bytes, and may keep {max_bytes} (`maxBytes`)")))
}
