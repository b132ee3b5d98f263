// The cases of the Autobahn test suite, which follow RFC 6455 and 7692 line by line: framing, pings, reserved bits and opcodes, fragments, UTF-8, closing,
// and, in the long form, large messages and compression. `VELO_AUTOBAHN=long` asks for all of them, as `node .ci/autobahn.mjs --long` does.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { createServer } from 'velo-stream/server'
import { serveSocket } from 'velo-stream/websocket'
import { WebSocketServer } from 'ws'
import { has } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { findKosoku, verdicts } from './kosoku.mjs'

const isLong = process.env.VELO_AUTOBAHN === 'long'
const MIB = 1024 * 1024
const PROTOCOL = ['1.*', '2.*', '3.*', '4.*', '5.*', '6.*', '7.*', '10.*']
const LARGE = isLong ? ['9.*'] : ['9.1.3', '9.2.3', '9.5.1', '9.6.1']
const COMPRESSED = isLong ? ['12.*', '13.*'] : ['12.1.1', '12.3.2', '13.1.1', '13.3.2']

/**
 * The faults of a client that come right behind a good message, or in the middle of a frame. `ws` ends the connection with the right code as soon as the whole
 * frame is there, before the function has answered the good one: allowed, and called not strict.
 */
const RIGHT_BEHIND = ['3.2', '3.3', '3.4', '4.1.3', '4.1.4', '4.1.5', '4.2.3', '4.2.4', '4.2.5', '5.15', '6.4.1', '6.4.2', '6.4.3', '6.4.4']
/** What the standard leaves open: these only tell. */
const TELL = ['7.1.6', '7.13.1', '7.13.2']
/** 4 MiB in 65536 fragments: `ws` takes 16384 (its `maxFragments`), and closes with 1008. */
const MANY_FRAGMENTS = ['9.3.1', '9.4.1']
/** Not run: the first fail inside this runner, which hashes a text there; the others take it about as long as the 30 s that it waits, with a bare server of `ws` too. */
const BROKEN = ['13.2.1', '13.2.2', '13.2.3', '13.5.1', '13.5.2', '13.5.3', '13.6.1', '13.6.2', '13.6.3', '13.7.1', '13.7.2', '13.7.3']
const TOO_LONG = [1, 2, 3, 4, 5].flatMap((kind) => [14, 15, 16].map((size) => `12.${kind}.${size}`))

const echo = streamFn(async function* echo(events) {
  for await (const event of events) yield event
})
const options = { text: 'raw', binary: 'raw', maxMessage: 16 * MIB, maxBufferedBytes: 64 * MIB }

/** Checks the verdict of each case; answers how many there were. */
function check(of, refused = []) {
  for (const [id, { behavior, behaviorClose, remoteCloseCode }] of Object.entries(of)) {
    const said = `case ${id}: ${behavior}, close ${behaviorClose} with ${remoteCloseCode}`
    if (refused.includes(id)) assert.deepEqual([behavior, remoteCloseCode], ['FAILED', 1008], said)
    else if (TELL.includes(id)) assert.equal(behavior, 'INFORMATIONAL', said)
    else {
      assert.ok(behavior === 'OK' || (behavior === 'NON-STRICT' && RIGHT_BEHIND.includes(id)), said)
      assert.equal(behaviorClose, 'OK', said)
    }
  }
  return Object.keys(of).length
}

describe(`the cases of Autobahn, ${isLong ? 'all' : 'the short form'}`, {
  concurrency: !isLong,
  timeout: isLong ? 3_600_000 : 120_000,
}, () => {
  test('createServer', async (context) => {
    if (!has(context, findKosoku(), 'kosoku (node .ci/autobahn.mjs)')) return
    const server = createServer({ functions: { echo: { fn: echo, websocket: options } } })
    try {
      const { port } = await server.listen({ port: 0, host: '127.0.0.1' })
      const of = await verdicts(`ws://127.0.0.1:${port}/fn/echo`, [...PROTOCOL, ...LARGE])
      assert.equal(check(of, MANY_FRAGMENTS), isLong ? 301 : 251)
    } finally {
      await within(5_000, server.close(), 'the end of the server')
    }
    assert.equal(echo.metrics.streamsDetached, 0)
  })

  test('serveSocket, with a server of ws that compresses', async (context) => {
    if (!has(context, findKosoku(), 'kosoku (node .ci/autobahn.mjs)')) return
    const served = []
    const limits = { perMessageDeflate: true, maxPayload: options.maxMessage, maxFragments: 131_072 }
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...limits })
    server.on('connection', (socket, request) => served.push(serveSocket(socket, echo, { request, ...options })))
    try {
      await within(5_000, once(server, 'listening'), 'the server')
      const url = `ws://127.0.0.1:${server.address().port}`
      const of = await verdicts(url, [...PROTOCOL, ...LARGE, ...COMPRESSED], {
        without: [...BROKEN, ...TOO_LONG],
        together: isLong ? 2 : 8,
      })
      assert.equal(check(of), isLong ? 490 : 255)
      for (const { closed } of served) await within(5_000, closed, 'the end of every connection')
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })
})

noUnhandledRejections('the cases of Autobahn')
