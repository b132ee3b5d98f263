// Programs that must not compile. `// FAILS <text>` above a line: the line is an error whose message contains the text.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { runtime, type Stream, type StreamFunction, type StreamOptions, streamFn, VeloError } from 'velo-stream'

const double = streamFn(async function* (numbers: AsyncIterable<number>) {
  for await (const n of numbers) yield n * 2
})
const words = async function* (words: AsyncIterable<string>) {
  for await (const word of words) yield word.length
}

// Wrong events.

// FAILS Argument of type 'string[]' is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
await double.run(['a'])

// FAILS is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
double(new Set(['a']))

// FAILS is not assignable to parameter of type 'Source<number>'
double.open().feed('text')

// FAILS is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
await double.run(5)

// FAILS is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
await double.run(null)

// FAILS 'length' does not exist in type 'SourceFrom<number> | Source<number>'
await double.run({ length: 1, 0: 1 })

// FAILS is not assignable to parameter of type 'SourceFrom<number> | Source<number>'
await double.run(Promise.resolve([1]))

// FAILS Expected 1-2 arguments, but got 0
await double.run()

// FAILS Argument of type 'string' is not assignable to parameter of type 'number'
await double.open().send('a')

// FAILS Argument of type 'undefined' is not assignable to parameter of type 'number'
double.open().trySend(undefined)

// FAILS Type 'string' is not assignable to type 'number'
await double.open().sendBatch([1, 'a'])

// FAILS Argument of type 'number' is not assignable to parameter of type 'readonly number[]'
await double.open().sendBatch(1)

// FAILS Argument of type 'Promise<number>' is not assignable to parameter of type 'number'
await double.open().send(Promise.resolve(1))

// Wrong use of results.

// FAILS Type 'number' is not assignable to type 'string'
export const text: string = await double.open().recv()

// FAILS Type 'number[]' is not assignable to type 'string[]'
export const texts: string[] = await double.run([1])

// FAILS Type 'Promise<number>' is not assignable to type 'number'
export const early: number = double.open().recv()

// FAILS Expected 1 arguments, but got 0
await double.open().recvBatch()

// FAILS Type 'string' is not assignable to type 'number'
await double.open().recv({ timeout: '5s' })

// FAILS 'timeoutMs' does not exist in type 'RecvOptions'
await double.open().recv({ timeoutMs: 5 })

// FAILS has no properties in common with type 'RecvOptions'
await double.open().recv(5)

// FAILS Property 'result' does not exist on type
double.open().result

// FAILS Cannot assign to 'id' because it is a read-only property
double.open().id = 'mine'

// FAILS Property 'toUpperCase' does not exist on type 'number'
for await (const one of double([1])) one.toUpperCase()

// Wrong stages.

// FAILS is not assignable to
double.pipe(words)

// FAILS is not assignable to
double.pipe(streamFn(words))

// FAILS is not assignable to
double.pipe(double).pipe(double).pipe(words)

// FAILS is not assignable to type 'AsyncGenerator<string, unknown, undefined>'
double.pipe<string>(async function* (numbers: AsyncIterable<number>) {
  for await (const n of numbers) yield n
})

// FAILS Type 'StreamFunction<number, number>' is not assignable to type 'StreamFunction<string, number>'
export const widened: StreamFunction<string, number> = double

// FAILS is not assignable to type 'Stream<number, string>'
export const stream: Stream<number, string> = double.open()

// Functions that are no async generators.

// FAILS is not assignable to parameter of type 'StreamGenerator<
streamFn(function* (numbers: Iterable<number>) {
  yield* numbers
})

// FAILS is not assignable to parameter of type 'StreamGenerator<
streamFn(async (numbers: AsyncIterable<number>) => numbers)

// FAILS is not assignable to parameter of type 'StreamGenerator<
streamFn((n: number) => n * 2)

// FAILS Argument of type 'number' is not assignable to parameter of type 'StreamGenerator<
streamFn(5)

// FAILS 'buffer' does not exist in type 'StreamGenerator<
streamFn({ buffer: 1 })

// FAILS is not assignable to
double.pipe(function* (numbers: Iterable<number>) {
  yield* numbers
})

// FAILS is not assignable to
double.pipe((n: number) => n * 2)

// A function that asks for more than it is given.

// FAILS is not assignable to parameter of type 'StreamGenerator<
streamFn(async function* (numbers: number[]) {
  yield numbers.length
})

// FAILS is not assignable to parameter of type 'StreamGenerator<
streamFn(async function* (numbers: AsyncIterable<number>, ctx: { user: string }) {
  for await (const n of numbers) yield `${ctx.user}${n}`
})

// Unknown and wrong options.

// FAILS 'buffr' does not exist
double.with({ buffr: 1 })

// FAILS 'timeout' does not exist
streamFn(words, { timeout: 5 })

// FAILS Type 'string' is not assignable to type 'number'
double.with({ buffer: '16' })

// FAILS Type 'null' is not assignable to type 'number'
double.with({ idleTimeout: null })

// FAILS Type '"moon"' is not assignable to type '"local" | "worker"'
double.with({ placement: 'moon' })

// FAILS 'user' does not exist in type 'OpenOptions'
double.open({ user: 'ann' })

// FAILS Type 'number' is not assignable to type 'string'
double.open({ id: 5 })

// FAILS Type 'AbortController' is missing the following properties from type 'AbortSignal'
double([1], { signal: new AbortController() })

// FAILS 'deadlineMs' does not exist in type 'DrainOptions'
await runtime.drain({ deadlineMs: 5 })

// FAILS 'max' does not exist in type 'RuntimeOptions'
runtime.configure({ max: 5 })

// FAILS Type 'number' is not assignable to type 'StandardSchemaV1
export const options: StreamOptions = { schema: 5 }

// Schemas.

declare const schema: StandardSchemaV1<string, number>
const parsed = streamFn(
  async function* (numbers) {
    for await (const n of numbers) yield n
  },
  { schema },
)

// FAILS Argument of type 'number' is not assignable to parameter of type 'string'
await parsed.open().send(1)

// FAILS Argument of type 'number[]' is not assignable to parameter of type 'SourceFrom<string> | Source<string>'
await parsed.run([1])

// FAILS No overload matches this call
streamFn(words, { schema })

streamFn(
  async function* (numbers) {
    // FAILS Property 'toUpperCase' does not exist on type 'number'
    for await (const n of numbers) yield n.toUpperCase()
  },
  { schema },
)

// Errors.

// FAILS Argument of type '"VELO_NONE"' is not assignable to parameter of type
new VeloError('VELO_NONE', 'text')

// FAILS This comparison appears to be unintentional
export const never = new VeloError('VELO_BUG', 'text').code === 'VELO_NONE'
