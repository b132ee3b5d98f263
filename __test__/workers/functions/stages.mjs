// Stages of pipelines.

import { Flag, raise, raised } from './flags.mjs'

const COUNT = 10_000

/** When it may, it gives many events to the next stage. */
export async function* giver(events, { context }) {
  for await (const _ of events) {
    yield { row: undefined, first: true }
    raise(context, Flag.Given)
    await raised(context, Flag.Go)
    for (let i = 0; i < COUNT; i++) yield { i, text: `number ${i}` }
  }
}

/** Checks what `giver` gives. The flags are in its context. */
export async function* taker(events, { context }) {
  let next = 0
  for await (const { first, i, text } of events) {
    if (first) continue
    if (i !== next || text !== `number ${i}`) throw new Error(`expected ${next}, got ${i} ${text}`)
    next++
    raise(context, Flag.Right)
    if (next === COUNT) raise(context, Flag.Left)
  }
  yield 'taken'
}

class Own {
  kind = 'own'
}

/** A value that is not itself after a copy. */
export async function* odd(events) {
  const sparse = Object.assign(Array(3), { 0: 1, 2: 3 })
  for await (const _ of events) yield { own: new Own(), bytes: new Uint8Array(1 << 22).fill(7), sparse }
}

export async function* lookAtOdd(events) {
  for await (const { own, bytes, sparse } of events) {
    if (Object.getPrototypeOf(own) !== Object.prototype || own.kind !== 'own') throw new Error('no plain object')
    if (!bytes.every((byte) => byte === 7)) throw new Error('other bytes')
    yield `an own class became a plain object once; ${bytes.length} bytes; hole kept: ${!(1 in sparse)}`
  }
}

/** Passes on, and says how it ends. */
export async function* counting(events, { context, signal }) {
  if (context) signal.addEventListener('abort', () => raise(context, Flag.Signaled), { once: true })
  try {
    for await (const event of events) yield event
  } catch (error) {
    if (context && error.name === 'AbortError') raise(context, Flag.Aborted)
    throw error
  } finally {
    if (context) raise(context, Flag.Left)
  }
}

export async function* three(events) {
  let n = 0
  for await (const event of events) {
    yield event
    if (++n === 3) return
  }
}
