// Functions that pass events on and differ in how they end.

import { threadId } from 'node:worker_threads'
import { Flag, raise } from './flags.mjs'

export default async function* relay(events) {
  for await (const event of events) yield event
}

/** Says what its source threw, and whether the end follows. */
export async function* forgiving(events) {
  try {
    for await (const event of events) yield event
  } catch (error) {
    yield `${error.name}: ${error.message} (${error.code})`
  }
  yield (await events.next()).done
}

/** Yields in `finally`. */
export async function* talkative(events, { context }) {
  try {
    for await (const event of events) {
      raise(context, Flag.Given)
      yield event
    }
  } finally {
    for (let i = 0; i < 200; i++) {
      raise(context, Flag.Left)
      yield i
    }
  }
}

/** Throws in `finally`. */
export async function* failing(events) {
  try {
    for await (const event of events) yield event
  } finally {
    await null
    await Promise.reject(Object.assign(new Error('in finally'), { code: 'E_FINALLY' }))
  }
}

/** Yields in `finally` until it is told not to. */
export async function* endless(events, { context }) {
  try {
    for await (const event of events) {
      raise(context, Flag.Given)
      yield event
    }
  } finally {
    while (Atomics.load(context, Flag.Go) === 0) yield 'more'
  }
}

/** Adds the number of its thread to the list that an event is. */
export async function* stamp(events) {
  for await (const event of events) yield [...event, threadId]
}

/** Takes its thread with it in `finally`. */
export async function* exiting(events) {
  try {
    for await (const event of events) yield event
  } finally {
    process.exit(4)
  }
}

/** Does not like the number 3. */
export async function* throwing(events) {
  for await (const event of events) {
    if (event === 3) throw new RangeError('of the function')
    yield event
  }
}
