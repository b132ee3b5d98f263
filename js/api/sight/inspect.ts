// `runtime.inspect()`: every live stream of this thread, what it waits for, and since when.

import { State, Word } from '../../engine/border/law.js'
import { native } from '../../engine/border/native.js'
import type { Lease } from '../../engine/lease.js'
import { bufferedOf, Stand, standingOf } from '../../engine/standing.js'
import { liveStreams, stoodFor, watch } from '../../engine/watch.js'
import { integer, onlyKnown, text } from '../../kit/check.js'
import { shown } from '../../kit/shown.js'
import { headersIn } from '../../kit/sight/headers.js'
import type { StreamInspection, WaitingFor } from '../../kit/sight/inspection.js'
import { thread } from '../../kit/start/thread.js'
import type { StreamHeaders, StreamState } from '../../kit/types.js'

/** Options of `runtime.inspect`. */
export interface InspectOptions {
  /** Streams of the stream functions of this name only. */
  function?: string
  /** So many streams at most, those opened first. Default 1000. */
  limit?: number
}

const WAITS: Record<number, WaitingFor> = {
  [Stand.Admission]: 'admission',
  [Stand.Event]: 'event',
  [Stand.Reader]: 'reader',
  [Stand.Room]: 'room',
  [Stand.Journal]: 'journal',
  [Stand.Code]: 'user code',
  [Stand.Nothing]: 'nothing',
}
const STATES: Record<number, StreamState> = {
  [State.Waiting]: 'waiting',
  [State.Open]: 'open',
  [State.Ending]: 'ending',
  [State.Closing]: 'closing',
}
/** Headers that nobody but their receiver may see. */
const SECRET = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie']
const UNREADABLE = '[unreadable]'
let secret = new Set(SECRET)

/** Redacts these headers beside those that always are. */
export function redact(names: readonly string[]): void {
  secret = new Set([...SECRET, ...names.map((name) => name.toLowerCase())])
}

/** One that cannot be read costs nobody anything but its own value. */
function redacted(headers: StreamHeaders): StreamHeaders {
  const all = headersIn(headers, UNREADABLE)
  return Object.fromEntries(all.map(([name, value]) => [name, secret.has(name.toLowerCase()) ? '[redacted]' : plain(value)]))
}

/** As JSON can say it, whatever it is. */
function plain(value: unknown): StreamHeaders[string] {
  if (value === undefined) return undefined
  try {
    return Array.isArray(value) ? value.map((one) => String(plain(one))) : String(value)
  } catch {
    return UNREADABLE
  }
}

/** What of a stream does not change from look to look. */
export function shape(
  lease: Lease,
  { stage } = standingOf(lease),
): Pick<StreamInspection, 'id' | 'function' | 'stage' | 'placement' | 'thread'> {
  const { id, def } = lease
  return {
    id,
    function: def.options.name,
    ...(stage === undefined ? {} : { stage }),
    placement: def.remote ? 'worker' : 'local',
    thread: threadOf(lease),
  }
}

function threadOf({ def, holder }: Lease): number {
  return def.stages[0]?.placement === undefined ? thread() : (holder.driver.remotes[0]?.thread ?? 0)
}

function waitOf({ holder }: Lease, stand: number, isStill: boolean): WaitingFor {
  // A send waits while the function goes on: there is no room. Where the function does not, it is what everybody waits for.
  const isFull = holder.mode.isSending && ((stand === Stand.Code && !isStill) || stand === Stand.Event)
  return WAITS[isFull ? Stand.Room : stand] as WaitingFor
}

const stateOf = ({ row }: Lease): StreamState => STATES[row.state] ?? 'closed'

/** What of a stream is a change when it is another than before. */
export function changeable(lease: Lease): Pick<StreamInspection, 'state' | 'waitingFor' | 'stage'> {
  const { stand, stage } = standingOf(lease)
  // Whether it moved is no matter of the time.
  const { isStill } = stoodFor(lease, stand, 0)
  return { state: stateOf(lease), waitingFor: waitOf(lease, stand, isStill), ...(stage === undefined ? {} : { stage }) }
}

/** One object of one shape for each of thousands: spreads would cost several times as much. */
export function inspected(lease: Lease, now: number): StreamInspection {
  const { row, holder, def } = lease
  const { stand, stage } = standingOf(lease)
  const { ms, isStill } = stoodFor(lease, stand, now)
  const { events, results } = bufferedOf(row)
  const seen: { -readonly [Key in keyof StreamInspection]: StreamInspection[Key] } = {
    id: lease.id,
    function: def.options.name,
    placement: def.remote ? 'worker' : 'local',
    thread: threadOf(lease),
    state: stateOf(lease),
    ageMs: Math.round(Math.max(0, now - row.word(Word.Duration))),
    waitingFor: waitOf(lease, stand, isStill),
    waitingMs: Math.round(Math.max(0, ms)),
    buffered: { events, results, bytes: holder.mode.puller?.bytes ?? 0 },
    eventsIn: row.accepted,
    eventsOut: row.yielded,
  }
  if (stage !== undefined) seen.stage = stage
  const failure = holder.lastFailure
  if (failure !== undefined) seen.lastError = shown(failure.error)
  const { headers } = holder.contextParts()
  if (headers !== undefined) seen.headers = redacted(headers)
  return seen
}

/** What `runtime.inspect` answers. */
export function inspect(options: InspectOptions = {}): StreamInspection[] {
  onlyKnown(options, 'runtime.inspect(options)', ['function', 'limit'])
  const { function: name } = options
  if (name !== undefined) text(name, 'runtime.inspect(options).function')
  const limit = integer(options.limit, 'runtime.inspect(options).limit', 1, 1000)
  watch() // the next look knows how long
  const now = native.tellTime()
  const streams = liveStreams().filter(({ def }) => name === undefined || def.options.name === name)
  if (streams.length > limit) streams.sort((a, b) => a.row.word(Word.Duration) - b.row.word(Word.Duration)).splice(limit)
  return streams.map((lease) => inspected(lease, now))
}
