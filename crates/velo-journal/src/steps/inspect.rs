//! Looking at streams without owning them: lists, one stream, and whether everything can be read.

use super::checked;
use crate::commit::{Answer, Key, Line};
use crate::entry;
use crate::failure::{Failure, Kind, Trouble};
use crate::head::Head;
use crate::seal::unseal;
use crate::stage::Stage;
use crate::tables::{Part, name_key, name_of, parts_of};
use redb::ReadableTable as _;

/// Streams of a function that have not ended.
pub(super) fn unfinished(stage: &Stage<'_>, function: &str) -> Result<Answer, Trouble> {
    let prefix = name_key(function, "");
    let mut lines = Vec::new();
    for entry in stage.names.range::<&[u8]>(&prefix[..]..)? {
        let (name, number) = entry?;
        if !name.value().starts_with(&prefix) {
            break;
        }
        let line = line(stage, name.value(), number.value())?;
        if line.over.is_none() {
            lines.push(line);
        }
    }
    Ok(Answer::Lines(lines))
}

/// Every stream.
pub(super) fn list(stage: &Stage<'_>) -> Result<Answer, Trouble> {
    let mut lines = Vec::new();
    for entry in stage.names.iter()? {
        let (name, number) = entry?;
        lines.push(line(stage, name.value(), number.value())?);
    }
    Ok(Answer::Lines(lines))
}

/// One that cannot be read is listed all the same, and says so.
fn line(stage: &Stage<'_>, name: &[u8], number: u64) -> Result<Line, Trouble> {
    let (function, id) = name_of(name).unwrap_or(("?", "?"));
    let (head, damage) = match stage.head(number) {
        Ok(Some(head)) => (head, None),
        Ok(None) => (Head::default(), Some("its head is missing".to_owned())),
        Err(Trouble::Refused(failure)) => (Head::default(), Some(failure.text)),
        Err(broken) => return Err(broken),
    };
    let Head { at, first, events, delivered, bytes, over, .. } = head;
    Ok(Line { function: function.to_owned(), id: id.to_owned(), at, first, events, delivered, bytes, over, damage })
}

/// The number and the head of one stream.
pub(super) fn find(stage: &Stage<'_>, key: Key<'_>) -> Result<(u64, Head), Trouble> {
    let number = stage.number(&checked(key)?)?.ok_or_else(|| Failure::new(Kind::Gone, "there is no such stream"))?;
    let head = stage.head(number)?.ok_or_else(|| Failure::corrupt("its head"))?;
    Ok((number, head))
}

/// Checks every checksum, every count and every name; tells what does not fit.
pub(super) fn verify(stage: &mut Stage<'_>) -> Result<Answer, Trouble> {
    stage.fold_all()?;
    let mut damage = Vec::new();
    for entry in stage.names.iter()? {
        let (name, number) = entry?;
        let (function, id) = name_of(name.value()).unwrap_or(("?", "?"));
        let mut tell = |what: &str| damage.push(format!("{function} {id:?}: {what}"));
        match stage.head(number.value()) {
            Ok(Some(head)) => stream(stage, number.value(), name.value(), &head, &mut tell)?,
            Ok(None) => tell("its head is missing"),
            Err(Trouble::Refused(failure)) => tell(&failure.text),
            Err(broken) => return Err(broken),
        }
    }
    let mut last = 0;
    for entry in stage.records.iter()? {
        let (key, _) = entry?;
        let number = parts_of(key.value()).map_or(0, |(number, ..)| number);
        if number != last {
            last = number;
            let named = stage.get(number, Part::Name, 0, "its name").ok().flatten();
            let known = named.map(|name| stage.number(&name)).transpose()?.flatten();
            if known != Some(number) {
                damage.push(format!("stream {number}: its records have no name"));
            }
        }
    }
    Ok(Answer::Damage(damage))
}

fn stream(
    stage: &Stage<'_>,
    number: u64,
    name: &[u8],
    head: &Head,
    tell: &mut impl FnMut(&str),
) -> Result<(), Trouble> {
    let (low, high) =
        (crate::tables::record_key(number, Part::Name, 0), crate::tables::record_key(number, Part::Over, u64::MAX));
    let (mut next_event, mut named) = (None, false);
    for entry in stage.records.range::<&[u8]>(&low[..]..=&high[..])? {
        let (key, sealed) = entry?;
        let Some((_, part, index)) = parts_of(key.value()) else { continue };
        let Some(record) = unseal(key.value(), sealed.value()) else {
            tell(&format!("record {part}/{index} is corrupt"));
            continue;
        };
        if part == Part::Name as u8 {
            named = record == name;
        } else if part == Part::Events as u8 {
            let contiguous =
                next_event.is_none_or(|next| next == index) && (next_event.is_some() || index <= head.first);
            let count = entry::count(record);
            if !contiguous || count.is_none() {
                tell(&format!("events before {index} are missing, or the record is malformed"));
            }
            next_event = Some(index + count.unwrap_or_default());
        }
    }
    if !named {
        tell("its name is missing");
    }
    if head.events > head.first && next_event != Some(head.events) {
        tell(&format!("events up to {} are kept of {}", next_event.unwrap_or(head.first), head.events));
    }
    Ok(())
}
