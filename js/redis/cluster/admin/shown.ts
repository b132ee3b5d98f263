// What is told of sessions and workers to whoever looks after a cluster.

import { readEnd } from '../../../durable/stream/commits/end.js'
import type { StreamEnd } from '../../../kit/types.js'
import { decodeRecord } from '../../../workers/codec/late-record.js'
import { keyOf } from '../../session/keys.js'
import { readEvent } from '../../session/records.js'

/** A process that hosts sessions. */
export interface ClusterWorker {
  readonly id: string
  /** Sessions that it has. */
  readonly sessions: number
  /** ms since its last sign of life, and after how many it counts as dead. */
  readonly age: number
  readonly lease: number
  readonly alive: boolean
  /** It was told to give back what it hosts, and to take no more. */
  readonly drained: boolean
}

export interface ClusterSession {
  readonly function: string
  readonly id: string
  /** When it was opened first, Unix ms. */
  readonly at: number
  /** `undefined`: nobody hosts it. */
  readonly worker: string | undefined
  /** Events accepted, and those of them that its host has not taken yet. */
  readonly events: number
  readonly waiting: number
  /** Results made, and those of them that wait for readers. */
  readonly results: number
  readonly unread: number
  /** Deaths of its hosts while it executed an event that it has not finished since. */
  readonly takeovers: number
  /** Its input has ended. */
  readonly ended: boolean
  /** Bytes of its state. */
  readonly stateBytes: number
  /** ms until it is forgotten, if nothing happens. */
  readonly ttl: number
  /** How it ended, where it did. */
  readonly end: StreamEnd | undefined
}

/** A session with events that its function has not finished. */
export interface BehindSession extends ClusterSession {
  readonly unfinished: number
  /** ms for which it has finished none, though one was there. */
  readonly stalledFor: number
}

/** A session as it was when it was given up. */
export interface DeadSession extends ClusterSession {
  /** The event that its function executed when its process died. `value`: as it was sent, where it can be decoded here. */
  readonly culprit: { readonly index: number; readonly bytes: number; readonly value?: unknown } | undefined
}

/** A session that was given up. */
export interface DeadLetter {
  readonly function: string
  readonly id: string
  readonly takeovers: number
  /** When, Unix ms. */
  readonly at: number
}

export type Shown = [Buffer, Buffer[] | Record<string, Buffer>, number, number, number, Buffer, Buffer, Buffer]

/** `undefined`: it is not kept. */
export function sessionOf(tag: string, [, fields, unread, bytes, ttl, over]: Shown): ClusterSession | undefined {
  const m = fieldsOf(fields)
  if (m.at === undefined || m.n === undefined) return undefined
  const number = (name: string): number => Number(m[name] ?? 0)
  const { function: name, id } = keyOf(tag)
  const isOver = over.length > 0
  return {
    function: name,
    id,
    at: number('at'),
    worker: isOver ? undefined : m.w,
    events: number('i'),
    waiting: isOver ? 0 : Math.max(0, number('i') - number('u')),
    results: number('of') + unread,
    unread,
    takeovers: number('x'),
    ended: m.en !== undefined,
    stateBytes: isOver ? 0 : bytes,
    ttl,
    end: isOver ? readEnd(over).end : undefined,
  }
}

/** `undefined`: it is not behind, over, or not kept. */
export function behindOf(tag: string, shown: Shown): BehindSession | undefined {
  const session = sessionOf(tag, shown)
  if (session === undefined || session.end !== undefined) return undefined
  const [, fields, , , , , now, first] = shown
  const m = fieldsOf(fields)
  const unfinished = session.events - Number(m.p ?? 0)
  if (unfinished <= 0) return undefined
  const since = Math.max(Number(m.pt ?? session.at), first.length === 0 ? 0 : readEvent(first).at)
  return { ...session, unfinished, stalledFor: Math.max(0, Number(now) - since) }
}

export function deadOf(tag: string, shown: Shown): DeadSession | undefined {
  const session = sessionOf(tag, shown)
  return session && { ...session, culprit: culpritOf(shown) }
}

function culpritOf([, fields, , , , , , first]: Shown): DeadSession['culprit'] {
  if (first.length === 0) return undefined
  const { bytes } = readEvent(first)
  const about = { index: Number(fieldsOf(fields).p ?? 0), bytes: bytes.byteLength }
  try {
    return { ...about, value: decodeRecord(bytes, 'structured') }
  } catch {
    return about
  }
}

/** The entry of a session in the directory. */
export function entryOf([, fields]: Shown): string | undefined {
  return fieldsOf(fields).d
}

/** Clients give a hash that comes out of a script as pairs, or as an object. */
export function fieldsOf(fields: Buffer[] | Record<string, Buffer>): Record<string, string | undefined> {
  if (!Array.isArray(fields)) return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]))
  return Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[String(name), String(fields[at + 1])]] : [])))
}

export function deadLetterOf([entry, fields]: [Buffer, Buffer[]]): DeadLetter {
  const { s = '/', takeovers } = fieldsOf(fields)
  return { ...keyOf(s), takeovers: Number(takeovers), at: Number(String(entry).split('-')[0]) }
}
