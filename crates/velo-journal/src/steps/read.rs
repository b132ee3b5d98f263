//! Reading events, a page at a time.

use crate::commit::Answer;
use crate::entry::{Entries, OVERHEAD};
use crate::failure::{Failure, Kind, Trouble};
use crate::head::Head;
use crate::stage::Stage;
use crate::tables::Part;

/// Events from an index on, and how many.
pub(super) fn read(
    stage: &Stage<'_>,
    number: u64,
    head: &Head,
    from: u64,
    events: u64,
    bytes: u64,
) -> Result<(Answer, u64), Trouble> {
    if from < head.first {
        return Err(Failure::new(
            Kind::Gone,
            format!("event {from} is not kept any more: the first is {}", head.first),
        )
        .into());
    }
    let mut page = Vec::new();
    if from >= head.events {
        return Ok((Answer::Events(page), 0));
    }
    let missing = || Failure::corrupt(&format!("event {from} is missing: its record"));
    let start = stage.at_or_before(number, Part::Events, from)?.ok_or_else(missing)?;
    let (mut next, mut count, mut weight) = (start, 0_u64, 0_u64);
    let what = "a record of events";
    stage.each((number, Part::Events, what), (start, u64::MAX), |index, record| {
        if index != next {
            return Err(Failure::corrupt(&format!("event {next} is missing: its record")).into());
        }
        let mut entries = Entries::new(record);
        while !entries.rest().is_empty() {
            let begin = entries.rest();
            let size = entries.pass().ok_or_else(|| Failure::corrupt(what))?;
            next += 1;
            if next <= from {
                continue;
            }
            if count > 0 && (count >= events || weight >= bytes) {
                return Ok(false);
            }
            page.extend_from_slice(begin.get(..size).unwrap_or(begin));
            count += 1;
            weight += (size - OVERHEAD) as u64;
        }
        Ok(true)
    })?;
    if count == 0 {
        return Err(missing().into());
    }
    Ok((Answer::Events(page), count))
}
