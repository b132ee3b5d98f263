//! Making a stream, and taking it over.

use super::checked;
use crate::bytes::Fields;
use crate::commit::{Answer, Kept, Key};
use crate::failure::{Failure, Trouble};
use crate::head::{Head, Token};
use crate::stage::Stage;
use crate::tables::{EPOCH_COUNT, Part, STREAM_COUNT};
use std::hash::{BuildHasher as _, RandomState};

pub(super) fn open(stage: &mut Stage<'_>, key: Key<'_>, at: f64, seed: f64, now: u64) -> Result<Answer, Trouble> {
    let name = checked(key)?;
    let mut found = None;
    if let Some(number) = stage.number(&name)? {
        let head = stage.head(number)?.ok_or_else(|| Failure::corrupt("its head"))?;
        found = Some((number, head));
    }
    if let Some((number, _)) = found.as_ref().filter(|(_, head)| head.over.is_some_and(|until| until <= now)) {
        stage.remove(&name, *number)?;
        found = None;
    }
    let is_new = found.is_none();
    stage.tally.replays += u64::from(found.as_ref().is_some_and(|(_, head)| head.over.is_none()));
    let (number, head) = match found {
        Some(found) => found,
        None => {
            let number = stage.next(STREAM_COUNT)?;
            stage.names.insert(&name[..], number)?;
            stage.put(number, Part::Name, 0, name)?;
            stage.more += 1;
            (number, Head { at, seed, ..Head::default() })
        }
    };
    stage.fold(number)?;
    let answer = gather(stage, number, head, is_new)?;
    let Answer::Kept(mut kept) = answer else { return Ok(answer) };
    kept.head.epoch = stage.next(EPOCH_COUNT)?;
    kept.head.token = token();
    stage.put_head(number, &kept.head)?;
    Ok(Answer::Kept(kept))
}

/// Reads what is known of a stream beside its events.
pub(super) fn gather(stage: &Stage<'_>, number: u64, head: Head, is_new: bool) -> Result<Answer, Trouble> {
    let mut hashes = Vec::new();
    stage.each((number, Part::Hashes, "a record of hashes"), (0, u64::MAX), |from, values| {
        // The first record may begin before what is kept.
        let gone = usize::try_from(head.hashed_from.saturating_sub(from)).unwrap_or(usize::MAX).saturating_mul(4);
        hashes.extend_from_slice(values.get(gone..).unwrap_or_default());
        Ok(true)
    })?;
    let mut ordered = Vec::new();
    stage.each((number, Part::Outcome, "an outcome"), (0, u64::MAX), |asked, record| {
        let mut fields = Fields(record);
        let order = fields.count().ok_or_else(|| Failure::corrupt("an outcome"))?;
        ordered.push((order, asked, fields.0.to_vec()));
        Ok(true)
    })?;
    ordered.sort_by_key(|(order, ..)| *order);
    let mut outputs = Vec::new();
    stage.each((number, Part::Output, "a result"), (0, u64::MAX), |_, bytes| {
        outputs.push(bytes.to_vec());
        Ok(true)
    })?;
    let state = match head.state {
        Some(cursor) => Some((
            cursor,
            stage.get(number, Part::State, 0, "its state")?.ok_or_else(|| Failure::corrupt("its state"))?,
        )),
        None => None,
    };
    let over = match head.over {
        Some(_) => Some(stage.get(number, Part::Over, 0, "its end")?.ok_or_else(|| Failure::corrupt("its end"))?),
        None => None,
    };
    let outcomes = ordered.into_iter().map(|(_, asked, bytes)| (asked, bytes)).collect();
    Ok(Answer::Kept(Box::new(Kept { number, is_new, head, hashes, outcomes, state, outputs, over })))
}

/// Random enough that no two ownerships share one: a keyed hash with keys of the system's randomness. It is no secret.
fn token() -> Token {
    let mut token = Token::default();
    let halves = [RandomState::new(), RandomState::new()].map(|state| state.hash_one(std::process::id()).to_le_bytes());
    for (place, byte) in token.iter_mut().zip(halves.concat()) {
        *place = byte;
    }
    token
}
