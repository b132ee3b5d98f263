// `consume`: a stream function at work on a source, results to a sink, events acknowledged when they are done.

import { definitions } from '../../engine/definition.js'
import { callable, configError, integer, iterable, onlyKnown, signalOf, word } from '../../kit/check.js'
import { line } from '../../kit/sight/log.js'
import { late } from '../../kit/start/late.js'
import type { StreamGenerator } from '../../kit/types.js'
import { WorkerPlacement } from '../../workers/caller/placement.js'
import { type StreamFunction, streamFn } from '../stream-fn.js'
import type { AckSource, Consumed, PartedSource, Sink } from './contract.js'

/** Options of `consume`. */
export interface ConsumeOptions<In, Out> {
  /** Where events come from: a source of an adapter, or anything that can be iterated. One with parts has an instance of the function for each of them. */
  source: AckSource<In> | PartedSource<In> | AsyncIterable<In> | Iterable<In>
  /** Where results go. Without one they are counted and forgotten: what the function does is the purpose. */
  sink?: Sink<Out> | undefined
  /** Stops it in order: nothing more is read, what is in work finishes and is acknowledged. */
  signal?: AbortSignal | undefined
  /**
   * What a function that throws means. `'retry'`: what was not done is delivered again, one event at a time, to fresh instances; the source counts, and puts the culprit aside in the end. A source that
   * cannot do that, or `'stop'`: `consume` rejects with that error. Default `'retry'`.
   */
  onError?: 'retry' | 'stop' | undefined
  /** Most events that were read and are not done, of each part of a source that has some; beyond that nothing is read. A function that holds more at once never goes on. Integer from 1. Default 16384. */
  maxUnacked?: number | undefined
}

/** Most processes consume nothing. Not by an import: a source that fails or speaks meanwhile would have no listener. */
const consumptions = late<typeof import('./consumptions.js')>(() => new URL('./consumptions.js', import.meta.url))

const NAMES = ['source', 'sink', 'signal', 'onError', 'maxUnacked'] as const

/**
 * Runs `fn` on everything that `source` gives, and resolves when that is over, or `signal` stopped it. An event is acknowledged once the function is through with it (it asked for the next one) and
 * every result up to there was accepted by the sink: at least once. Where sink and source are one store that can, results and acknowledgements are one step: exactly once.
 *
 * Not awaited, and with a `signal`, it works in the background.
 *
 * @throws VeloError (a rejection) `VELO_CONFIG` for options; whatever the source or the sink throw; with `onError: 'stop'`, what the function throws.
 */
export async function consume<In, Out>(
  fn: StreamFunction<In, Out> | StreamGenerator<In, Out>,
  options: ConsumeOptions<NoInfer<In>, NoInfer<Out>>,
): Promise<Consumed> {
  const def = definitions.get(fn) ?? definitions.get(streamFn(fn as StreamGenerator<In, Out>))
  const field = 'consume(fn, options)'
  if (def === undefined) throw configError('consume(fn)', 'a stream function', fn)
  if (def.options.durable !== undefined)
    throw configError('consume(fn)', 'a function without the option durable: its source keeps the events', fn)
  if (def.options.state !== undefined) throw configError('consume(fn)', 'a function without the option state, which nobody keeps here', fn)
  for (const { placement } of def.stages) {
    if (placement instanceof WorkerPlacement && placement.travel.onWorkerExit === 'reopen')
      throw configError('consume(fn)', "a function without onWorkerExit 'reopen': what was not done is delivered again by itself", fn)
  }
  onlyKnown(options, field, NAMES)
  const { source, sink } = options
  const isParted = typeof (source as Partial<PartedSource<In>> | undefined)?.parts === 'function'
  if (!isParted) iterable(source, `${field}.source`)
  if (sink !== undefined) callable(sink?.write, `${field}.sink.write`)
  const plan = {
    def,
    sink: sink as Sink<unknown> | undefined,
    signal: signalOf(options.signal, `${field}.signal`),
    stops: word(options.onError, `${field}.onError`, ['retry', 'stop']) === 'stop',
    maxUnacked: integer(options.maxUnacked, `${field}.maxUnacked`, 1, 16_384),
  }
  const { Consumption, PartedConsumption } = consumptions()
  const running = isParted
    ? new PartedConsumption({ ...plan, source: source as PartedSource<unknown> }).run()
    : new Consumption({ ...plan, source: acknowledged(source as AckSource<unknown> | AsyncIterable<unknown> | Iterable<unknown>) }).run()
  try {
    return await running
  } catch (error) {
    // Also where nobody awaits it: the rejection alone would not say what has stopped.
    const { name } = def.options
    line('error', { code: 'velo:consume-failed', function: name, err: error }, `consume of ${name} has stopped: ${messageOf(error)}`)
    throw error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A source that wants to hear what is done is used as it is. Of any other only its iterator is: the `end` of a stream of Node.js is not that of a source. */
function acknowledged(source: AckSource<unknown> | AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown> {
  if (typeof (source as Partial<AckSource<unknown>>).ack === 'function') return source as AckSource<unknown>
  if (!(Symbol.asyncIterator in source)) return asynchronous(source)
  return { [Symbol.asyncIterator]: () => source[Symbol.asyncIterator]() }
}

async function* asynchronous(source: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* source
}
