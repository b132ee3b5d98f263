// The last changes of every live stream, as they are seen at a look a second, from the first question on. Bounded for one stream, and for all of them.

import { native } from '../../engine/border/native.js'
import type { Lease } from '../../engine/lease.js'
import { liveStreams, watch, whenLooked } from '../../engine/watch.js'
import type { Oversight, StreamChange } from '../../kit/sight/oversight.js'
import { changeable, inspected } from './inspect.js'

/** Of one stream. */
const MOST = 100
/** Of all streams; where there are very many, each keeps fewer. */
const MOST_OF_ALL = 100_000
/** Each keeps so many in any case. */
const LEAST = 10

const kept = new WeakMap<Lease, StreamChange[]>()
let isKeeping = false

function note(lease: Lease, streams: number): StreamChange[] {
  const { state, waitingFor, stage } = changeable(lease)
  let changes = kept.get(lease)
  if (changes === undefined) kept.set(lease, (changes = []))
  const last = changes.at(-1)
  if (last !== undefined && last.state === state && last.waitingFor === waitingFor && last.stage === stage) return changes
  const { accepted, yielded } = lease.row
  changes.push({
    at: Date.now(),
    state,
    waitingFor,
    ...(stage === undefined ? {} : { stage }),
    eventsIn: accepted,
    eventsOut: yielded,
  })
  const most = Math.min(MOST, Math.max(LEAST, Math.floor(MOST_OF_ALL / streams)))
  if (changes.length > most) changes.splice(0, changes.length - most)
  return changes
}

export const oversight: Oversight = {
  keepChanges() {
    watch()
    if (isKeeping) return
    isKeeping = true
    whenLooked(note)
  },

  look(id) {
    this.keepChanges()
    const streams = liveStreams()
    const lease = streams.find((one) => one.id === id)
    if (lease === undefined) return undefined
    return { stream: inspected(lease, native.tellTime()), changes: [...note(lease, streams.length)] }
  },

  abort(id, reason) {
    const found = liveStreams().filter((lease) => lease.id === id)
    for (const { holder } of found) holder.abort(reason)
    return found.length
  },
}
