//! Keeping events.

use super::{bounded, owned};
use crate::commit::{Answer, Own};
use crate::entry::{self, Entries};
use crate::failure::{Failure, Kind, Trouble};
use crate::group::Entry;
use crate::packing::Piece;
use crate::stage::Stage;
use crate::tables::Part;
use crate::tail::LARGE;

pub(super) fn append(
    stage: &mut Stage<'_>,
    own: Own,
    max_bytes: u64,
    from: u64,
    records: &[u8],
) -> Result<Answer, Trouble> {
    let mut head = owned(stage, own)?;
    if head.over.is_some() {
        return Err(Failure::new(Kind::Over, "it has ended").into());
    }
    let malformed = || Failure::new(Kind::Bad, "append: malformed records");
    let count = entry::count(records).ok_or_else(malformed)?;
    let Some(known) = head.events.checked_sub(from) else {
        return Err(Failure::new(
            Kind::Gap,
            format!("a gap: event {from} was given where {} is the next", head.events),
        )
        .into());
    };
    if known >= count {
        return Ok(Answer::Done);
    }
    let fresh = entry::skip(records, known).ok_or_else(malformed)?;
    if !entry::is_end(fresh) {
        bounded(head.bytes + fresh.len() as u64, max_bytes)?;
    }
    head.bytes += fresh.len() as u64;
    stage.tally.events += count - known;
    if fresh.len() <= LARGE {
        let index = head.events;
        head.events += count - known;
        let end = head.events;
        stage.append(own.number, Entry { head, part: Part::Events, index, end, bytes: fresh.to_vec() });
        return Ok(Answer::Done);
    }
    stage.fold(own.number)?;
    let mut entries = Entries::new(fresh);
    let mut events: Vec<Piece<'_>> = Vec::new();
    while !entries.rest().is_empty() {
        let (begin, index) = (entries.rest(), head.events);
        let size = entries.pass().ok_or_else(malformed)?;
        head.events += 1;
        events.push((index, head.events, begin.get(..size).unwrap_or(begin)));
    }
    stage.put_all(own.number, Part::Events, &events)?;
    stage.put_head(own.number, &head)?;
    Ok(Answer::Done)
}
