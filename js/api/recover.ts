// `runtime.recover()`: what a crash left is opened again, so many streams at a time.

import { definitions } from '../engine/definition.js'
import { configError, integer, onlyKnown } from '../kit/check.js'
import type { Stream } from './stream.js'
import type { StreamFunction } from './stream-fn.js'

/** Options of `runtime.recover`. */
export interface RecoverOptions {
  /** Durable stream functions whose streams are opened again. */
  functions: Iterable<StreamFunction<never, unknown>>
  /** How many streams are read from their journals and played at a time. Default 16. */
  concurrency?: number
}

/** The streams that were opened again, by the name of their function and by their id. */
export type Recovered = Record<string, Record<string, Stream<never, unknown>>>

/** Resolves when all of them have come back, or wait for somebody to read. Rejects with the first error; what was opened by then is closed, and kept. */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  onlyKnown(options, 'runtime.recover(options)', ['functions', 'concurrency'])
  const { functions, concurrency } = options
  const field = 'runtime.recover(options).functions'
  if (typeof functions?.[Symbol.iterator] !== 'function') throw configError(field, 'a list of durable stream functions', functions)
  const most = integer(concurrency, 'runtime.recover(options).concurrency', 1, 16)
  const left: { fn: StreamFunction<never, unknown>; id: string }[] = []
  for (const fn of functions) {
    if (definitions.get(fn)?.options.durable === undefined) throw configError(field, 'stream functions with the option durable', fn)
    for (const { id } of await fn.unfinished()) left.push({ fn, id })
  }
  // Without a prototype: any text is an id.
  const recovered: Recovered = Object.create(null)
  const streams: Stream<never, unknown>[] = []
  async function open(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { fn, id } = next
      const stream = fn.open({ id })
      streams.push(stream)
      await stream.resumed
      recovered[fn.name] ??= Object.create(null) as Recovered[string]
      ;(recovered[fn.name] as Recovered[string])[id] = stream
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(most, left.length) }, open))
  } catch (error) {
    left.length = 0
    await Promise.allSettled(streams.map((stream) => stream.close()))
    throw error
  }
  return recovered
}
