// What the tests of the server share: functions to serve, a server that is gone after the test, and clients that keep nothing.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { connect } from 'node:net'
import { after } from 'node:test'
import { runtime } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { WebSocket } from 'ws'
import { deferred, until } from '../support/deferred.mjs'
import { within } from '../support/within.mjs'

export async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
}

export async function* twice(events) {
  for await (const event of events) yield event * 2
}

/** Says what its context says of the request. */
export async function* who(_events, { headers }) {
  yield { principal: headers['velo-principal'] ?? null, agent: headers['x-agent'] ?? null }
}

/** A function that says when it began, and ends when it is let go, or aborted. */
export function holding() {
  const began = deferred()
  const go = deferred()
  const ended = deferred()
  async function* hold(events, { signal }) {
    try {
      yield 'began'
      began.resolve()
      signal.addEventListener('abort', () => go.resolve('aborted'))
      yield await go.promise
      for await (const event of events) yield event
    } finally {
      ended.resolve()
    }
  }
  return { hold, began: began.promise, ended: ended.promise, letGo: () => go.resolve('let go') }
}

/** A server that listens and is stopped after the tests of the file. */
export async function serving(options) {
  const server = createServer({ grace: 0, ...options })
  after(() => server.close({ grace: 0 }))
  const { port } = await server.listen()
  return { server, port, url: server.url }
}

/** Posts `body` and reads the whole answer. */
export async function post(url, body, headers = {}) {
  const response = await within(
    20_000,
    fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson', ...headers } }),
    url,
  )
  return { status: response.status, headers: response.headers, text: await within(20_000, response.text(), `the answer of ${url}`) }
}

/** Values as NDJSON. */
export const ndjson = (values) => values.map((value) => `${JSON.stringify(value)}\n`).join('')

/** NDJSON as values. */
export const values = (text) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

/** A POST that stays open: `write`, `end`, what comes back as it comes, and how it ended. */
export function posting(port, path, { headers = {}, agent = false } = {}) {
  const said = { text: '' }
  const answered = deferred()
  const ended = deferred()
  let changed = () => {}
  const req = request({ port, path, method: 'POST', agent, headers: { 'content-type': 'application/x-ndjson', ...headers } }, (res) => {
    res.setEncoding('utf8')
    res.on('data', (text) => {
      said.text += text
      changed()
    })
    res.on('error', () => undefined)
    res.on('close', () => ended.resolve({ status: res.statusCode, text: said.text, complete: res.complete }))
    answered.resolve(res)
  })
  req.on('error', (error) => {
    answered.resolve(error)
    ended.resolve({ error, text: said.text, complete: false })
  })
  req.flushHeaders()
  const has = (text) =>
    new Promise((resolve) => {
      changed = () => said.text.includes(text) && resolve()
      changed()
    })
  return {
    req,
    write: (text) => req.write(text),
    end: (text) => req.end(text),
    answered: () => within(20_000, answered.promise, `the answer of ${path}`),
    until: (text) => within(20_000, has(text), `${text} in the answer of ${path}`),
    ended: () => within(20_000, ended.promise, `the end of ${path}`),
  }
}

/** Bytes on a bare connection: what came back, and when it was closed. */
export function raw(port, bytes = '') {
  const socket = connect(port, '127.0.0.1')
  const said = { text: '' }
  socket.setEncoding('utf8').on('data', (text) => (said.text += text))
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.on('close', () => resolve(said.text)))
  after(() => socket.destroy())
  socket.write(bytes)
  return { socket, said, closed: (ms = 20_000) => within(ms, closed, 'the close of a bare connection') }
}

/** A WebSocket: messages as they come, `opened`, and `closed` with code and reason; a handshake that is refused says its status. */
export function webSocket(url, options) {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), options)
  const messages = []
  const opened = deferred()
  const closed = deferred()
  let changed = () => {}
  socket.on('open', () => opened.resolve('open'))
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)))
    changed()
  })
  socket.on('unexpected-response', (_req, res) => {
    res.resume()
    opened.resolve(res.statusCode)
    closed.resolve({ status: res.statusCode })
  })
  socket.on('error', (error) => opened.resolve(error))
  socket.on('close', (code, reason) => closed.resolve({ code, reason: String(reason) }))
  after(() => socket.terminate())
  const count = (n) =>
    new Promise((resolve) => {
      changed = () => messages.length >= n && resolve(messages.slice(0, n))
      changed()
    })
  return {
    socket,
    messages,
    send: (value) => socket.send(JSON.stringify(value)),
    opened: () => within(20_000, opened.promise, 'the handshake'),
    count: (n) => within(20_000, count(n), `${n} messages`),
    closed: () => within(20_000, closed.promise, 'the close of the WebSocket'),
  }
}

/** No stream of the process is open any more. */
export async function noStreams() {
  await until(20_000, () => runtime.snapshot().streamsOpen === 0, 'every stream is over')
  assert.equal(runtime.snapshot().streamsDetached, 0)
}
