// Our ways through a stream, and by hand, for every scenario: a running sum of numbers. Each answers how many results came and the last one.
import { streamFn } from '../../../dist/index.js'
import { Queue } from '../peers/queue.mjs'
import { sums } from '../workers/functions.mjs'
import { onWorker } from '../workers/ours.mjs'

const MANY = { maxConcurrent: 200_000, idleTimeout: 0 }
export const local = () => streamFn(sums, MANY)
export const worker = () => onWorker('sums', MANY)

/** The last of an array, and how many there are. */
export const tally = (results) => ({ count: results.length, last: results.at(-1) })
export const expected = (n) => ({ count: n, last: (n * (n - 1)) / 2 })

/** `send` awaited, `for await`. */
export async function live(fn, events) {
  const stream = fn.open()
  const sending = (async () => {
    for (const event of events) await stream.send(event)
    stream.end()
  })()
  let [count, last] = [0, undefined]
  for await (const result of stream) {
    last = result
    count++
  }
  await sending
  return { count, last }
}

/** The batch API. */
export async function batched(fn, events, size = 64) {
  const stream = fn.open()
  const sending = (async () => {
    for (let at = 0; at < events.length; at += size) await stream.sendBatch(events.slice(at, at + size))
    stream.end()
  })()
  let [count, last] = [0, undefined]
  for (let batch = await stream.recvBatch(size); batch.length > 0; batch = await stream.recvBatch(size)) {
    count += batch.length
    last = batch.at(-1)
  }
  await sending
  return { count, last }
}

/** A bounded promise queue by hand around a generator. */
export async function queued(fn, events) {
  const queue = new Queue()
  const sending = (async () => {
    for (const event of events) await queue.send(event)
    queue.end()
  })()
  let [count, last] = [0, undefined]
  for await (const result of fn(queue)) {
    last = result
    count++
  }
  await sending
  return { count, last }
}

/** Opens a stream, sends one event, has its result, and closes: the microseconds until the result, so many times. */
export async function firsts(fn, n) {
  const times = []
  let last
  for (let at = 0; at < n; at++) {
    const begun = performance.now()
    const stream = fn.open()
    await stream.send(7)
    last = await stream.recv()
    times.push((performance.now() - begun) * 1000)
    await stream.close()
  }
  return { times, answer: { count: n, last } }
}

/** The same with the batch API. */
export async function firstBatches(fn, n) {
  const times = []
  let last
  for (let at = 0; at < n; at++) {
    const begun = performance.now()
    const stream = fn.open()
    await stream.sendBatch([7])
    last = (await stream.recvBatch(1))[0]
    times.push((performance.now() - begun) * 1000)
    await stream.close()
  }
  return { times, answer: { count: n, last } }
}

/** One event, its result, the next: the microseconds of each. */
export async function trips(fn, n) {
  const times = []
  let last
  const stream = fn.open()
  for (let event = 0; event < n; event++) {
    const begun = performance.now()
    await stream.send(event)
    last = await stream.recv()
    times.push((performance.now() - begun) * 1000)
  }
  await stream.close()
  return { times, answer: { count: n, last } }
}

/** Batches, each when all results of the one before are there: the microseconds of each batch. */
export async function batchTrips(fn, n, size) {
  const times = []
  let [count, last] = [0, undefined]
  const stream = fn.open()
  while (count < n) {
    const batch = Array.from({ length: Math.min(size, n - count) }, (_, at) => count + at)
    const all = count + batch.length
    const begun = performance.now()
    await stream.sendBatch(batch)
    while (count < all) {
      const results = await stream.recvBatch(size)
      count += results.length
      last = results.at(-1)
    }
    times.push((performance.now() - begun) * 1000)
  }
  await stream.close()
  return { times, answer: { count, last } }
}

/** So many streams at once, each so many events in batches. */
export async function crowdInBatches(fn, streams, rounds, size = 64) {
  const open = Array.from({ length: streams }, () => fn.open())
  const lasts = await Promise.all(
    open.map(async (stream) => {
      let [count, last] = [0, undefined]
      while (count < rounds) {
        const batch = Array.from({ length: Math.min(size, rounds - count) }, () => 1)
        const all = count + batch.length
        await stream.sendBatch(batch)
        while (count < all) {
          const results = await stream.recvBatch(size)
          count += results.length
          last = results.at(-1)
        }
      }
      return last
    }),
  )
  await Promise.all(open.map((stream) => stream.close()))
  return { count: streams * rounds, last: lasts.reduce((total, last) => total + last, 0) }
}

/** So many streams at once, each so many round trips. */
export async function crowd(fn, streams, rounds) {
  const open = Array.from({ length: streams }, () => fn.open())
  let total = 0
  for (let round = 0; round < rounds; round++) {
    const results = await Promise.all(
      open.map(async (stream) => {
        await stream.send(1)
        return stream.recv()
      }),
    )
    if (round === rounds - 1) for (const result of results) total += result
  }
  await Promise.all(open.map((stream) => stream.close()))
  return { count: streams * rounds, last: total }
}
