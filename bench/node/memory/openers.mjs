// What is open in the memory bench: ours here and on a worker, and the same by hand and in what Node.js has. Owns: one open stream of each kind. Not here: measuring.
import { Queue } from '../peers/queue.mjs'
import { averageTransform } from '../peers/transform.mjs'
import { averageTransformStream } from '../peers/web.mjs'
import { average } from '../work.mjs'

async function local(n) {
  const { streamFn } = await import('../../../dist/index.js')
  return streamFn(average, { maxConcurrent: n })
}

/** Each opens one stream, sees one event through it, and answers what must be kept for the stream to stay open. */
export const openers = {
  async 'open stream'(n) {
    const fn = await local(n)
    return async (i) => {
      const stream = fn.open()
      await stream.send(i)
      return { result: await stream.recv(), kept: stream }
    }
  },
  async 'open stream, batch API'(n) {
    const fn = await local(n)
    return async (i) => {
      const stream = fn.open()
      await stream.sendBatch([i])
      const [result] = await stream.recvBatch(1)
      return { result, kept: stream }
    }
  },
  // Both sides of it are in this process; the thread runs before anything is measured.
  async 'open stream on a worker'(n) {
    const { onWorker } = await import('../workers/ours.mjs')
    const fn = onWorker('sums', { maxConcurrent: n + 1, idleTimeout: 0 })
    await fn.run([1])
    return async (i) => {
      const stream = fn.open()
      await stream.send(i)
      return { result: await stream.recv(), kept: stream }
    }
  },
  // Suspended at its first yield: the least a generator can be.
  async 'bare generator, at yield'() {
    return async (i) => {
      const generator = average(one(i))
      return { result: (await generator.next()).value, kept: generator }
    }
  },
  // Asked again, so it waits for its second event, as the function of an idle stream does.
  async 'bare generator, parked'() {
    return async (i) => {
      const generator = average(one(i))
      const { value } = await generator.next()
      void generator.next()
      return { result: value, kept: generator }
    }
  },
  async 'promise queue'() {
    return async (i) => {
      const queue = new Queue()
      const generator = average(queue)
      await queue.send(i)
      return { result: (await generator.next()).value, kept: [queue, generator] }
    }
  },
  async Transform() {
    return async (i) => {
      const transform = averageTransform()
      const result = new Promise((resolve) => transform.once('data', resolve))
      transform.write(i)
      return { result: await result, kept: transform }
    }
  },
  async TransformStream() {
    return async (i) => {
      const { readable, writable } = averageTransformStream()
      const [writer, reader] = [writable.getWriter(), readable.getReader()]
      void writer.write(i)
      return { result: (await reader.read()).value, kept: [writer, reader] }
    }
  },
  // Nothing but a state, a promise that keeps the order, and a timer that forgets it: no channels, no function that is suspended.
  async 'entry of a Map, a lock and a timer'() {
    const sessions = new Map()
    return async (i) => {
      const session = { total: 0, count: 0, lock: Promise.resolve(), timer: undefined }
      sessions.set(`session-${i}`, session)
      session.lock = session.lock.then(() => (session.total += i) / ++session.count)
      session.timer = setTimeout(() => sessions.delete(`session-${i}`), 1e9)
      return { result: await session.lock, kept: session }
    }
  },
}

/** One event, then silence. */
function one(event) {
  let sent = false
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next() {
      if (sent) return new Promise(() => {})
      sent = true
      return Promise.resolve({ value: event, done: false })
    },
  }
}
