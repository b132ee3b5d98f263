// Programs that must not compile, because of an option beside a function: each compiler names the option, and does not blame the function.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Durable, type StreamContext, streamFn } from 'velo-stream'

declare const schema: StandardSchemaV1<string, number>
declare const durable: Durable
declare const placement: 'local' | 'worker'
const annotated = async function* (numbers: AsyncIterable<number>) {
  for await (const n of numbers) yield n
}

// FAILS 'bufer' does not exist in type 'FunctionOptions<undefined, unknown>'. Did you mean to write 'buffer'?
streamFn(annotated, { bufer: 1 })

streamFn(
  async function* (numbers: AsyncIterable<number>, { signal }) {
    for await (const n of numbers) yield signal.aborted ? 0 : n
  },
  // FAILS 'idleTimout' does not exist in type 'FunctionOptions<undefined, unknown>'. Did you mean to write 'idleTimeout'?
  { idleTimout: 1 },
)

streamFn(
  async function* (numbers: AsyncIterableIterator<number>) {
    yield* numbers
  },
  // FAILS Type 'string' is not assignable to type 'number'
  { buffer: '1' },
)

streamFn(
  async function* (numbers) {
    for await (const n of numbers) yield n
  },
  // FAILS 'bufer' does not exist in type
  { schema, bufer: 1 },
)

streamFn(
  async function* (numbers: AsyncIterable<number>, ctx: StreamContext<{ sum: number }>) {
    for await (const n of numbers) yield (ctx.state.sum += n)
  },
  // FAILS 'bufer' does not exist in type
  { durable, state: { initial: { sum: 0 }, version: 1 }, bufer: 1 },
)

// FAILS 'versoin' does not exist in type
streamFn(annotated, { durable, state: { initial: 1, versoin: 1 } })

// FAILS Type '"worker"' is not assignable to type '"local"'
streamFn(annotated, { placement: 'worker' })

streamFn(
  async function* (numbers: AsyncIterable<number>) {
    for await (const n of numbers) yield n
  },
  // FAILS Type '"worker"' is not assignable to type '"local"'
  { placement: 'worker', export: 'default' },
)

// FAILS Type '"worker"' is not assignable to type '"local"'
streamFn(annotated, { placement })

// FAILS '"worker"' is not assignable to type '"local"'
streamFn<number, number>(annotated, { placement: 'worker' })

// FAILS 'bufer' does not exist in type
streamFn<number, number>(annotated, { bufer: 1 })

// What the function gets is what the schema gives.

streamFn(
  // FAILS Type 'number' is not assignable to type 'string'
  async function* (words: AsyncIterable<string>) {
    for await (const word of words) yield word
  },
  { schema },
)
