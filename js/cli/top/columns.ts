// The columns of the list: what each says of a stream, and which of them fit a width.

import type { StreamInspection } from '../../index.js'
import type { SortKey } from '../../kit/sight/arrange.js'
import { size } from '../journal/shown.js'
import { count, safe, span } from './units.js'

/** How a text looks. */
export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'inverse'

/** A column; one that grows takes its share of what is left over. */
export interface TopColumn {
  readonly name: string
  readonly width: number
  readonly grows?: number
  readonly isNumber?: boolean
  /** What the list is sorted by, to stand in its order. */
  readonly key?: SortKey
  readonly of: (stream: StreamInspection) => string
  readonly style?: (stream: StreamInspection) => Style | undefined
}

/** ms in user code that are worth a color. */
const LONG_MS = 10_000

function urgency({ waitingFor, waitingMs }: StreamInspection): Style | undefined {
  if (waitingFor === 'user code') return waitingMs >= LONG_MS ? 'red' : 'green'
  return waitingFor === 'event' || waitingFor === 'nothing' ? 'dim' : 'yellow'
}

/** In the order in which they stand. */
const COLUMNS = {
  id: { name: 'ID', width: 18, grows: 4, key: 'id', of: ({ id }) => safe(id) },
  function: { name: 'FUNCTION', width: 12, grows: 3, key: 'function', of: (stream) => safe(stream.function) },
  stage: { name: 'STAGE', width: 10, grows: 2, key: 'stage', of: ({ stage = '' }) => safe(stage) },
  state: { name: 'STATE', width: 7, key: 'state', of: ({ state }) => safe(state) },
  waits: { name: 'WAITS FOR', width: 9, key: 'waitingFor', of: ({ waitingFor }) => safe(waitingFor), style: urgency },
  since: { name: 'SINCE', width: 6, isNumber: true, key: 'waitingMs', of: ({ waitingMs }) => span(waitingMs), style: urgency },
  age: { name: 'AGE', width: 6, isNumber: true, key: 'ageMs', of: ({ ageMs }) => span(ageMs) },
  in: { name: 'IN', width: 6, isNumber: true, key: 'eventsIn', of: ({ eventsIn }) => count(eventsIn) },
  out: { name: 'OUT', width: 6, isNumber: true, key: 'eventsOut', of: ({ eventsOut }) => count(eventsOut) },
  events: { name: 'BUF IN', width: 7, isNumber: true, key: 'bufferedEvents', of: ({ buffered }) => count(buffered.events) },
  results: { name: 'BUF OUT', width: 8, isNumber: true, key: 'bufferedResults', of: ({ buffered }) => count(buffered.results) },
  bytes: { name: 'BYTES', width: 7, isNumber: true, key: 'bufferedBytes', of: ({ buffered }) => size(buffered.bytes) },
  place: { name: 'RUNS', width: 6, key: 'placement', of: ({ placement }) => safe(placement) },
  thread: { name: 'THREAD', width: 7, isNumber: true, key: 'thread', of: ({ thread }) => String(thread) },
  error: { name: 'LAST ERROR', width: 12, grows: 4, of: ({ lastError = '' }) => safe(lastError), style: () => 'red' },
} as const satisfies Readonly<Record<string, TopColumn>>

type Name = keyof typeof COLUMNS

/** What is left out last stands first. */
const PRIORITY: readonly Name[] = [
  'id',
  'waits',
  'since',
  'function',
  'in',
  'out',
  'age',
  'events',
  'results',
  'state',
  'stage',
  'place',
  'thread',
  'error',
  'bytes',
]

/** All of them. */
export const ALL: readonly TopColumn[] = Object.values(COLUMNS)

/** Those that fit, each with its width; one space stands between two. The first one is always there. */
export function fitting(width: number): { column: TopColumn; width: number }[] {
  let left = width
  const taken = new Set<Name>()
  for (const name of PRIORITY) {
    const needed = COLUMNS[name].width + (taken.size === 0 ? 0 : 1)
    if (needed > left && taken.size > 0) break
    taken.add(name)
    left -= needed
  }
  const columns = (Object.keys(COLUMNS) as Name[]).filter((name) => taken.has(name)).map((name): TopColumn => COLUMNS[name])
  const shares = columns.reduce((sum, { grows = 0 }) => sum + grows, 0)
  const more = Math.max(0, left)
  const widths = columns.map((column) => column.width + Math.floor((more * (column.grows ?? 0)) / shares))
  // A narrow terminal cuts the one that is left; what a division leaves over is the first one's.
  const used = widths.reduce((sum, one) => sum + one, columns.length - 1)
  return columns.map((column, at) => ({ column, width: Math.max(1, (widths[at] as number) + (at === 0 ? width - used : 0)) }))
}
