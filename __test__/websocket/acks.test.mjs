// What the server says of events while the client is connected: how many it has, to clients that ask for it, now and then, and never in the way.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { connect, totals, withServer } from './support.mjs'

const grace = { onDisconnect: { graceMs: 60_000 }, heartbeat: 0 }

/** Counts its events, and answers the last. */
const counting = streamFn(
  async function* counting(events) {
    let count = 0
    for await (const event of events) {
      count++
      if (event === 'end') yield count
    }
  },
  { idleTimeout: 0 },
)

async function asking(url, path = '/?acks=1') {
  const client = await connect(`${url}${path}`)
  const { velo } = await client.next()
  return { client, token: velo.token }
}

describe('a client that asks', () => {
  test('hears how many events have arrived, long before it is cut, in the words of the first frame', async () => {
    await withServer(counting, grace, async ({ url }) => {
      const { client, token } = await asking(url)
      for (let n = 0; n < 1000; n++) client.send(n)
      let last = 0
      while (last < 936) {
        const { velo } = await client.next()
        assert.deepEqual(Object.keys(velo), ['token', 'received'])
        assert.equal(velo.token, token)
        assert.ok(velo.received >= last + 64, `${last}, then ${velo.received}`)
        last = velo.received
      }
      client.send('end')
      while (true) {
        const said = await client.next()
        if (said === 1001) break
        assert.ok(said.velo.received <= 1001)
      }
      client.socket.close()
    })
  })

  test('hears of few but large ones as well, and of the rest with the heartbeat', async () => {
    await withServer(counting, { ...grace, heartbeat: 500 }, async ({ url }) => {
      const { client } = await asking(url)
      client.send('x'.repeat(70_000))
      assert.equal((await client.next()).velo.received, 1)
      client.send('y')
      assert.equal((await client.next()).velo.received, 2)
      client.socket.close()
    })
  })

  test('is counted no results for it: it comes back to all that it missed', async () => {
    await withServer(totals, grace, async ({ url, served }) => {
      const { client, token } = await asking(url)
      for (let n = 0; n < 200; n++) client.send({ add: 1 })
      const results = []
      while (results.length < 100) {
        const said = await client.next()
        if ('count' in said) results.push(said.count)
      }
      client.socket.terminate()
      await within(5_000, served[0].closed, 'the cut')
      const again = await connect(`${url}/?acks=1&resume=${token}&last=100`)
      const { velo } = await again.next()
      assert.deepEqual([velo.token, velo.received <= 200], [token, true])
      assert.deepEqual(await again.next(), { total: 101, count: 101 })
      again.socket.close()
    })
  })

  test('but reads nothing gets no more of them than there is room for', async () => {
    const flooding = streamFn(
      async function* flooding(events) {
        for (let n = 0; n < 30; n++) yield 'x'.repeat(1_000_000)
        for await (const _ of events);
      },
      { buffer: 65_536 },
    )
    await withServer(flooding, { ...grace, maxBuffered: 1000, maxBufferedBytes: 1 << 28 }, async ({ url, sockets }) => {
      const { client } = await asking(url)
      client.socket.pause()
      client.send('flood me')
      const [{ socket }] = sockets
      await until(10_000, () => socket.bufferedAmount > 1000, 'the buffers are full')
      const { bufferedAmount } = socket
      for (let n = 0; n < 20_000; n++) client.send(n)
      const pinged = new Promise((resolve) => socket.once('ping', resolve))
      client.socket.ping()
      await within(10_000, pinged, 'everything has arrived')
      // The answer to the ping is in it.
      assert.ok(socket.bufferedAmount < bufferedAmount + 50, `${socket.bufferedAmount} after ${bufferedAmount}`)
      client.socket.terminate()
    })
  })
})

test('nobody else hears of it: clients that do not ask, servers that keep nothing', async () => {
  for (const [path, options, frames] of [
    ['/', { ...grace, heartbeat: 500 }, 1],
    ['/?acks=1', { heartbeat: 500 }, 0],
  ])
    await withServer(counting, options, async ({ url }) => {
      const client = await connect(`${url}${path}`)
      for (let n = 0; n < 500; n++) client.send(n)
      await within(5_000, new Promise((resolve) => client.socket.once('ping', resolve)), 'a heartbeat')
      client.send('end')
      for (let n = 0; n < frames; n++) assert.equal((await client.next()).velo.received, 0)
      assert.equal(await client.next(), 501)
      client.socket.close()
    })
})

noUnhandledRejections('acks')
