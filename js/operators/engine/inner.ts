// Functions of which operators run many instances: what may be given, and how an instance starts.

import type { StreamContext, StreamFunction, StreamGenerator } from '../../index.js'
import { configError } from '../../kit/check.js'
import { bodyOf } from './bodies.js'
import type { LaneEvents } from './lane-events.js'

/** What an operator runs inside: a stream function, or a plain async generator function. */
export type Inner<In, Out> = StreamFunction<In, Out> | StreamGenerator<In, Out>

/** The events that such a function takes. By way of members that older compilers can see through too. */
export type InnerIn<Fn> = Fn extends { open(): { sendBatch(events: readonly (infer In)[]): unknown } }
  ? In
  : Fn extends (events: infer Events, ...more: never[]) => unknown
    ? Events extends AsyncIterable<infer In>
      ? In
      : never
    : never

/** Its results. */
export type InnerOut<Fn> = Fn extends (...args: never[]) => AsyncIterable<infer Out> ? Out : never

/** The results of one instance. */
export type InnerResults<Out> = AsyncIterator<Out, unknown, undefined>

/** How an instance of a stream function is driven: called, in lockstep; or opened and fed, so that it runs ahead within its own buffers. */
export type Drive = 'call' | 'feed'

/** Throws VELO_CONFIG for what is neither kind of function. */
export function checkInner(fn: unknown, field: string): void {
  const tag = Object.prototype.toString.call(fn)
  if (typeof fn === 'function' && (tag === '[object AsyncGeneratorFunction]' || typeof (fn as { open?: unknown }).open === 'function'))
    return
  throw configError(field, 'a stream function or an async generator function', fn)
}

/** The generator function, where instances are driven without a stream of their own. */
export function generatorOf<In, Out>(fn: Inner<In, Out>): StreamGenerator<In, Out> | undefined {
  if (!('open' in fn)) return fn
  return bodyOf(fn) as StreamGenerator<In, Out> | undefined
}

/** Starts an instance. It does nothing before its first next(), unless it is fed. */
export function startInner<In, Out>(fn: Inner<In, Out>, events: LaneEvents<In>, ctx: StreamContext, drive: Drive): InnerResults<Out> {
  const generator = generatorOf(fn)
  if (generator !== undefined) return generator(events, ctx)
  const stream = fn as StreamFunction<In, Out>
  return drive === 'feed' ? stream.open().feed(events) : stream(events)
}
