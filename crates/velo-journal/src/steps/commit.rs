//! One commit: all of its parts or none. Everything is looked at before anything is written.

use super::{bounded, owned};
use crate::bytes::Put as _;
use crate::commit::{Answer, Commit, Hashes, Own};
use crate::entry;
use crate::failure::{Failure, Kind, Trouble};
use crate::group::Entry;
use crate::head::Head;
use crate::stage::Stage;
use crate::tables::Part;

pub(super) fn commit(
    stage: &mut Stage<'_>,
    own: Own,
    max_bytes: u64,
    commit: &Commit<'_>,
    now: u64,
) -> Result<Answer, Trouble> {
    let gone = commit.over.is_some_and(|(_, retain)| retain <= 0.0);
    if gone && !stage.has(own.number, Part::Head, 0)? {
        // A repeat of what removed it.
        return Ok(Answer::Done);
    }
    let mut head = owned(stage, own)?;
    if gone {
        let name = stage.get(own.number, Part::Name, 0, "its name")?.ok_or_else(|| Failure::corrupt("its name"))?;
        stage.remove(&name, own.number)?;
        return Ok(Answer::Done);
    }
    if let Some(entry) = light(&head, commit)? {
        stage.append(own.number, entry);
        return Ok(Answer::Done);
    }
    stage.fold(own.number)?;
    let plan = Plan::of(stage, own.number, &head, commit)?;
    // A state lets go of what was before it: a stream that is full makes room by it.
    if plan.grows > 0 && commit.over.is_none() && commit.state.is_none() {
        let after = head.bytes.saturating_add(plan.grows).saturating_sub(plan.shrinks);
        if after > head.bytes {
            bounded(after, max_bytes)?;
        }
    }
    plan.apply(stage, own.number, &mut head, commit)?;
    if let Some((bytes, retain)) = commit.over {
        end(stage, own.number, &mut head, bytes, retain, now)?;
    }
    stage.put_head(own.number, &head)?;
    Ok(Answer::Done)
}

/// What is all of a commit that tells of results and of nothing else; it needs no record that is kept.
fn light(head: &Head, commit: &Commit<'_>) -> Result<Option<Entry>, Failure> {
    let Commit { delivered, hashes, outcomes: None, state: None, outputs: None, over: None } = commit else {
        return Ok(None);
    };
    let delivered = head.delivered.max(delivered.unwrap_or_default());
    let frees = head.outputs_from < head.outputs && head.outputs_from < delivered;
    if frees || head.over.is_some() {
        return Ok(None);
    }
    let mut head = Head { delivered, ..head.clone() };
    let index = head.hashed;
    let values = fresh_hashes(index, hashes.as_ref())?.to_vec();
    head.hashed += values.len() as u64 / 4;
    head.bytes += values.len() as u64;
    let end = head.hashed;
    Ok(Some(Entry { head, part: Part::Hashes, index, end, bytes: values }))
}

/// Hashes of results from an index on, of those that are given.
fn fresh_hashes<'a>(next: u64, given: Option<&Hashes<'a>>) -> Result<&'a [u8], Failure> {
    let Some(given) = given else { return Ok(&[]) };
    let Some(known) = next.checked_sub(given.from) else {
        let text = format!("a gap: the hash of result {} was given where {next} is the next", given.from);
        return Err(Failure::new(Kind::Gap, text));
    };
    let known = usize::try_from(known).unwrap_or(usize::MAX).saturating_mul(4);
    Ok(given.values.get(known..).unwrap_or_default())
}

