// keyed: one instance of a function per key of an interleaved stream. Owns: what users see, and the checks. The engine is keyed-fan.ts.

import { callable, configError, duration, flag, integer, onlyKnown } from '../../kit/check.js'
import { type Clock, clockOf } from '../../kit/clock.js'
import { reader } from '../engine/by.js'
import { type HandMade, handMade } from '../engine/hand-made.js'
import { checkInner, type Inner, type InnerIn, type InnerOut } from '../engine/inner.js'
import { KeyedFan } from './keyed-fan.js'

/**
 * Why the instance of a key ended: `idle`: no event for `idleTimeout`; `lru`: its place was needed; `until`: the predicate said so; `end`: the stream ended; `done`: its
 * function returned by itself.
 */
export type EvictReason = 'idle' | 'lru' | 'until' | 'end' | 'done'

/** One result, and the key it belongs to. */
export interface Keyed<Key, Value> {
  key: Key
  value: Value
}

/** Options of `keyed`. Durations are milliseconds. */
export interface KeyedOptions<In, Key = unknown, By = keyof In | ((event: In) => Key)> {
  /** The key of an event: the name of a property, or a function. Keys are compared as those of a `Map`. */
  by: By
  /** Whether `undefined` is a key, one for all events without. Otherwise such an event fails the stream with `VELO_EVENT`. Default `false`. */
  allowUndefined?: boolean | undefined
  /** How many instances may live at once. For one more key the least recently used is ended, and its last results delivered. Integer from 1. Default 10000. */
  maxKeys?: number | undefined
  /** Ends the instance of a key that waits for an event so long. The clock stands still while the source is held back. 0 or left out = never. */
  idleTimeout?: number | undefined
  /** Ends the instance of this key after this event. */
  until?: ((event: In, key: Key) => boolean) | undefined
  /** Told when the instance of a key has ended and finished. Not when the whole stream is closed or fails. The end of the stream waits for a promise that it returns. */
  onEvict?: ((key: Key, reason: EvictReason) => void | PromiseLike<void>) | undefined
  /** How many events of one key may wait for its function. Then the source is held back. Integer from 1. Default 16. */
  buffer?: number | undefined
  /** How many events of all keys together may wait, and how many results until the functions suspend (each holds one more). Integer from 1. Default 1024. */
  maxWaiting?: number | undefined
  /** Where the time comes from. Default: the machine. */
  clock?: Clock | undefined
}

/** Numbers of a keyed function beside its metrics. */
export interface KeyedNumbers {
  /** Instances that live now. */
  readonly keysOpen: number
  /** Instances that were started. */
  readonly keysOpened: number
  /** Instances that have ended, by reason. */
  readonly keysEnded: Readonly<Record<EvictReason, number>>
}

const NAMES = ['by', 'allowUndefined', 'maxKeys', 'idleTimeout', 'until', 'onEvict', 'buffer', 'maxWaiting', 'clock']

/**
 * Runs one instance of `fn` per key, with local variables of its own, and yields `{ key, value }`. The order within a key is kept; keys run side by side. An instance ends
 * when its key falls silent, when `until` says so, when its place is needed, or with the stream: its events end, it may yield a last summary, and it is gone. A key that
 * comes again gets a new instance, which starts when the one before it has finished.
 *
 * What an instance throws fails the stream, untouched; the others get return(). What the source throws is thrown into every instance.
 * An instance that returns by itself leaves the events it has not taken to the next one of its key; an instance that took none loses one.
 * A plain generator function costs least. Of a stream function every key takes a permit: give it `maxConcurrent` for as many keys. `keyed`, `shard`, `route` and `window` need none.
 *
 * @example
 * const sessions = keyed(session, { by: 'user', idleTimeout: 30_000, maxKeys: 1000 })
 * for await (const { key, value } of sessions(clicks)) console.log(key, value)
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function keyed<In, Out, Name extends keyof In>(
  fn: Inner<In, Out>,
  options: KeyedOptions<In, In[Name], Name>,
): HandMade<In, Keyed<In[Name], Out>, KeyedNumbers>
export function keyed<In, Out, Key>(
  fn: Inner<In, Out>,
  options: KeyedOptions<In, Key, (event: In) => Key>,
): HandMade<In, Keyed<Key, Out>, KeyedNumbers>
export function keyed<Fn extends Inner<never, unknown>, const Name extends keyof InnerIn<Fn>>(
  fn: Fn,
  options: KeyedOptions<InnerIn<Fn>, InnerIn<Fn>[Name], Name>,
): HandMade<InnerIn<Fn>, Keyed<InnerIn<Fn>[Name], InnerOut<Fn>>, KeyedNumbers>
export function keyed<In, Out>(fn: Inner<In, Out>, options: KeyedOptions<In>): HandMade<In, Keyed<unknown, Out>, KeyedNumbers> {
  const field = 'keyed(options)'
  checkInner(fn, 'keyed(fn)')
  onlyKnown(options, field, NAMES)
  const { by, until, onEvict, clock } = options
  if (until !== undefined) callable(until, `${field}.until`)
  if (onEvict !== undefined) callable(onEvict, `${field}.onEvict`)
  if (by === undefined) throw configError(`${field}.by`, 'the name of a property or a function', by)
  const plan = {
    fn,
    keyOf: reader(by, `${field}.by`),
    allowUndefined: flag(options.allowUndefined, `${field}.allowUndefined`, false),
    maxKeys: integer(options.maxKeys, `${field}.maxKeys`, 1, 10_000),
    idleTimeout: duration(options.idleTimeout, `${field}.idleTimeout`, 0, 0),
    buffer: integer(options.buffer, `${field}.buffer`, 1, 16),
    maxWaiting: integer(options.maxWaiting, `${field}.maxWaiting`, 1, 1024),
    clock: clockOf(clock, `${field}.clock`),
    until,
    onEvict,
  }
  return handMade({ name: 'keyed' }, () => {
    const numbers = { keysOpen: 0, keysOpened: 0, keysEnded: { idle: 0, lru: 0, until: 0, end: 0, done: 0 } }
    return { body: (events, ctx) => new KeyedFan(events, ctx, plan, numbers), numbers }
  })
}
