//! Commands and answers as bytes: one buffer holds the commands of a turn, another the answers that have come. Little-endian; the other end is
//! `js/durable/embedded/commands.ts` and `js/durable/embedded/answers.ts`, which must change together with this file.
//!
//! A command: its length (u32, of what follows), its id (u32), what it is (u8), its fields. An answer: the same, with what kind of answer it is.

use crate::bytes::{Fields, Put as _};
use crate::commit::{Answer, Command, Commit, Hashes, Kept, Key, Line, Own};
use crate::failure::Failure;
use crate::head::Cursor;

/// What commands are.
const OPEN: u8 = 1;
const APPEND: u8 = 2;
const READ: u8 = 3;
const COMMIT: u8 = 4;
const DISCARD: u8 = 5;
const UNFINISHED: u8 = 6;
const LIST: u8 = 7;
const SHOW: u8 = 8;
const PEEK: u8 = 9;
const VERIFY: u8 = 10;

/// Kinds of answers.
const DONE: u8 = 0;
const FAILED: u8 = 1;
const KEPT: u8 = 2;
const EVENTS: u8 = 3;
const WAS: u8 = 4;
const LINES: u8 = 5;
const DAMAGE: u8 = 6;

/// Frames of a buffer: what is behind each length. Ends where the bytes make no sense.
fn frames(bytes: &[u8]) -> impl Iterator<Item = Fields<'_>> {
    let mut rest = Fields(bytes);
    std::iter::from_fn(move || rest.blob().map(Fields))
}

/// The ids of the commands in a buffer.
pub(crate) fn ids(bytes: &[u8]) -> impl Iterator<Item = u32> {
    frames(bytes).map(|mut frame| frame.word().unwrap_or_default())
}

/// The commands in a buffer, one for each id.
pub(crate) fn commands(bytes: &[u8]) -> impl Iterator<Item = Command<'_>> {
    frames(bytes).map(|frame| command(frame).unwrap_or(Command::Malformed))
}

fn command(mut fields: Fields<'_>) -> Option<Command<'_>> {
    fields.word()?;
    Some(match fields.byte()? {
        OPEN => Command::Open { key: key(&mut fields)?, at: fields.number()?, seed: fields.number()? },
        APPEND => {
            let (own, max_bytes, from) = (own(&mut fields)?, fields.whole()?, fields.whole()?);
            Command::Append { own, max_bytes, from, records: fields.0 }
        }
        READ => Command::Read {
            own: own(&mut fields)?,
            from: fields.whole()?,
            events: fields.whole()?,
            bytes: fields.whole()?,
        },
        COMMIT => Command::Commit { own: own(&mut fields)?, max_bytes: fields.whole()?, commit: commit(&mut fields)? },
        DISCARD => Command::Discard { key: key(&mut fields)? },
        UNFINISHED => Command::Unfinished { function: fields.text()? },
        LIST => Command::List,
        SHOW => Command::Show { key: key(&mut fields)? },
        PEEK => Command::Peek {
            key: key(&mut fields)?,
            from: fields.whole()?,
            events: fields.whole()?,
            bytes: fields.whole()?,
        },
        VERIFY => Command::Verify,
        _ => return None,
    })
}

fn key<'a>(fields: &mut Fields<'a>) -> Option<Key<'a>> {
    Some(Key { function: fields.text()?, id: fields.text()? })
}

fn own(fields: &mut Fields<'_>) -> Option<Own> {
    Some(Own { number: fields.whole()?, epoch: fields.whole()?, token: fields.array()? })
}

fn commit<'a>(fields: &mut Fields<'a>) -> Option<Commit<'a>> {
    let has = fields.byte()?;
    let mut commit = Commit::default();
    if has & 1 != 0 {
        commit.delivered = Some(fields.whole()?);
    }
    if has & 2 != 0 {
        commit.hashes = Some(Hashes { from: fields.whole()?, values: fields.blob()? });
    }
    if has & 4 != 0 {
        let count = fields.word()?;
        commit.outcomes = Some((0..count).map(|_| Some((fields.whole()?, fields.blob()?))).collect::<Option<_>>()?);
    }
    if has & 8 != 0 {
        let (version, events) = (fields.number()?, fields.whole()?);
        let (results, asked) = (fields.whole()?, fields.whole()?);
        commit.state = Some((Cursor { version, events, results, asked }, fields.blob()?));
    }
    if has & 16 != 0 {
        let (from, count) = (fields.whole()?, fields.word()?);
        commit.outputs = Some((from, (0..count).map(|_| fields.blob()).collect::<Option<_>>()?));
    }
    if has & 32 != 0 {
        let retain = fields.number()?;
        commit.over = Some((fields.blob()?, retain));
    }
    Some(commit)
}

/// Puts an answer behind those in a buffer.
pub(crate) fn put_answer(out: &mut Vec<u8>, id: u32, answer: &Result<Answer, Failure>) {
    let at = out.len();
    out.word(0);
    out.word(id);
    match answer {
        Ok(Answer::Done) => out.byte(DONE),
        Err(failure) => {
            out.byte(FAILED);
            out.byte(failure.kind as u8);
            out.extend_from_slice(failure.text.as_bytes());
        }
        Ok(Answer::Kept(kept)) => {
            out.byte(KEPT);
            put_kept(out, kept);
        }
        Ok(Answer::Events(events)) => {
            out.byte(EVENTS);
            out.extend_from_slice(events);
        }
        Ok(Answer::Was(was)) => {
            out.byte(WAS);
            out.byte((*was).into());
        }
        Ok(Answer::Lines(lines)) => {
            out.byte(LINES);
            lines.iter().for_each(|line| put_line(out, line));
        }
        Ok(Answer::Damage(damage)) => {
            out.byte(DAMAGE);
            damage.iter().for_each(|text| out.blob(text.as_bytes()));
        }
    }
    let length = u32::try_from(out.len() - at - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(at..at + 4) {
        place.copy_from_slice(&length.to_le_bytes());
    }
}

fn put_kept(out: &mut Vec<u8>, kept: &Kept) {
    let Kept { number, is_new, head, hashes, outcomes, state, outputs, over } = kept;
    out.whole(*number);
    out.whole(head.epoch);
    out.extend_from_slice(&head.token);
    out.byte(u8::from(*is_new) | u8::from(state.is_some()) << 1 | u8::from(over.is_some()) << 2);
    out.number(head.at);
    out.number(head.seed);
    for count in [head.first, head.events, head.delivered, head.bytes, head.hashed_from] {
        out.whole(count);
    }
    out.blob(hashes);
    out.word(u32::try_from(outcomes.len()).unwrap_or(u32::MAX));
    for (asked, bytes) in outcomes {
        out.whole(*asked);
        out.blob(bytes);
    }
    out.whole(head.outputs_from);
    out.word(u32::try_from(outputs.len()).unwrap_or(u32::MAX));
    outputs.iter().for_each(|bytes| out.blob(bytes));
    if let Some((cursor, bytes)) = state {
        out.number(cursor.version);
        for count in [cursor.events, cursor.results, cursor.asked] {
            out.whole(count);
        }
        out.blob(bytes);
    }
    if let Some(bytes) = over {
        out.blob(bytes);
    }
}

fn put_line(out: &mut Vec<u8>, line: &Line) {
    out.blob(line.function.as_bytes());
    out.blob(line.id.as_bytes());
    out.number(line.at);
    for count in [line.first, line.events, line.delivered, line.bytes] {
        out.whole(count);
    }
    out.number(line.over.map_or(f64::NAN, |until| until as f64));
    out.blob(line.damage.as_deref().unwrap_or_default().as_bytes());
}
