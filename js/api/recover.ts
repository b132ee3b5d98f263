// `runtime.recover()`: what a crash left is opened again, `concurrency` streams at a time.

import { native } from '../engine/border/native.js'
import { type Definition, definitions } from '../engine/definition.js'
import { callable, configError, integer, onlyKnown } from '../kit/check.js'
import { silence } from '../kit/promises.js'
import { DURABILITY, type Durable } from './keeping/durability.js'
import type { Live } from './live.js'
import { Stream } from './stream.js'
import type { StreamFunction } from './stream-fn.js'

/** Options of `runtime.recover`. */
export interface RecoverOptions {
  /** Durable stream functions whose streams are opened again. */
  functions: Iterable<StreamFunction<never, unknown>>
  /** How many streams are read from their journals and played at a time. Default 16. */
  concurrency?: number
  /** Receives the error of each stream that cannot be resumed; it stays in its journal. Default: `process.emitWarning`. */
  onError?: (error: unknown, stream: { readonly function: string; readonly id: string }) => void
}

/** The streams that were opened again, by the name of their function and by their id. */
export type Recovered = Record<string, Record<string, Stream<never, unknown>>>

interface Unfinished {
  readonly def: Definition
  readonly id: string
}

const LONGEST_LINE = 2 ** 32 - 1

/**
 * Resolves when each of them has come back, waits for somebody to read, or waits for a place because `maxConcurrent` others are open. A stream that cannot be resumed is reported to `onError`, and keeps no other one
 * from coming back. Rejects where the streams of a function cannot be listed, before anything is opened.
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  onlyKnown(options, 'runtime.recover(options)', ['functions', 'concurrency', 'onError'])
  const { functions, concurrency, onError = warn } = options
  const field = 'runtime.recover(options).functions'
  if (typeof functions?.[Symbol.iterator] !== 'function') throw configError(field, 'a list of durable stream functions', functions)
  const most = integer(concurrency, 'runtime.recover(options).concurrency', 1, 16)
  callable(onError, 'runtime.recover(options).onError')
  const left: Unfinished[] = []
  for (const fn of new Set(functions)) {
    const def = definitions.get(fn)
    if (def?.options.durable === undefined) throw configError(field, 'stream functions with the option durable', fn)
    for (const { id } of await fn.unfinished()) left.push({ def, id })
  }
  // Without a prototype: any text is an id.
  const recovered: Recovered = Object.create(null)
  async function reopen(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { def, id } = next
      const { name } = def.options
      try {
        const stream = await opened(next)
        recovered[name] ??= Object.create(null) as Recovered[string]
        ;(recovered[name] as Recovered[string])[id] = stream
      } catch (error) {
        report(onError, error, { function: name, id })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(most, left.length) }, reopen))
  return recovered
}

/** The stream, in line for a place if need be, however short the line of its function is. */
async function opened({ def, id }: Unfinished): Promise<Stream<never, unknown>> {
  const live = openedInLine(def, id)
  try {
    await (live.lives?.whenBack?.() ?? live.lives?.resumed)
  } catch (error) {
    silence(live.instance.close())
    throw error
  }
  return new Stream(live)
}

function openedInLine(def: Definition, id: string): Live {
  const { durable, queue } = def.options
  native.setQueue(def.fn, LONGEST_LINE)
  try {
    return (durable as Durable)[DURABILITY].open(def, { id }, undefined)
  } finally {
    native.setQueue(def.fn, queue)
  }
}

/** A listener that throws keeps no stream from coming back. */
function report(onError: NonNullable<RecoverOptions['onError']>, error: unknown, stream: { function: string; id: string }): void {
  try {
    onError(error, stream)
  } catch (thrown) {
    warn(thrown, stream)
  }
}

function warn(error: unknown, stream: { function: string; id: string }): void {
  const message = `runtime.recover(): stream ${JSON.stringify(stream.id)} of ${stream.function} was not resumed: ${error instanceof Error ? error.message : String(error)}`
  process.emitWarning(message, { type: 'VeloWarning', code: 'VELO_CHECKPOINT' })
}
