// Programs with operators that must compile. Each says in its types what it expects; nothing here is run.

import { type StreamFunction, streamFn } from 'velo-stream'
import {
  type BatchOptions,
  batch,
  type Call,
  type CallOptions,
  type Clock,
  chunk,
  filter,
  flatMap,
  map,
  type Operator,
  type OperatorMetrics,
  type Progress,
  progress,
  progressBar,
  scan,
  skip,
  take,
  tap,
} from 'velo-stream/operators'
import {
  type ControlledSource,
  type collect,
  controlledSource,
  type SlowConsumer,
  slowConsumer,
  type VirtualClock,
  virtualClock,
} from 'velo-stream/testing'

/** True only when both types are the same; `any` is the same as itself alone. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <_ extends true>(): void => {}

// Events and results are inferred from the function; promises are gone.
const half = map((n: number) => n / 2)
is<Equal<typeof half, Operator<number, number>>>()
const text = map(async (n: number) => String(n), { concurrency: 4 })
is<Equal<typeof text, Operator<number, string>>>()
const either = map((n: number): string | Promise<string> => (n > 0 ? 'now' : Promise.resolve('later')))
is<Equal<typeof either, Operator<number, string>>>()
is<Equal<Awaited<ReturnType<typeof text.run>>, string[]>>()

// The second argument.
const told = map((_url: string, call) => {
  is<Equal<typeof call, Call>>()
  return [call.index, call.attempt, call.signal.aborted] as const
})
is<Equal<typeof told, Operator<string, readonly [number, number, boolean]>>>()

// In a pipe, events are known from what comes before.
const piped = text.pipe(map((word) => word.length)).pipe(filter((n) => n > 2))
is<Equal<typeof piped, StreamFunction<number, number>>>()
const chained = map((n: number) => ({ n }))
  .pipe(tap(({ n }) => n.toFixed()))
  .pipe(flatMap(({ n }) => [n, String(n)]))
  .pipe(take(3))
  .pipe(chunk({ maxSize: 2 }))
  .pipe(map((both) => both.length))
is<Equal<typeof chained, StreamFunction<number, number>>>()
const plain = streamFn(async function* (lines: AsyncIterable<string>) {
  for await (const line of lines) yield line.length
})
is<Equal<ReturnType<typeof plain.pipe<number>>, StreamFunction<string, number>>>()
const mixed = plain.pipe(scan((sum: number, n: number) => sum + n, 0)).pipe(async function* (sums: AsyncIterable<number>) {
  for await (const sum of sums) yield `${sum}`
})
is<Equal<typeof mixed, StreamFunction<string, string>>>()

// filter narrows with a predicate.
const words = filter((value: string | undefined): value is string => value !== undefined)
is<Equal<typeof words, Operator<string | undefined, string>>>()
const even = filter(async (n: number) => n % 2 === 0)
is<Equal<typeof even, Operator<number, number>>>()

// flatMap: arrays, generators, promises of either.
const letters = flatMap((line: string) => line.split(''))
is<Equal<typeof letters, Operator<string, string>>>()
const counted = flatMap(async function* (n: number) {
  for (let i = 0; i < n; i++) yield i
})
is<Equal<typeof counted, Operator<number, number>>>()
const fetched = flatMap(async (n: number) => new Set([n, n]))
is<Equal<typeof fetched, Operator<number, number>>>()
const halfPending = flatMap((n: number) => [n, Promise.resolve(n)])
is<Equal<typeof halfPending, Operator<number, number>>>()
const asked = flatMap(async (n: number) => [Promise.resolve(String(n))], { onError: () => [Promise.resolve('none'), 'left'] })
is<Equal<typeof asked, Operator<number, string>>>()
const generated = flatMap(function* (n: number) {
  yield Promise.resolve(n)
})
is<Equal<typeof generated, Operator<number, number>>>()

// batch flattens arrays, and only those.
const pending = batch((ns: number[]) => ns.map((n) => Promise.resolve(n)), { onError: (_error, events) => events })
is<Equal<typeof pending, Operator<number, number>>>()
const saved = batch(async (ns: number[]) => ns.map(String), { maxSize: 10 })
is<Equal<typeof saved, Operator<number, string>>>()
const summed = batch((ns: number[]) => ({ sum: ns.length }))
is<Equal<typeof summed, Operator<number, { sum: number }>>>()
const rescued = batch((ns: number[]) => ns, { onError: (error, events, { signal }) => (signal.aborted || error ? events : []) })
is<Equal<typeof rescued, Operator<number, number>>>()

// scan: the state is the result; a function makes the first one.
const restored = scan(
  (sum: number, n: number) => sum + n,
  async () => 5,
)
is<Equal<typeof restored, Operator<number, number>>>()
const totals = scan((sum: number, n: number) => sum + n, 0)
is<Equal<typeof totals, Operator<number, number>>>()
const all = scan(
  (seen: string[], word: string) => [...seen, word],
  () => [],
)
is<Equal<typeof all, Operator<string, string[]>>>()

// Error handlers know the event, and give what the function would have given.
const handled = map((n: number) => String(n), {
  onError: (error: unknown, n: number, call: Call) => `${error}${n.toFixed()}${call.attempt}`,
})
is<Equal<typeof handled, Operator<number, string>>>()
const options: CallOptions<number, string> = {
  onError: 'skip',
  retry: { attempts: 3, backoff: 10, jitter: true, retryOn: (_, attempt) => attempt < 2 },
}
map((n: number) => String(n), options)
const undefinedOptions: CallOptions<number, string> = { concurrency: undefined, timeout: undefined, retry: { attempts: undefined } }
const batchOptions: BatchOptions<number, string> = { maxWait: 5, onError: 'skipItem' }

// Progress and metrics.
const metrics: OperatorMetrics = half.metrics
metrics.done + metrics.failed + metrics.skipped + metrics.underWay + metrics.eventsIn
const shown = progress<number>(({ percent, etaMs }: Progress) => [percent, etaMs], { total: 5, of: half })
is<Equal<typeof shown, Operator<number, number>>>()
half.pipe(progressBar({ total: 3, stream: process.stdout, label: 'halves' })).run([1])
half.with({ name: 'half' }).metrics.done

// A virtual clock is a clock.
const clock: VirtualClock = virtualClock()
const asClock: Clock = clock
map((n: number) => n, { timeout: 5, clock })
is<Equal<Awaited<ReturnType<typeof clock.advance>>, number>>()

// Sources and readers.
const source: ControlledSource<number> = controlledSource<number>()
source.push(1, 2)
const reader: SlowConsumer<number> = slowConsumer(half(source))
is<Equal<Awaited<ReturnType<typeof reader.take>>, number | undefined>>()
is<Equal<ReturnType<typeof collect<number>>, Promise<number[]>>>()

export { all, asClock, batchOptions, chained, mixed, piped, skip, undefinedOptions }
