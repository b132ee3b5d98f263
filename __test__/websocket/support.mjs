// A server of `ws` that serves every connection with one stream function, and clients that keep what they got.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { runtime, streamFn } from 'velo-stream'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocket, WebSocketServer } from 'ws'
import { until } from '../support/deferred.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'

/** Timers that the library has running, by where they were started. */
const timers = new Map()
for (const [start, stop] of [
  ['setTimeout', 'clearTimeout'],
  ['setInterval', 'clearInterval'],
]) {
  const [started, stopped] = [globalThis[start], globalThis[stop]]
  globalThis[start] = (callback, ...rest) => {
    const { stack } = new Error()
    if (!/\/dist\/websocket[-.]/.test(stack)) return started(callback, ...rest)
    const timer = started(
      () => {
        if (start === 'setTimeout') timers.delete(timer)
        callback()
      },
      ...rest,
    )
    timers.set(timer, stack)
    return timer
  }
  globalThis[stop] = (timer) => {
    timers.delete(timer)
    stopped(timer)
  }
}

/** Servers that run; one test has two. */
let running = 0
const EVENTS = ['message', 'ping', 'pong', 'error', 'close']

/** Running total of the events, with their count. */
export const totals = streamFn(
  async function* totals(events) {
    let total = 0
    let count = 0
    for await (const { add } of events) yield { total: (total += add), count: ++count }
  },
  { idleTimeout: 0 },
)

/** Listens on a free port. `served` holds the handle of each connection, `next()` waits for the next one. Closed by `close()`, which checks that nothing is left. */
export async function serving(fn, options = {}, serverOptions = {}) {
  const server = createServer()
  const wss = new WebSocketServer({ server, ...serverOptions })
  const served = []
  const sockets = []
  const waiting = []
  wss.on('connection', (socket, request) => {
    const before = EVENTS.map((name) => socket.listenerCount(name))
    const handle = serveSocket(socket, fn, { request, ...(typeof options === 'function' ? options(request) : options) })
    served.push(handle)
    sockets.push({ socket, before, wire: request.socket })
    waiting.shift()?.(handle)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  running++
  const { port } = server.address()
  const next = () => within(5_000, new Promise((resolve) => waiting.push(resolve)), 'a connection')
  const stop = leftover(() => {
    for (const { socket } of sockets) socket.terminate()
    for (const handle of served) handle.drain()
    server.closeAllConnections()
    wss.close()
    server.close()
  })
  const close = async () => {
    stop()
    await within(5_000, Promise.all(served.map(({ closed }) => closed)), 'the end of the connections')
    for (const { socket, before } of sockets) {
      for (const [i, name] of EVENTS.entries()) assert.ok(socket.listenerCount(name) <= before[i], `a listener of ${name} is left`)
    }
    if (--running > 0) return
    assert.deepEqual([...timers.values()], [], 'timers are left')
    await until(5_000, () => runtime.snapshot().streamsOpen === 0, 'the end of every stream')
  }
  return { port, url: `ws://127.0.0.1:${port}`, served, sockets, next, close, wss }
}

/** Runs `body` with a server and closes it. */
export async function withServer(fn, options, body, serverOptions) {
  const server = await serving(fn, options, serverOptions)
  try {
    await body(server)
  } finally {
    await server.close()
  }
}

/** A client of `ws` that keeps what it gets until somebody asks. */
export class Client {
  received = []
  #waiting = []
  constructor(url, options) {
    this.socket = new WebSocket(url, options)
    this.opened = once(this.socket, 'open')
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => {
        resolve({ code, reason: String(reason) })
        for (const { reject } of this.#waiting.splice(0)) reject(new Error(`closed with ${code} ${reason}`))
      })
    })
    this.socket.on('error', () => {}) // `closed` tells
    this.opened.catch(() => {})
    this.socket.on('message', (data, isBinary) => {
      const message = isBinary ? data : String(data)
      const waiting = this.#waiting.shift()
      if (waiting === undefined) this.received.push(message)
      else waiting.resolve(message)
    })
  }

  send(value) {
    this.socket.send(JSON.stringify(value))
  }

  /** The next message. */
  raw(ms = 10_000) {
    if (this.received.length > 0) return Promise.resolve(this.received.shift())
    return within(ms, new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })), 'a message')
  }

  /** The next message, parsed. */
  async next(ms) {
    return JSON.parse(await this.raw(ms))
  }

  /** How the connection ended. */
  end(ms = 10_000) {
    return within(ms, this.closed, 'the close')
  }
}

/** A client that is connected. */
export async function connect(url, options) {
  const client = new Client(url, options)
  await within(5_000, client.opened, 'the connection')
  return client
}

/** A connection whose bytes the test writes itself. `frame` masks with zeros, which is allowed and leaves the text readable. */
export async function bareClient(port, path = '/') {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => {})
  await within(5_000, once(socket, 'connect'), 'the connection')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  const [head] = await within(5_000, once(socket, 'data'), 'the answer')
  assert.match(String(head), /^HTTP\/1\.1 101 /)
  return socket
}

/** One masked frame of less than 64 KiB. */
export function frame(payload, opcode = 1) {
  const bytes = Buffer.from(payload)
  const long = bytes.length > 125
  const head = long
    ? Buffer.from([0x80 | opcode, 0x80 | 126, bytes.length >> 8, bytes.length & 255])
    : Buffer.from([0x80 | opcode, 0x80 | bytes.length])
  return Buffer.concat([head, Buffer.alloc(4), bytes])
}
