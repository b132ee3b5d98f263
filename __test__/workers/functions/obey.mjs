// A function that does what its events say: { do: 'echo', value } and so on, and answers each with one result. Its context may be a row of
// flags, in which it says how it ends.

import { resourceLimits, threadId } from 'node:worker_threads'
import { compute, Flag, raise, raised } from './flags.mjs'
import { toss } from './toss.mjs'

const never = () => new Promise(() => {})
const kept = []

const orders = {
  echo: ({ value }) => value,
  thread: () => threadId,
  toss: ({ what }) => toss(what),
  /** Until the test says so, with the thread at work all the time. */
  compute({ ms }, row) {
    if (row) raise(row, Flag.Begun)
    if (ms === undefined) compute(row, Flag.Go)
    else for (const end = performance.now() + ms; performance.now() < end; );
    return 'computed'
  },
  /** Until the test says so, with the thread free. */
  async wait(_, row) {
    raise(row, Flag.Begun)
    await raised(row, Flag.Go)
    return 'waited'
  },
  sleep: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, 'slept')),
  hang(_, row) {
    if (row) raise(row, Flag.Begun)
    return never()
  },
  /** Until it is told that it is not wanted; with the thread at work all the time. */
  heed(_, row, ctx) {
    if (row) raise(row, Flag.Begun)
    while (!ctx.aborted);
    if (row) raise(row, Flag.Right)
    return ctx.signal.aborted
  },
  loop(_, row) {
    if (row) raise(row, Flag.Begun)
    for (;;);
  },
  exit: ({ code }) => process.exit(code),
  /** Not in the function, but in its thread. */
  crash({ message }) {
    setImmediate(() => {
      throw new Error(message)
    })
    return never()
  },
  reject({ message }) {
    Promise.reject(new Error(message))
    return never()
  },
  eat() {
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => ({ i, text: `number ${i}` })))
  },
  surroundings: ({ name }) => ({ env: process.env[name], execArgv: process.execArgv, resourceLimits }),
  setEnv({ name, value }) {
    process.env[name] = value
    return process.env[name]
  },
  log({ lines, error }) {
    for (const line of lines) (error ? console.error : console.log)(line)
    return lines.length
  },
  context: (_, __, ctx) => ({ id: ctx.id, name: ctx.name, headers: ctx.headers, context: ctx.context }),
}

export async function* obey(events, ctx) {
  const row = ctx.context instanceof Int32Array ? ctx.context : undefined
  if (row) {
    raise(row, Flag.Started)
    ctx.signal.addEventListener('abort', () => raise(row, Flag.Signaled), { once: true })
  }
  try {
    for await (const order of events) {
      if (row) raise(row, Flag.Given)
      yield await orders[order.do](order, row, ctx)
      if (row) raise(row, Flag.Passed)
    }
    if (row) raise(row, Flag.Ended)
  } catch (error) {
    if (row && error.name === 'AbortError') raise(row, Flag.Aborted)
    throw error
  } finally {
    if (row) raise(row, Flag.Left)
  }
}

export default obey
