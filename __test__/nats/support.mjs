// What tests ask of a server of NATS in the same words.

import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { consume } from 'velo-stream'
import { within } from '../support/within.mjs'

export const PATIENT = 60_000
export const range = (count) => Array.from({ length: count }, (_, i) => i)

/** Looks until `check()` answers something that is true; asks the server again and again, so it needs no timer. */
export async function eventually(check, what = 'the condition', ms = PATIENT) {
  let isOver = false
  const looks = async () => {
    while (!isOver) {
      const found = await check()
      if (found) return found
      await new Promise(setImmediate)
    }
  }
  try {
    return await within(ms, looks(), what)
  } finally {
    isOver = true
  }
}

/** A stream of its own, for its name and all subjects below. */
export async function freshStream(client, name, config = {}) {
  const manager = await jetstreamManager(client)
  await manager.streams.add({ name, subjects: [name, `${name}.>`], storage: 'memory', ...config })
  return manager
}

/** Stores values as JSON under a subject, in order. */
export async function store(client, subject, values) {
  const js = jetstream(client)
  await Promise.all(values.map((value) => js.publish(subject, JSON.stringify(value))))
}

/** All that a stream holds, parsed, by subject where one is given. */
export async function valuesOf(client, stream, subject) {
  const manager = await jetstreamManager(client)
  const { state } = await manager.streams.info(stream)
  const values = []
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(stream, { seq })
    if (message !== null && (subject === undefined || message.subject === subject)) values.push(message.json())
  }
  return values
}

/** Nothing is left to deliver, and nothing pending. */
export async function isThrough(manager, stream, consumer) {
  const info = await manager.consumers.info(stream, consumer).catch(() => undefined)
  return info !== undefined && info.num_pending === 0 && info.num_ack_pending === 0
}

/** Consumes in the background; `stop()` stops it, and answers its numbers. */
export function started(fn, options) {
  const controller = new AbortController()
  const running = consume(fn, { ...options, signal: controller.signal })
  running.catch(() => {})
  return {
    running,
    stop() {
      controller.abort()
      return within(PATIENT, running, 'consume')
    },
  }
}
