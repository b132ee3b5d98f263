// An attacker cannot end the process, and not shut others out (rule 4): parsed events count with what they take on the heap, and what one client has taken leaves room for the next.

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { values as valuesOf } from '../http/support/clients.mjs'
import { forked } from '../support/forked.mjs'
import { leftover } from '../support/leftovers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { forms, handshake, values } from './flood/bodies.mjs'

const SERVER = fileURLToPath(new URL('flood/server.mjs', import.meta.url))
const IDLE = 100
/** How often each connection sends what it can, at most. */
const TIMES = 8
/** Another client than this one has the streams, where the system knows more loopback addresses than one. */
const from = process.platform === 'linux' ? { localAddress: '127.0.0.2' } : {}

/** A connection that has sent its head, and sends events when it is told to. */
async function attacker(port, { head, first, again }) {
  const socket = connect({ port, host: '127.0.0.1', ...from }).on('error', () => {})
  socket.on(
    'close',
    leftover(() => socket.destroy()),
  )
  await within(20_000, new Promise((resolve) => socket.once('connect', resolve)), 'a connection')
  socket.write(head)
  const body = Buffer.from(again, 'latin1')
  const flood = (left) => left > 0 && !socket.destroyed && socket.write(body, () => flood(left - 1))
  return {
    begin: () => socket.write(first || Buffer.alloc(0), () => flood(TIMES)),
    end: () => socket.destroy(),
  }
}

const ordinary = Array.from({ length: 2000 }, (_, id) => ({ id, name: `number ${id}`, tags: ['a', 'b'] }))

async function isServed(port) {
  for (const events of [[1, 2], ordinary]) {
    const body = events.map((event) => `${JSON.stringify(event)}\n`).join('')
    const response = await within(
      20_000,
      fetch(`http://127.0.0.1:${port}/fn/echo`, { method: 'POST', body }),
      'the response of an ordinary client',
    )
    assert.equal(response.status, 200)
    assert.deepEqual(await valuesOf(response), events)
  }
}

for (const form of Object.keys(forms))
  test(`a heap of 512 MB outlives ${IDLE} idle streams that begin to send: ${form}`, { timeout: 400_000 }, async (context) => {
    const server = await forked(SERVER, [form === 'websocket' || form === 'small events' ? 'auto' : form], [], ['--max-old-space-size=512'])
    const port = await server.ask(5_000, 'port')
    const kinds = form === 'sse' || form === 'multipart' ? [['lines', () => '']] : Object.entries(values)
    for (const [kind, value] of kinds) {
      const bytes = forms[form](value)
      const attackers = await Promise.all(Array.from({ length: IDLE }, () => attacker(port, bytes)))
      await server.ask(60_000, 'still', attackers.length)
      for (const { begin } of attackers) begin()
      const waits = await server.ask(120_000, 'still')
      context.diagnostic(`${kind}: ${Math.round(waits / (1 << 20))} MiB`)
      await isServed(port)
      for (const { end } of attackers) end()
      assert.equal(await server.ask(70_000, 'release'), 0)
    }
    await server.end()
  })

/** A ping with the longest payload, masked. */
const PING = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)])

test('a client that floods pings and reads no answer costs no memory', { timeout: 120_000 }, async (context) => {
  const server = await forked(SERVER, ['auto'], [], ['--max-old-space-size=512'])
  const port = await server.ask(5_000, 'port')
  const before = await server.ask(5_000, 'memory')
  const socket = connect({ port, host: '127.0.0.1', ...from }).on('error', () => {})
  const closed = new Promise((resolve) => socket.once('close', resolve))
  leftover(() => socket.destroy())
  socket.pause()
  const chunk = Buffer.concat(Array(8000).fill(PING))
  const flood = (left) => {
    if (left > 0 && !socket.destroyed) socket.write(chunk, (error) => error ?? flood(left - 1))
    else socket.destroy()
  }
  socket.write(handshake('/fn/echo'), () => flood(128))
  await within(60_000, closed, 'the end of the connection')
  const grown = (await server.ask(5_000, 'memory')) - before
  context.diagnostic(`${Math.round(grown / (1 << 20))} MiB more`)
  assert.ok(grown < 64 << 20, `${grown} bytes`)
  await isServed(port)
  await server.end()
})

noUnhandledRejections('rule 4')