/// Results from an index on, of those that are given, and that index. Those below it are kept, or were delivered.
fn fresh_outputs<'a>(next: u64, given: Option<&'a (u64, Vec<&'a [u8]>)>) -> Result<(u64, &'a [&'a [u8]]), Failure> {
    let Some((from, values)) = given else { return Ok((next, &[])) };
    let Some(known) = next.checked_sub(*from) else {
        return Err(Failure::new(Kind::Gap, format!("a gap: result {from} was given where {next} is the next")));
    };
    Ok((next, values.get(usize::try_from(known).unwrap_or(usize::MAX)..).unwrap_or_default()))
}

/// What of a commit is new, found out before the first write.
struct Plan<'a> {
    /// Whether its checkpoint is no repeat.
    fresh: bool,
    /// Hashes that are not kept yet: of the result with this index on.
    hashes: (u64, &'a [u8]),
    outcomes: Vec<(u64, &'a [u8])>,
    /// Results that are not kept yet: the index of the first one, and all of them.
    outputs: (u64, &'a [&'a [u8]]),
    /// Bytes that outcomes and outputs add, and that outputs let go.
    grows: u64,
    shrinks: u64,
}

impl<'a> Plan<'a> {
    fn of(stage: &Stage<'_>, number: u64, head: &Head, commit: &'a Commit<'a>) -> Result<Self, Trouble> {
        let parts =
            commit.hashes.is_some() || commit.outcomes.is_some() || commit.state.is_some() || commit.outputs.is_some();
        if head.over.is_some() && parts {
            return Err(Failure::new(Kind::Over, "it has ended").into());
        }
        let fresh = commit.state.is_some_and(|(cursor, _)| head.state.is_none_or(|kept| !cursor.is_before(&kept)));
        let cursor = if fresh { commit.state.map(|(cursor, _)| cursor) } else { head.state };
        let (mut grows, mut shrinks) = (0, 0);
        let hashed = head.hashed.max(cursor.map_or(0, |cursor| cursor.results));
        let hashes = (hashed, fresh_hashes(hashed, commit.hashes.as_ref())?);
        let mut outcomes: Vec<(u64, &[u8])> = Vec::new();
        for (asked, bytes) in commit.outcomes.iter().flatten() {
            let done =
                cursor.is_some_and(|cursor| *asked < cursor.asked) || outcomes.iter().any(|(other, _)| other == asked);
            if !done && !stage.has(number, Part::Outcome, *asked)? {
                grows += 8 + bytes.len() as u64;
                outcomes.push((*asked, bytes));
            }
        }
        let delivered = head.delivered.max(commit.delivered.unwrap_or_default());
        let given = commit.outputs.as_ref().filter(|_| fresh || commit.state.is_none());
        let outputs = fresh_outputs(head.outputs.max(delivered), given)?;
        grows += outputs.1.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        if grows > 0 && head.outputs_from < delivered {
            stage.each((number, Part::Output, "a result"), (head.outputs_from, delivered), |_, bytes| {
                shrinks += bytes.len() as u64;
                Ok(true)
            })?;
        }
        Ok(Self { fresh, hashes, outcomes, outputs, grows, shrinks })
    }

    fn apply(self, stage: &mut Stage<'_>, number: u64, head: &mut Head, commit: &Commit<'_>) -> Result<(), Trouble> {
        if let Some((cursor, bytes)) = commit.state.filter(|_| self.fresh) {
            let mut gone = stage.drop_range(number, Part::State, 0, 1)?;
            gone += stage.drop_range(number, Part::Outcome, 0, cursor.asked)?;
            gone += drop_events(stage, number, cursor.events, head.events)?;
            // Of hashes a record that reaches beyond the checkpoint stays as it is.
            let hashes = last_whole(stage, number, Part::Hashes, cursor.results, head.hashed)?;
            gone += stage.drop_range(number, Part::Hashes, 0, hashes)?;
            head.first = head.first.max(cursor.events);
            head.events = head.events.max(cursor.events);
            head.hashed_from = head.hashed_from.max(cursor.results);
            head.hashed = head.hashed.max(cursor.results);
            head.bytes = (head.bytes + bytes.len() as u64).saturating_sub(gone);
            head.state = Some(cursor);
            stage.put(number, Part::State, 0, bytes.to_vec())?;
        }
        let (from, values) = self.hashes;
        if !values.is_empty() {
            stage.put(number, Part::Hashes, from, values.to_vec())?;
            head.hashed = from + values.len() as u64 / 4;
            head.bytes += values.len() as u64;
        }
        for (asked, bytes) in self.outcomes {
            let mut record = Vec::with_capacity(12 + bytes.len());
            record.count(head.outcomes);
            record.extend_from_slice(bytes);
            head.outcomes += 1;
            head.bytes += record.len() as u64;
            stage.put(number, Part::Outcome, asked, record)?;
        }
        head.delivered = head.delivered.max(commit.delivered.unwrap_or_default());
        if head.outputs_from < head.delivered && head.outputs_from < head.outputs {
            let to = head.delivered.min(head.outputs);
            head.bytes = head.bytes.saturating_sub(stage.drop_range(number, Part::Output, head.outputs_from, to)?);
            head.outputs_from = to;
        }
        let (from, values) = self.outputs;
        if !values.is_empty() {
            if head.outputs_from == head.outputs {
                head.outputs_from = from;
            }
            head.outputs = from + values.len() as u64;
        }
        for (index, bytes) in (from..).zip(values) {
            head.bytes += bytes.len() as u64;
            stage.put(number, Part::Output, index, bytes.to_vec())?;
        }
        Ok(())
    }
}

/// Lets go of the events before an index, of a stream with events up to `next`; tells how many bytes that is. A record that reaches beyond is cut: what came
/// together is one record, and a stream that is full would never get room if all of it stayed.
fn drop_events(stage: &mut Stage<'_>, number: u64, below: u64, next: u64) -> Result<u64, Trouble> {
    let start = last_whole(stage, number, Part::Events, below, next)?;
    let what = "a record of events";
    let held = if start < below { stage.get(number, Part::Events, start, what)? } else { None };
    let gone = stage.drop_range(number, Part::Events, 0, below)?;
    let Some(record) = held else { return Ok(gone) };
    let rest = entry::skip(&record, below - start).ok_or_else(|| Failure::corrupt(what))?.to_vec();
    let left = rest.len() as u64;
    if left > 0 {
        stage.put(number, Part::Events, below, rest)?;
    }
    Ok(gone.saturating_sub(left))
}

/// The index up to which records of a part lie wholly below `below`; `next` is the index behind the last record.
fn last_whole(stage: &Stage<'_>, number: u64, part: Part, below: u64, next: u64) -> Result<u64, Trouble> {
    if below >= next {
        return Ok(below);
    }
    // The record that holds the index `below` begins here, and those before it end here.
    Ok(stage.at_or_before(number, part, below)?.unwrap_or_default())
}

/// Of the stream its end alone stays.
fn end(
    stage: &mut Stage<'_>,
    number: u64,
    head: &mut Head,
    bytes: &[u8],
    retain: f64,
    now: u64,
) -> Result<(), Trouble> {
    for part in [Part::State, Part::Output, Part::Outcome, Part::Hashes, Part::Events] {
        stage.drop_range(number, part, 0, u64::MAX)?;
    }
    if let Some(until) = head.over {
        stage.ends.remove((until, number))?;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN becomes 0")]
    let until = now.saturating_add(retain as u64);
    stage.ends.insert((until, number), ())?;
    stage.put(number, Part::Over, 0, bytes.to_vec())?;
    head.first = head.events;
    head.hashed_from = head.hashed;
    (head.outputs_from, head.outputs) = (head.delivered, head.delivered);
    head.state = None;
    head.over = Some(until);
    head.bytes = bytes.len() as u64;
    Ok(())
}
