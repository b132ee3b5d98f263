// Clients of three libraries, and what tests ask of them in the same words.

import { once } from 'node:events'
import net from 'node:net'
import { Redis } from 'ioredis'
import Iovalkey from 'iovalkey'
import { createClient } from 'redis'
import { consume } from 'velo-stream'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'

const quiet = () => {}

/** `make(port, options)` connects; every client is closed at the end of the file. */
export const clients = [
  {
    name: 'ioredis',
    make: async (port, options) => ofIoredis(new Redis({ port, host: '127.0.0.1', retryStrategy: () => 20, ...options })),
  },
  {
    name: 'iovalkey',
    make: async (port, options) => ofIoredis(new Iovalkey({ port, host: '127.0.0.1', retryStrategy: () => 20, ...options })),
  },
  {
    name: 'node-redis',
    async make(port) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: () => 20 } })
      client.on('error', quiet)
      await client.connect()
      leftover(() => client.isOpen && client.destroy())
      return client
    },
  },
]

function ofIoredis(client) {
  client.on('error', quiet)
  leftover(() => client.disconnect())
  return client
}

/** Any command, with strings as answers. */
export function command(client, ...args) {
  const texts = args.map(String)
  return client.call === undefined ? client.sendCommand(texts) : client.call(...texts)
}

/** A command whose answer a client has lost is sent again after 15 s, which may happen more than once while connections are cut. */
export const PATIENT = 60_000

/** Looks until `check()` answers something that is true; asks the server again and again, so it needs no timer. */
export async function eventually(check, what = 'the condition', ms = PATIENT) {
  const looks = async () => {
    for (;;) {
      const found = await check()
      if (found) return found
      await new Promise(setImmediate)
    }
  }
  return within(ms, looks(), what)
}

/** Starts consuming; `stop()` ends it and answers its numbers. */
export function consuming(fn, options) {
  const controller = new AbortController()
  // A test that fails must not go on consuming.
  leftover(() => controller.abort())
  const running = consume(fn, { ...options, signal: controller.signal })
  running.catch(quiet)
  return {
    running,
    stop() {
      controller.abort()
      return within(PATIENT, running, 'consume')
    },
  }
}

/** The values of a stream, parsed. */
export async function valuesOf(client, stream) {
  const entries = await command(client, 'XRANGE', stream, '-', '+')
  return entries.map(([, fields]) => JSON.parse((Array.isArray(fields) ? fields : Object.entries(fields).flat())[1]))
}

/** How many entries are pending in a group. */
export async function pendingOf(client, stream, group) {
  const [count] = await command(client, 'XPENDING', stream, group)
  return Number(count)
}

/** A way to a port that can be stalled: then nothing goes through, and nobody is told. */
export async function proxy(port) {
  const pairs = new Set()
  const stalled = false
  let target = port
  const server = net.createServer((socket) => {
    const to = net.connect(target, '127.0.0.1')
    const pair = [socket, to]
    pairs.add(pair)
    for (const [one, other] of [pair, [to, socket]]) {
      one.on('error', quiet)
      one.on('data', (chunk) => stalled || other.write(chunk))
      one.on('close', () => {
        pairs.delete(pair)
        if (!stalled) other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    server.close()
  }
  leftover(close)
  return {
    port: server.address().port,
    /** New connections go there; those that are there stay as they are. */
    to(other) {
      target = other
    },
    /** Those that are there hear nothing more; new ones may. */
    stall() {
      for (const pair of pairs) for (const socket of pair) socket.removeAllListeners('data').pause()
    },
    close,
  }
}
