// How a durable function is served where nobody says it: so that its clients may come back.

import { keepingOf } from '../../kit/keeping/keeping.js'
import type { ServedHttp, ServedSocketOptions, Settings } from '../options.js'
import type { Entry } from './functions.js'

/** How long a client may stay away from its stream, ms. */
const GRACE_MS = 30_000

/** Options of the HTTP side of a function. */
export function httpOf({ fn, http }: Entry, settings: Settings): ServedHttp {
  const said = { ...settings.http, ...http }
  const { resume, out = 'auto', id, onDisconnect } = said
  // Only server-sent events have numbers to come back with.
  const fits = (out === 'auto' || out === 'sse') && id === undefined && typeof onDisconnect !== 'string'
  return keepingOf(fn) !== undefined && resume === undefined && fits ? { ...said, resume: true } : said
}

/** Options of the WebSocket side of a function. */
export function socketOf({ fn, websocket }: Entry, settings: Settings): ServedSocketOptions {
  const said = { ...settings.websocket, ...websocket }
  return keepingOf(fn) !== undefined && said.onDisconnect === undefined ? { ...said, onDisconnect: { graceMs: GRACE_MS } } : said
}

/** How long clients of a durable function may stay away, ms. */
export function graceOf(entry: Entry, settings: Settings): number {
  const ways = [httpOf(entry, settings).onDisconnect, socketOf(entry, settings).onDisconnect]
  return Math.max(...ways.map((way) => (typeof way === 'object' ? way.graceMs : GRACE_MS)))
}
