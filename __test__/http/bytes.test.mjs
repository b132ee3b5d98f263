// Bytes that wait between two sockets (rule 4): they are counted exactly, and whoever waits for room goes on when there is some.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { toResponse } from 'velo-stream/http'
import { deferred, turns, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { serving } from '../websocket/support.mjs'
import { Wire } from './support/clients.mjs'
import { start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const MIB = 1 << 20
const line = `"${'z'.repeat(MIB - 3)}"\n`
const buffered = () => runtime.snapshot().bytesBuffered
const asked = (body = '') => new Request('http://test/', { method: 'POST', body, headers: { 'content-type': 'application/x-ndjson' } })

describe('results that nobody reads', () => {
  afterEach(() => settled())

  test('count by what they are on the wire, each by itself', async () => {
    const results = ['x'.repeat(100_000), 1, { text: '\u00e4\u20ac'.repeat(1_000_000) }, null, 'y'.repeat(3_000_000), [2]]
    const bytes = results.reduce((sum, result) => sum + Buffer.byteLength(JSON.stringify(result)) + 1, 0)
    const fn = streamFn(async function* known() {
      yield* results
    })
    const response = await toResponse(fn, asked())
    await until(10_000, () => fn.metrics.eventsOut === results.length, 'the results')
    assert.equal(buffered(), bytes)
    assert.equal(Buffer.byteLength(await response.text()), bytes)
    await until(10_000, () => buffered() === 0, 'the end')
  })

  test('never make more than the bound, the one at whose yield the function waits included', async () => {
    const fn = streamFn(async function* many() {
      for (let i = 0; i < 40; i++) yield `${i}${'x'.repeat(i % 2 ? 10 : MIB)}`
    })
    const response = await toResponse(fn, asked(), { maxBufferedBytes: 4 * MIB })
    let most = 0
    for await (const chunk of response.body) {
      await turns(2)
      most = Math.max(most, buffered())
      assert.ok(chunk.length > 0)
    }
    assert.ok(most > 2 * MIB && most <= 4.1 * MIB, `${most}`)
  })

  test('are written as they were when they were yielded', async () => {
    const fn = streamFn(async function* counting() {
      const result = { n: 0 }
      for (; result.n < 5; result.n++) yield result
    })
    assert.equal(await (await toResponse(fn, asked())).text(), [0, 1, 2, 3, 4].map((n) => `{"n":${n}}\n`).join(''))
  })
})

describe('events beyond the bound go on with the delivery of one, not after a while', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(async () => {
    mock.timers.reset()
    await settled()
  })

  /** Takes an event when it is told to. */
  function gated() {
    let next = deferred()
    const fn = streamFn(async function* gatedEvents(events, { signal }) {
      signal.addEventListener('abort', () => take())
      for await (const event of events) {
        await next.promise
        yield event.length
      }
    })
    const take = () => {
      const { resolve } = next
      next = deferred()
      resolve()
    }
    return { fn, take }
  }

  /** Nothing more comes in until one is taken, and then one more does. */
  async function oneByOne(fn, take, first, last) {
    await until(10_000, () => fn.metrics.eventsIn === first, `${first} events`)
    for (let count = first; count < last; count++) {
      await turns(50)
      assert.equal(fn.metrics.eventsIn, count)
      take()
      await until(10_000, () => fn.metrics.eventsIn === count + 1, `event ${count + 1}`)
    }
  }

  test('HTTP', async () => {
    const { fn, take } = gated()
    const server = await start('node:http', fn, { maxBufferedBytes: 2.25 * MIB })
    const wire = new Wire(server.port).head({ length: 64 * MIB })
    wire.write(line.repeat(12))
    // One is with the function, two wait.
    await oneByOne(fn, take, 3, 10)
    wire.socket.destroy()
    await server.close()
  })

  test('WebSocket', async () => {
    const { fn, take } = gated()
    const server = await serving(fn, { maxBufferedBytes: 2.25 * MIB, maxMessage: MIB })
    const socket = new (await import('ws')).WebSocket(server.url)
    await new Promise((resolve) => socket.once('open', resolve))
    for (let i = 0; i < 12; i++) socket.send(line)
    await oneByOne(fn, take, 3, 10)
    socket.terminate()
    mock.timers.reset()
    await server.close()
  })

  test('a function on another thread', async () => {
    const fn = streamFn(new URL('support/taking.mjs', import.meta.url), { export: 'taking', placement: 'worker' })
    const server = await start('node:http', fn, { maxBufferedBytes: 2.25 * MIB })
    const channel = new BroadcastChannel('taking of bytes')
    const ready = once(channel, 'message')
    const wire = new Wire(server.port).head({ length: 64 * MIB })
    wire.write(`"taking of bytes"\n${line.repeat(12)}`)
    await within(20_000, ready, 'the function')
    await until(10_000, () => fn.metrics.eventsIn >= 3, 'the first events')
    let seen = fn.metrics.eventsIn
    for (let i = 0; i < 6; i++) {
      await turns(50)
      assert.ok(fn.metrics.eventsIn <= seen + 1, `${fn.metrics.eventsIn} after ${seen}`)
      seen = fn.metrics.eventsIn
      channel.postMessage(1)
      await until(10_000, () => fn.metrics.eventsIn > seen, `event ${seen + 1}`)
    }
    channel.close()
    wire.socket.destroy()
    await server.close()
  })
})

noUnhandledRejections('rule 4')
