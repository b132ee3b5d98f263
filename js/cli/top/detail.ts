// One stream alone: all that is known of it, and its last changes, the newest first.

import { size } from '../journal/shown.js'
import { type Line, span as part } from './frame.js'
import type { TopState } from './state.js'
import { clock, count, safe, span } from './units.js'

/** At most so many lines. */
export function detailLines({ open = '', detail, isOver, scroll }: TopState, width: number, height: number): Line[] {
  const over: Line = [part('this stream is over', 'yellow')]
  const known: Line = [part('stream   '), part(safe(open), 'bold')]
  if (detail === undefined) return [known, isOver ? over : [part('asking', 'dim')]]
  const { stream, changes } = detail
  const { function: name, stage, placement, thread, state, ageMs, waitingFor, waitingMs, buffered, eventsIn, eventsOut } = stream
  const where = placement === 'worker' ? `on worker thread ${thread}` : `on thread ${thread}`
  const headers = Object.entries(stream.headers ?? {}).map(
    ([header, value]): Line => [part(`  ${safe(header)}: `, 'dim'), part(safe(String(value)))],
  )
  const facts: Line[] = [
    known,
    isOver ? over : [part(`state    ${safe(state)} for ${span(ageMs)}, waits for ${safe(waitingFor)} for ${span(waitingMs)}`)],
    [part(`function ${safe(name)}${stage === undefined || stage === name ? '' : `, at stage ${safe(stage)}`}, ${where}`)],
    [part(`events   ${count(eventsIn)} in, ${count(eventsOut)} out, ${buffered.events}+${buffered.results} wait, ${size(buffered.bytes)}`)],
    ...(stream.lastError === undefined ? [] : [[part('error    '), part(safe(stream.lastError), 'red')]]),
    ...(headers.length === 0 ? [] : [[part('headers')], ...headers]),
  ]
  // The changes have half of the room in any case.
  const most = Math.max(1, height - Math.min(changes.length + 1, Math.ceil(height / 2)))
  const shown = facts.length <= most ? facts : [...facts.slice(0, most - 1), [part(`  and ${facts.length - most + 1} more`, 'dim')]]
  const room = Math.max(0, height - shown.length - 1)
  const all = [...changes].reverse()
  const from = Math.min(scroll, Math.max(0, all.length - room))
  const rows = all.slice(from, from + room).map((change, index): Line => {
    const previous = all[from + index - 1]
    const lasted = (previous?.at ?? detail.at) - change.at
    const text = `  ${clock(change.at)}  ${span(lasted).padStart(6)}  ${safe(change.state).padEnd(8)}${safe(change.waitingFor).padEnd(10)}`
    const counts = `${count(change.eventsIn).padStart(7)} in ${count(change.eventsOut).padStart(7)} out`
    return [part(text), part(counts, 'dim'), part(change.stage === undefined ? '' : `  ${safe(change.stage)}`)]
  })
  const title = `last ${changes.length} changes${from > 0 ? `, without the newest ${from}` : ''}`
  return [...shown, [part(title.slice(0, width), 'bold')], ...rows]
}
