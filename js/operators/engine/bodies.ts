// The generators that operators are made of: how they pass for async generator functions, and how an operator that runs another finds its body.

import type { StreamContext, StreamGenerator } from '../../index.js'
import { HOLDS } from '../../kit/marks.js'

/** Makes the results of one stream out of its events. */
export type Maker<In, Out> = (events: AsyncIterableIterator<In>, ctx: StreamContext) => AsyncIterator<Out>

const bodies = new WeakMap<object, StreamGenerator<never, unknown>>()
/** Those that take events before the results of earlier ones are there. */
const ahead = new WeakSet<object>()

/**
 * The core takes async generator functions only, because a plain function is most often a mistake. This one makes an object that keeps the law of async generators,
 * says so by its tag, and saves two promises an event.
 */
export function asGenerator<In, Out>(body: Maker<In, Out>): StreamGenerator<In, Out> {
  const tagged = (events: AsyncIterableIterator<In>, ctx: StreamContext) => body(events, ctx)
  return Object.defineProperty(tagged, Symbol.toStringTag, { value: 'AsyncGeneratorFunction' }) as unknown as StreamGenerator<In, Out>
}

/** Says of a generator that it takes events before the results of earlier ones are there. */
export function holding<In, Out>(generator: StreamGenerator<In, Out>): StreamGenerator<In, Out> {
  return Object.defineProperty(generator, HOLDS, { value: true })
}

/** Lets `fn` run inside another operator without a stream, and a permit, of its own. `runsAhead`: it may ask for an event before it has given the result of the last one. */
export function remember<In, Out>(fn: object, generator: StreamGenerator<In, Out>, runsAhead: boolean): void {
  bodies.set(fn, generator as unknown as StreamGenerator<never, unknown>)
  if (runsAhead) ahead.add(fn)
}

/** Whether it is an operator that takes events ahead of its results. */
export function runsAhead(fn: object): boolean {
  return ahead.has(fn)
}

/** What a stream function is made of, if it is an operator. */
export function bodyOf(fn: object): StreamGenerator<never, unknown> | undefined {
  return bodies.get(fn)
}
