// `velo consume`: a stream function at work on a stream of Redis, Valkey or NATS, or on topics of Kafka, until a signal stops it. The client is whichever of the user's is installed.

import { type AckSource, type Consumed, consume as consumed, type PartedSource } from '../index.js'
import type { Broker, Route } from './brokers/broker.js'
import { kafkaBroker } from './brokers/kafka.js'
import { natsBroker } from './brokers/nats.js'
import { redisBroker } from './brokers/redis.js'
import { described, Exit, errorJson, exitCode } from './failure.js'
import { Interrupt } from './interrupt.js'
import { explained, loadFunction } from './run/load.js'
import { Progress } from './run/progress.js'
import { say } from './terminal.js'

/** What the command line says. */
export interface ConsumeCommand extends Route {
  readonly file: string
  readonly exported: string
  readonly worker: boolean
  /** One of the three. */
  readonly redis: string | undefined
  readonly nats: string | undefined
  readonly kafka: string | undefined
  /** `undefined` = where stderr is a terminal. */
  readonly progress: boolean | undefined
  readonly json: boolean
}

/** Runs until a signal stops it, and answers the exit code: a signal is how it ends, so that is 0. */
export async function consume(options: ConsumeCommand): Promise<number> {
  const { file } = options
  const counts = { events: 0, results: 0 }
  let numbers: Consumed | undefined
  let failure: { error: unknown } | undefined
  const fn = await loadFunction(file, options.exported, options.worker)
  const { source, sink, close } = await brokerOf(options)
  const interrupt = new Interrupt()
  const stop = new AbortController()
  interrupt.onStop(() => stop.abort())
  const progress = (options.progress ?? (process.stderr.isTTY && !options.json)) ? new Progress(() => counts) : undefined
  try {
    numbers = await consumed(fn, { source: told(source, counts), sink, signal: stop.signal })
  } catch (error) {
    failure = { error: explained(error, file) }
    if (!options.json) say(described(failure.error), 'red')
  } finally {
    interrupt.dispose()
    progress?.stop()
    await close()
  }
  const code = failure === undefined ? Exit.ok : exitCode(failure.error)
  const error = failure === undefined ? {} : { error: errorJson(failure.error) }
  if (options.json) process.stderr.write(`${JSON.stringify({ exitCode: code, ...numbers, ...error })}\n`)
  else if (numbers !== undefined)
    say(
      Object.entries(numbers)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    )
  return code
}

function brokerOf(options: ConsumeCommand): Promise<Broker> {
  const { redis, nats, kafka } = options
  if (kafka !== undefined) return kafkaBroker(kafka, options)
  return nats === undefined ? redisBroker(redis as string, options) : natsBroker(nats, options)
}

interface Counts {
  events: number
}

/** The same source, whose events are counted as they come. */
function told(source: AckSource<unknown> | PartedSource<unknown>, counts: Counts): AckSource<unknown> | PartedSource<unknown> {
  if (!('parts' in source)) {
    tell(source, counts)
    return source
  }
  const parts = source.parts.bind(source)
  source.parts = () => each(parts(), (part) => tell(part, counts))
  return source
}

function tell(source: AckSource<unknown>, counts: Counts): void {
  const batches = source.batches?.bind(source)
  if (batches === undefined) return
  source.batches = () =>
    each(batches(), ({ length }) => {
      counts.events += length
    })
}

/** The same, with a look at everything that comes. */
function each<Item>(reader: AsyncIterator<Item>, look: (item: Item) => void): AsyncIterator<Item> {
  const next = async () => {
    const read = await reader.next()
    if (read.done !== true) look(read.value)
    return read
  }
  return { next, return: async () => (await reader.return?.()) ?? { value: undefined, done: true } }
}
