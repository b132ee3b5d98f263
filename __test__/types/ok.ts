// Programs that must compile. Each says in its types what it expects; nothing here is run.

import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream, WritableStream } from 'node:stream/web'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  AbortError,
  ClosedError,
  type EndReason,
  type FunctionMetrics,
  type LatencyQuantiles,
  OverloadedError,
  runtime,
  type Snapshot,
  type Source,
  type SourceFrom,
  type Stream,
  type StreamContext,
  type StreamEnd,
  type StreamFunction,
  type StreamGenerator,
  type StreamHeaders,
  type StreamMetrics,
  type StreamOptions,
  type StreamState,
  streamFn,
  TimeoutError,
  type ValueIterator,
  VeloError,
  type VeloErrorCode,
} from 'velo-stream'
import { connect, subscribe } from 'velo-stream/client'
import { eventsFrom } from 'velo-stream/http'
import { controlledSource } from 'velo-stream/testing'
import { z } from 'zod'

/** True only when both types are the same; `any` is the same as itself alone. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <_ extends true>(): void => {}

// The helper itself: it tells any, unknown and never from what was meant.
type Not<T extends boolean> = T extends true ? false : true
is<Not<Equal<unknown, number>>>()
is<Not<Equal<never, number>>>()
is<Not<Equal<ReturnType<typeof JSON.parse>, number>>>()
is<Not<Equal<StreamFunction<number, ReturnType<typeof JSON.parse>>, StreamFunction<number, string>>>>()

// Inference through streamFn.

export const length = streamFn(async function* (words: AsyncIterable<string>) {
  for await (const word of words) yield word.length
})
is<Equal<typeof length, StreamFunction<string, number>>>()

export const byIterator = streamFn(async function* (words: AsyncIterableIterator<string>, ctx) {
  is<Equal<typeof ctx, StreamContext>>()
  const { value, done } = await words.next()
  if (!done) yield value.length
})
is<Equal<typeof byIterator, StreamFunction<string, number>>>()

export const given = streamFn<string, number>(async function* (words, ctx) {
  is<Equal<typeof words, ValueIterator<string>>>()
  is<Equal<typeof ctx, StreamContext>>()
  const first = await words.next()
  is<Equal<typeof first.value, string | undefined>>()
  for await (const word of words) yield word.length
})
is<Equal<typeof given, StreamFunction<string, number>>>()

export const mixed = streamFn(async function* (events: AsyncIterable<number>) {
  for await (const event of events) {
    if (event > 0) yield { event, positive: true as const }
    else yield null
  }
})
is<Equal<typeof mixed, StreamFunction<number, { event: number; positive: true } | null>>>()

interface Frame {
  readonly kind: 'frame'
  readonly bytes: Uint8Array
}
export const generic = <T extends { readonly bytes: Uint8Array }>() =>
  streamFn(async function* (events: AsyncIterable<T>) {
    for await (const event of events) yield event
  })
const frames = generic<Frame>()
is<Equal<typeof frames, StreamFunction<Frame, Frame>>>()

const optioned = streamFn(
  async function* (words: AsyncIterable<string>) {
    for await (const word of words) yield word
  },
  {
    name: 'words',
    buffer: 16,
    idleTimeout: 0,
    maxDuration: 1000,
    closeTimeout: 100,
    maxConcurrent: 5,
    queue: 5,
    maxStall: 0,
    placement: 'local',
  },
)
is<Equal<typeof optioned, StreamFunction<string, string>>>()

// What run, a call, open and feed give.

export async function calls(): Promise<void> {
  const lengths = await length.run(['a', 'bb'])
  is<Equal<typeof lengths, number[]>>()
  const results = length(['a'])
  is<Equal<typeof results, ValueIterator<number> & AsyncDisposable>>()
  const iterator: AsyncIterableIterator<number> = results
  void iterator
  for await (const one of results) is<Equal<typeof one, number>>()
  const first = await length(['a'], { signal: AbortSignal.timeout(1000) }).next()
  is<Equal<typeof first, IteratorResult<number, undefined>>>()
  is<Equal<typeof first.value, number | undefined>>()
  const iterated = await results[Symbol.asyncIterator]().next()
  is<Equal<typeof iterated.value, number | undefined>>()

  // Every source of its kind, promises of events in a sync one too.
  await length.run(new Set(['a']))
  await length.run(['a', Promise.resolve('b')])
  await length.run('text')
  await length.run(
    (function* () {
      yield 'a'
    })(),
  )
  await length.run(
    (async function* () {
      yield 'a'
    })(),
  )
  await length.run(new Map<string, number>().keys(), { signal: new AbortController().signal })
  await length.run(Readable.from(['a']))
  const web: ReadableStream<string> = new Blob(['a']).stream() as unknown as ReadableStream<string>
  await length.run(web)
  await mixed.run(await length.run(['a']))
  await mixed.run(length(['a']))
  is<Equal<Parameters<typeof length.run>[0], Source<string> | SourceFrom<string>>>()
}

export async function live(): Promise<void> {
  const headers: StreamHeaders = { user: 'ann', many: ['a', 'b'], none: undefined }
  const stream = length.open({ id: 'one', headers, signal: AbortSignal.timeout(1000) })
  is<Equal<typeof stream, Stream<string, number>>>()
  const sent = stream.send('a', { signal: AbortSignal.timeout(10) })
  is<Equal<typeof sent, Promise<void>>>()
  const accepted = stream.trySend('b')
  is<Equal<typeof accepted, boolean>>()
  const batch = stream.sendBatch(['c', 'd'] as const)
  is<Equal<typeof batch, Promise<void>>>()
  const first = await stream.recv({ timeout: 100, signal: AbortSignal.timeout(10) })
  is<Equal<typeof first, number>>()
  const more = await stream.recvBatch(10)
  is<Equal<typeof more, number[]>>()
  for await (const one of stream) is<Equal<typeof one, number>>()
  for await (const one of length.open().feed(['a', 'b'])) is<Equal<typeof one, number>>()
  const fed = await length.open().feed(['a', 'b']).next()
  is<Equal<typeof fed.value, number | undefined>>()
  const pulled = await stream[Symbol.asyncIterator]().next()
  is<Equal<typeof pulled.value, number | undefined>>()
  const ended = stream.end()
  is<Equal<typeof ended, void>>()
  stream.abort()
  stream.abort(new Error('why'))
  const end = await stream.closed
  is<Equal<typeof end, StreamEnd>>()
  is<Equal<typeof end.reason, 'done' | 'closed' | 'idle' | 'aborted' | 'failed'>>()
  is<Equal<EndReason, 'done' | 'closed' | 'idle' | 'aborted' | 'failed'>>()
  is<Equal<typeof end.dropped.events, number>>()
  is<Equal<typeof end.detached, boolean>>()
  is<Equal<typeof end.error, unknown>>()
  is<Equal<typeof end.stage, string | undefined>>()
  is<Equal<typeof stream.state, 'waiting' | 'open' | 'ending' | 'closing' | 'closed'>>()
  is<Equal<StreamState, 'waiting' | 'open' | 'ending' | 'closing' | 'closed'>>()
  is<Equal<typeof stream.id, string>>()
  is<Equal<typeof stream.metrics, StreamMetrics>>()
  is<Equal<typeof stream.metrics.latency, LatencyQuantiles>>()
  is<Equal<typeof stream.metrics.latency.p99, number>>()
  const duplex = stream.toDuplex()
  is<Equal<typeof duplex, Duplex>>()
  const pair = stream.toWeb()
  is<Equal<typeof pair, { readable: ReadableStream<number>; writable: WritableStream<string> }>>()
  const iterable: AsyncIterable<number> & AsyncDisposable = stream
  void iterable
  await stream.close()
}

export async function dispose(): Promise<void> {
  await using stream = length.open()
  await stream.send('a')
}

// Pipelines: types go from stage to stage.

export const five = length
  .pipe(async function* (lengths) {
    is<Equal<typeof lengths, ValueIterator<number>>>()
    for await (const n of lengths) yield n > 3
  })
  .pipe(async function* (long, ctx) {
    is<Equal<typeof long, ValueIterator<boolean>>>()
    is<Equal<typeof ctx, StreamContext>>()
    for await (const yes of long) yield yes ? new Date() : 'short'
  })
  .pipe(async function* (dates) {
    is<Equal<typeof dates, ValueIterator<Date | 'short'>>>()
    for await (const date of dates) yield [date] as const
  })
  .pipe(async function* (tuples) {
    is<Equal<typeof tuples, ValueIterator<readonly [Date | 'short']>>>()
    for await (const [one] of tuples) yield { one }
  })
is<Equal<typeof five, StreamFunction<string, { one: Date | 'short' }>>>()

export const joined = length.pipe(mixed)
is<Equal<typeof joined, StreamFunction<string, { event: number; positive: true } | null>>>()

export const long = length.pipe(mixed).pipe(
  streamFn(async function* (events: AsyncIterable<{ event: number } | null>) {
    for await (const event of events) yield event?.event ?? 0
  }),
)
is<Equal<typeof long, StreamFunction<string, number>>>()

const stage: StreamGenerator<number, string> = async function* (numbers) {
  for await (const n of numbers) yield String(n)
}
const staged = length.pipe(stage)
is<Equal<typeof staged, StreamFunction<string, string>>>()

// A stage may accept more than it is given.
const anything = length.pipe(async function* (values: AsyncIterable<unknown>) {
  for await (const value of values) yield typeof value
})
is<
  Equal<
    typeof anything,
    StreamFunction<string, 'string' | 'number' | 'bigint' | 'boolean' | 'symbol' | 'undefined' | 'object' | 'function'>
  >
>()

export const named = length.with({ name: 'length', buffer: 16, maxConcurrent: 10 })
is<Equal<typeof named, StreamFunction<string, number>>>()

// A schema: its input is what is sent, its output what the function gets.

const Reading = z.object({ at: z.string().transform((text) => new Date(text)), value: z.coerce.number<string>() })
export const readings = streamFn(
  async function* (events) {
    is<Equal<typeof events, ValueIterator<{ at: Date; value: number }>>>()
    for await (const { at, value } of events) yield { at, total: value }
  },
  { schema: Reading },
)
is<Equal<typeof readings, StreamFunction<{ at: string; value: string }, { at: Date; total: number }>>>()

declare const plain: StandardSchemaV1<string, number>
export const parsed = streamFn(
  async function* (numbers) {
    for await (const n of numbers) yield n.toFixed(2)
  },
  { schema: plain, buffer: 4 },
)
is<Equal<typeof parsed, StreamFunction<string, string>>>()

export async function schemaInput(): Promise<void> {
  await readings.run([{ at: '2030-01-01', value: '1' }])
  await readings.open().send({ at: '2030-01-01', value: '1' })
  await parsed.pipe(length).run(['1'])
}

// A stream function fits node:stream.

export async function fits(readable: Readable, writable: NodeJS.WritableStream): Promise<void> {
  await pipeline(readable, length, writable)
  await pipeline(['a', 'b'], length, async (lengths: AsyncIterable<number>) => {
    for await (const n of lengths) void n
  })
  for await (const one of readable.compose(length)) void one
}

// Context, errors, the runtime.

export const context = streamFn(async function* (events: AsyncIterable<string>, { id, name, signal, headers }) {
  is<Equal<typeof id, string>>()
  is<Equal<typeof name, string>>()
  is<Equal<typeof signal, AbortSignal>>()
  is<Equal<typeof headers, StreamHeaders>>()
  is<Equal<(typeof headers)[string], string | readonly string[] | undefined>>()
  for await (const event of events) yield await fetch(event, { signal })
})
is<Equal<typeof context, StreamFunction<string, Response>>>()

export function code(error: unknown): VeloErrorCode | undefined {
  if (error instanceof AbortError || error instanceof ClosedError || error instanceof TimeoutError)
    is<Equal<typeof error.code, VeloErrorCode>>()
  if (!(error instanceof VeloError)) return undefined
  is<Equal<typeof error.retryable, boolean>>()
  is<Equal<typeof error.streamId, string | undefined>>()
  is<Equal<typeof error.cause, unknown>>()
  is<Equal<typeof error.accepted, number | undefined>>()
  is<Equal<typeof error.issues, ReadonlyArray<StandardSchemaV1.Issue> | undefined>>()
  return error instanceof OverloadedError && error.retryable ? error.code : undefined
}

export async function whole(): Promise<void> {
  const snapshot = runtime.snapshot()
  is<Equal<typeof snapshot, Snapshot>>()
  is<Equal<typeof snapshot.streamsOpen, number>>()
  is<Equal<typeof snapshot.closedBy, Record<EndReason, number>>>()
  is<Equal<typeof snapshot.functions, FunctionMetrics[]>>()
  is<Equal<typeof length.metrics, FunctionMetrics>>()
  runtime.configure({ maxConcurrent: 10 })
  const drained = runtime.drain({ deadline: 100 })
  is<Equal<typeof drained, Promise<void>>>()
  await drained
}

export const options: StreamOptions = { buffer: 1, idleTimeout: 1, schema: plain }

// At the end of every iterator the value is `undefined`, and never `any`.

export async function ends(request: Request): Promise<void> {
  const iterators = {
    subscribe: subscribe<string>('http://localhost')[Symbol.asyncIterator](),
    connect: connect<number, string>('ws://localhost')[Symbol.asyncIterator](),
    eventsFrom: eventsFrom<string>(request),
    controlledSource: controlledSource<string>(),
  }
  type Value<Name extends keyof typeof iterators> = Awaited<ReturnType<(typeof iterators)[Name]['next']>>['value']
  is<Equal<Value<'subscribe'>, string | undefined>>()
  is<Equal<Value<'connect'>, string | undefined>>()
  is<Equal<Value<'eventsFrom'>, string | undefined>>()
  is<Equal<Value<'controlledSource'>, string | undefined>>()
}
