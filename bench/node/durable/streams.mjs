// Whole durable streams, as their users open them: every event sent and kept, every result read. Owns no figures.
import { streamFn } from '../../../dist/index.js'

/** A running total, the smallest function with state. */
export async function* total(events) {
  let sum = 0
  for await (const { amount } of events) yield { sum: (sum += amount) }
}

/** The same over nothing but an array, as slowly as a source that has to be awaited. */
export async function* source(events) {
  yield* events
}

export const orders = (count) =>
  Array.from({ length: count }, (_, at) => ({ order: `order-${at % 1000}`, amount: at % 7, isPaid: at % 2 === 0 }))

export const durable = (journal) => streamFn(total, { name: 'total', durable: journal })

let opened = 0

/** So many streams at once send batches and read their results. Answers the last sum of each. */
export function throughStreams(fn, streams, rounds, batch) {
  const events = orders(batch)
  return Promise.all(
    Array.from({ length: streams }, async () => {
      const stream = fn.open({ id: `bench-${++opened}` })
      const sending = send(stream, events, rounds)
      let last
      for (let results = await stream.recvBatch(256); results.length > 0; results = await stream.recvBatch(256)) last = results.at(-1).sum
      await sending
      return last
    }),
  )
}

async function send(stream, events, rounds) {
  for (let round = 0; round < rounds; round++) await stream.sendBatch(events)
  stream.end()
}

/** The same one event at a time: the next one when the last is kept. Answers how many results were read. */
export async function oneByOne(fn, streams, rounds, event) {
  const counts = await Promise.all(
    Array.from({ length: streams }, async () => {
      const stream = fn.open({ id: `bench-${++opened}` })
      const sending = send(stream, [event], rounds)
      let count = 0
      for await (const _ of stream) count++
      await sending
      return count
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

/** A stream of so many events, whose results were all delivered, closed: what a deploy leaves. */
export async function left(fn, id, events) {
  const stream = fn.open({ id })
  const sending = stream.sendBatch(events)
  for (let seen = 0; seen < events.length; ) seen += (await stream.recvBatch(256)).length
  await sending
  await stream.ack()
  await stream.close()
}

/** Opens it again until it is where it was. Answers how many events and results that is. */
export async function resumed(fn, id) {
  const stream = fn.open({ id })
  const { events, results } = await stream.resumed
  await stream.close()
  return [events, results]
}
