// What a session says is heard by whoever has it open: while it is opened and closed at once, while connections are cut, after the server has lost its tail.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { cluster } from 'velo-stream/redis'
import { connectorOf } from '../../target/js/redis/session/clients/connector.js'
import { deferred } from '../support/deferred.mjs'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { clients } from './clients.mjs'
import { eventually } from './support.mjs'

const LIMIT = 30_000
const echo = streamFn(
  async function* (events) {
    for await (const event of events) yield event
  },
  { name: 'echo' },
)

describeServers('news', ({ server }) => {
  let knife
  after(() => knife?.disconnect())
  const ask = async (...args) => {
    knife ??= await clients[0].make(server().url)
    return knife.call(...args)
  }

  for (const { name, make, end } of clients) {
    let made = 0
    /** A cluster of this client with a prefix of its own; it is stopped with the test. */
    async function started(context, body) {
      const client = await make(server().url)
      const own = { prefix: `news-${name}-${made++}` }
      const open = []
      const one = (options) => {
        const made = cluster({ client, functions: { echo }, ...own, ...options })
        open.push(made)
        return made
      }
      context.after(async () => {
        for (const made of open) await made.stop()
        await end(client)
      })
      return body(one, own.prefix)
    }

    test(`${name}: a channel that is given up and wanted again at once is heard`, async (context) => {
      const client = await make(server().url)
      const subscriber = connectorOf(client, 'client').subscriber()
      context.after(async () => {
        subscriber.close()
        await end(client)
      })
      const channel = `again-${name}`
      await within(
        LIMIT,
        subscriber.subscribe(channel, () => {}),
      )
      const heard = deferred()
      const steps = [subscriber.unsubscribe(channel), subscriber.subscribe(channel, (bytes) => heard.resolve(String(bytes)))]
      await within(LIMIT, Promise.all(steps))
      await ask('SPUBLISH', channel, 'news')
      assert.equal(await within(LIMIT, heard.promise), 'news')
    })

    test(`${name}: a handle hears of its results while another one of the same session is closed`, async (context) => {
      await started(context, async (one) => {
        const [host, front] = [one(), one()]
        await host.work()
        const before = await front.open('echo', 'a')
        const opening = front.open('echo', 'a')
        await before.close()
        const stream = await within(LIMIT, opening)
        for (let i = 0; i < 3; i++) {
          await stream.send(i)
          assert.equal(await within(LIMIT, stream.recv()), i)
        }
      })
    })

    test(`${name}: a session that is opened while connections are cut is heard afterwards`, async (context) => {
      await started(context, async (one, prefix) => {
        const [host, front] = [one(), one()]
        await host.work()
        // Its connections are there.
        await (await front.open('echo', 'first')).close()
        await ask('CLIENT', 'PAUSE', 60_000, 'WRITE')
        const opening = front.open('echo', 'a')
        opening.catch(() => {})
        const isHeard = async () => (await ask('PUBSUB', 'SHARDCHANNELS', `${prefix}:{echo/a}*`)).length > 0
        await eventually(isHeard)
        await ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await eventually(isHeard)
        await ask('CLIENT', 'UNPAUSE')
        const stream = await within(LIMIT, opening)
        for (let i = 0; i < 3; i++) {
          await stream.send(i)
          assert.equal(await within(LIMIT, stream.recv()), i)
        }
      })
    })

    test(`${name}: a server that does not answer is told`, async (context) => {
      await started(context, async (one) => {
        const front = one({ timeout: 300 })
        // Its connections are there.
        await (await front.open('echo', 'first')).close()
        await ask('CLIENT', 'PAUSE', 60_000, 'WRITE')
        try {
          await assert.rejects(within(LIMIT, front.open('echo', 'a')), { code: 'VELO_TIMEOUT', streamId: 'a' })
        } finally {
          await ask('CLIENT', 'UNPAUSE')
        }
      })
    })

    test(`${name}: a session of which the server has lost the entry, or everything, is hosted after all`, async (context) => {
      await started(context, async (one, prefix) => {
        const [front, host] = [one(), one()]
        const listed = await front.open('echo', 'listed')
        await listed.send('kept')
        const fresh = await front.open('echo', 'fresh')
        // The server has lost its tail: who is to be hosted, and a session to which nothing was sent yet.
        const lost = await ask('KEYS', `${prefix}:{echo/fresh}*`)
        await ask('DEL', `${prefix}:{directory}d`, ...lost)
        await ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        await ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await host.work()
        assert.equal(await within(LIMIT, listed.recv()), 'kept')
        await fresh.send('new')
        assert.equal(await within(LIMIT, fresh.recv()), 'new')
      })
    })

    test(`${name}: whoever opened a session last sends on, though the server has lost that it did`, async (context) => {
      await started(context, async (one, prefix) => {
        const [host, first, second] = [one(), one(), one()]
        const before = await first.open('echo', 'a')
        await before.send(0)
        const dumps = new Map()
        for (const key of await ask('KEYS', `${prefix}:{echo/a}*`)) dumps.set(key, await knife.callBuffer('DUMP', key))
        const [sends, reads] = [await second.open('echo', 'a'), await second.open('echo', 'a')]
        const last = await second.open('echo', 'a')
        await last.send(1)
        // The server is as it was before the others opened it.
        await ask('DEL', ...(await ask('KEYS', `${prefix}:{echo/a}*`)))
        for (const [key, dump] of dumps) await ask('RESTORE', key, 0, dump)
        await ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
        await ask('CLIENT', 'KILL', 'TYPE', 'pubsub')
        await within(LIMIT, last.send(2))
        await host.work()
        await assert.rejects(within(LIMIT, sends.send('x')), { code: 'VELO_CLOSED', reason: 'moved' })
        for (const stream of [last, reads]) for (let i = 0; i < 3; i++) assert.equal(await within(LIMIT, stream.recv()), i)
      })
    })
  }
})
