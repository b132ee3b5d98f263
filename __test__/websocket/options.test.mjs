// Options are checked where the connection is served: the message names the field, what was expected, and the value.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocket } from 'ws'
import { totals } from './support.mjs'

const socket = { readyState: 1, bufferedAmount: 0 }
for (const name of ['on', 'off', 'send', 'ping', 'pause', 'resume', 'close', 'terminate'])
  socket[name] = () => assert.fail(`${name} was called`)

const refused = {
  "text: expected 'json' or 'raw', got 'xml' (string)": { text: 'xml' },
  "binary: expected 'refuse' or 'raw', got true (boolean)": { binary: true },
  'maxMessage: expected an integer from 1 up, got 0 (number)': { maxMessage: 0 },
  'maxBuffered: expected an integer from 1 up, got 1.5 (number)': { maxBuffered: 1.5 },
  'heartbeat: expected ms from 0 to 2147483647, got -1 (number)': { heartbeat: -1 },
  'maxStall: expected ms from 0 to 2147483647, got Infinity (number)': { maxStall: Infinity },
  "onMalformed: expected 'fail' or 'skip', got 'ignore' (string)": { onMalformed: 'ignore' },
  "onDisconnect: expected 'abort' or 'finish', got 'stay' (string)": { onDisconnect: 'stay' },
  'onDisconnect: expected an object, got null (null)': { onDisconnect: null },
  'onDisconnect.graceMs: expected ms from 1 to 2147483647, got undefined (undefined)': { onDisconnect: {} },
  'onDisconnect.graceMs: expected ms from 1 to 2147483647, got 0 (number)': { onDisconnect: { graceMs: 0 } },
  "onDisconnect.buffer: unknown option 'buffer', expected one of graceMs, got 1 (number)": { onDisconnect: { graceMs: 1, buffer: 1 } },
  "resumeBuffer: expected an integer from 1 up, got '9' (string)": { resumeBuffer: '9' },
  'resume.token: expected a string, got undefined (undefined)': { onDisconnect: { graceMs: 1 }, resume: { last: 1 } },
  'resume.last: expected an integer from 0 up, got -1 (number)': { onDisconnect: { graceMs: 1 }, resume: { token: 'x', last: -1 } },
  'owner: expected a string, got 7 (number)': { owner: 7 },
  'endMessage: expected a string, got Object (object)': { endMessage: {} },
  'expose: expected a boolean, got 1 (number)': { expose: 1 },
}

for (const [message, options] of Object.entries(refused)) {
  test(`${message} is refused`, () => {
    const field = `serveSocket(options).${message.slice(0, message.indexOf(':'))}`
    assert.throws(() => serveSocket(socket, totals, options), { code: 'VELO_CONFIG', field, message: `serveSocket(options).${message}` })
  })
}

test('an unknown option is refused, with the names of those that there are', () => {
  assert.throws(() => serveSocket(socket, totals, { timeout: 1 }), {
    field: 'serveSocket(options).timeout',
    message: /expected one of text, binary, .*, got 1/,
  })
  assert.throws(() => serveSocket(socket, totals, 7), { message: 'serveSocket(options): expected an object, got 7 (number)' })
})

test('what is no socket of ws, or no stream function, is refused', () => {
  for (const one of [null, {}, 'socket', new EventTarget()]) assert.throws(() => serveSocket(one, totals), { field: 'serveSocket(socket)' })
  for (const fn of [undefined, async function* () {}]) assert.throws(() => serveSocket(socket, fn), { field: 'serveSocket(fn)' })
  const connecting = new WebSocket('ws://127.0.0.1:1')
  connecting.on('error', () => {})
  assert.throws(() => serveSocket(connecting, totals), { field: 'serveSocket(socket)', message: /expected an open socket/ })
  connecting.terminate()
  const message = "serveSocket(socket).binaryType: expected 'nodebuffer', 'arraybuffer' or 'fragments', got 'blob' (string)"
  assert.throws(() => serveSocket({ ...socket, binaryType: 'blob' }, totals), { code: 'VELO_CONFIG', message })
})
