// What tests ask of a server of NATS in the same words.

import { once } from 'node:events'
import net from 'node:net'
import { before } from 'node:test'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { consume } from 'velo-stream'
import { leftover } from '../support/leftovers.mjs'
import { connection } from '../support/nats-servers.mjs'
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

/**
 * Within `describeNats`: answers a method that makes a stream of its own, `{ client, manager, stream }`, on one connection. With `out` there is a second one, for results, whose name ends in `-out`.
 */
export function freshStreams(server, prefix, { out = false } = {}) {
  let client
  let n = 0
  before(async () => {
    client = await connection(server().url)
  })
  return async (config) => {
    const stream = `${prefix}-${n++}`
    const manager = await freshStream(client, stream, config)
    if (out) await freshStream(client, `${stream}-out`)
    return { client, manager, stream }
  }
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
  for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage(stream, { seq })
    if (message !== null && (subject === undefined || message.subject === subject)) values.push(message.json())
  }
  return values
}

/** All that there is was delivered and acknowledged: a consumer that is new has nothing to deliver yet, either. */
export async function isThrough(manager, stream, consumer) {
  const info = await manager.consumers.info(stream, consumer).catch(() => undefined)
  if (info === undefined || info.num_pending > 0 || info.num_ack_pending > 0) return false
  const { state } = await manager.streams.info(stream)
  return info.delivered.stream_seq >= state.last_seq
}

/** Consumes in the background; `stop()` stops it, and answers its numbers. */
export function started(fn, options) {
  const controller = new AbortController()
  // A test that fails must not go on consuming.
  leftover(() => controller.abort())
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

/** A way to a server that can be cut, and that can swallow what the server says. */
export async function way(url) {
  const { port } = new URL(url)
  const pairs = new Set()
  let isMute = false
  const server = net.createServer((socket) => {
    const to = net.connect(Number(port), '127.0.0.1')
    const pair = [socket, to]
    pairs.add(pair)
    for (const [one, other] of [pair, [to, socket]]) {
      one.on('error', () => {})
      one.on('data', (chunk) => (isMute && one === to ? undefined : other.write(chunk)))
      one.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
  }
  leftover(() => {
    cut()
    server.close()
  })
  return {
    url: `nats://127.0.0.1:${server.address().port}`,
    cut,
    /** From now on the server is heard, or not. */
    mute(on) {
      isMute = on
    },
  }
}
