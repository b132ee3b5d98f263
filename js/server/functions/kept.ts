// How a durable function is served where nobody says it: so that its clients may come back.

import { RESUME_BYTES } from '../../kit/bytes/byte-budget.js'
import { configError } from '../../kit/check.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import type { ServedHttp, ServedSocketOptions, Settings } from '../options.js'
import type { Entry } from './functions.js'

/** How long a client may stay away from its stream, ms. */
const GRACE_MS = 30_000

/** Results that are kept for a client of a WebSocket by default. */
const KEPT = 1024

/** Options of the HTTP side of a function. */
export function httpOf(entry: Entry, settings: Settings): ServedHttp {
  const { fn, http, name } = entry
  const said = { ...settings.http, ...http }
  const { out = 'auto', id, onDisconnect } = said
  // Only server-sent events have numbers to come back with.
  const fits = (out === 'auto' || out === 'sse') && id === undefined && typeof onDisconnect !== 'string'
  const { resume = keepingOf(fn) !== undefined && fits } = said
  if (resume === false) return said
  const most = mostKept(entry, settings)
  const { buffer = most, maxBytes = RESUME_BYTES } = resume === true ? {} : resume
  if (buffer > most) throw tooMany(`functions.${name}.http.resume.buffer`, most, buffer)
  return { ...said, resume: most === Number.POSITIVE_INFINITY ? resume : { buffer, maxBytes } }
}

/** Options of the WebSocket side of a function. */
export function socketOf(entry: Entry, settings: Settings): ServedSocketOptions {
  const { fn, websocket, name } = entry
  const said = { ...settings.websocket, ...websocket }
  if (keepingOf(fn) === undefined) return said
  const most = mostKept(entry, settings)
  if ((said.resumeBuffer ?? 0) > most) throw tooMany(`functions.${name}.websocket.resumeBuffer`, most, said.resumeBuffer)
  const { onDisconnect = { graceMs: GRACE_MS }, resumeBuffer = Math.min(KEPT, most) } = said
  return { ...said, onDisconnect, resumeBuffer }
}

/** Results that a client may not have yet wait in the cluster too, where their host waits for room: more than half of that is too close to it. */
function mostKept({ name }: Entry, { sharing }: Settings): number {
  return sharing?.functions.has(name) === true ? Math.max(1, sharing.backlog >> 1) : Number.POSITIVE_INFINITY
}

function tooMany(field: string, most: number, given: number | undefined): Error {
  return configError(`createServer(options).${field}`, `${most} at most, half the backlog of the cluster`, given)
}

/** How long clients of a durable function may stay away, ms. */
export function graceOf(entry: Entry, settings: Settings): number {
  const ways = [httpOf(entry, settings).onDisconnect, socketOf(entry, settings).onDisconnect]
  return Math.max(...ways.map((way) => (typeof way === 'object' ? way.graceMs : GRACE_MS)))
}
