// How the benches use a stream function on a worker: the public API and nothing else. Each way takes `(events, take)`.
import { streamFn } from '../../../dist/index.js'

const module = new URL('./functions.mjs', import.meta.url)

/** One of functions.mjs on a worker. */
export function onWorker(name, options) {
  return streamFn(module, { placement: 'worker', export: name, ...options })
}

/** Batches of 64 in one loop, results in another. */
export const inBatches = (fn) => async (events, take) => {
  const stream = fn.open()
  const sending = sendBatches(stream, events)
  for (let batch = await stream.recvBatch(256); batch.length > 0; batch = await stream.recvBatch(256))
    for (const result of batch) take(result)
  await sending
}

/** `send` awaited in one loop, `for await` in another. */
export const oneByOne = (fn) => async (events, take) => {
  const stream = fn.open()
  const sending = sendEach(stream, events)
  for await (const result of stream) take(result)
  await sending
}

/** The array at once. */
export const asArray = (fn) => async (events, take) => {
  for (const result of await fn.run(events)) take(result)
}

/** One event in, its result out, then the next; the microseconds of each go to `times`. */
export async function pingPong(fn, events, take, times = []) {
  const stream = fn.open()
  for (const event of events) {
    const start = performance.now()
    await stream.send(event)
    const result = await stream.recv()
    times.push((performance.now() - start) * 1000)
    take(result)
  }
  await stream.close()
}

async function sendBatches(stream, events) {
  for (let i = 0; i < events.length; i += 64) await stream.sendBatch(events.slice(i, i + 64))
  stream.end()
}

async function sendEach(stream, events) {
  for (let i = 0; i < events.length; i++) await stream.send(events.at(i))
  stream.end()
}
