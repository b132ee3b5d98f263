// Servers and connections that fail: nothing is lost, and where source and sink are one Redis, nothing is there twice.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { publish, redisSink, redisSource, streamInfo } from 'velo-stream/redis'
import { child } from '../support/child.mjs'
import { describeServers, startServer } from '../support/redis-servers.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { clients, command, consuming, eventually, pendingOf, proxy, valuesOf } from './support.mjs'

const range = (count) => Array.from({ length: count }, (_, i) => i)
const quiet = () => {}

const twice = streamFn(async function* twice(events) {
  for await (const event of events) {
    yield event
    yield event
  }
})
const doubled = (count) => range(count).flatMap((n) => [n, n])

describeServers('faults', ({ server, kind }) => {
  let admin
  let n = 0
  before(async () => {
    admin = await clients[0].make(server().port)
  })

  /** Cuts every other connection again and again while `work(enough)` goes on; `enough()` says that there were many cuts. */
  async function cutting(work) {
    let cut = 0
    let over = false
    const working = work(() => cut >= 12).finally(() => {
      over = true
    })
    working.catch(quiet)
    await eventually(async () => {
      cut += Number(await command(admin, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'))
      // Some get through.
      for (let turn = 0; turn < 40; turn++) await command(admin, 'PING')
      return over
    }, 'everything in spite of the cuts')
    return working
  }

  for (const { name, make } of clients) {
    test(`${name}: all connections cut again and again: each event once, from publish to the sink`, async () => {
      const stream = `cut-${n++}`
      const client = await make(server().port)
      const { stop } = consuming(twice, {
        source: redisSource(client, { stream, group: 'g', batch: 20, block: 50, reclaimAfter: 60_000 }),
        sink: redisSink(client, { stream: `${stream}-out` }),
      })
      const total = await cutting(async (enough) => {
        let at = 0
        for (; !enough(); at += 50)
          await publish(
            client,
            stream,
            range(50).map((i) => at + i),
          )
        return at
      })
      await eventually(async () => (await command(admin, 'XLEN', `${stream}-out`)) >= 2 * total)
      await eventually(async () => (await pendingOf(admin, stream, 'g')) === 0)
      await stop()
      assert.deepEqual(await valuesOf(admin, stream), range(total), 'published once')
      const values = await valuesOf(admin, `${stream}-out`)
      assert.equal(values.length, 2 * total)
      assert.deepEqual(
        values.sort((a, b) => a - b),
        doubled(total),
      )
    })
  }

  test('a sink alone writes each result once while connections are cut', async () => {
    const stream = `sink-${n++}`
    const client = await clients[0].make(server().port)
    const sink = redisSink(client, { stream })
    const written = await cutting(async (enough) => {
      let at = 0
      for (; !enough(); at += 40) await sink.write(range(40).map((i) => at + i))
      return at
    })
    assert.deepEqual(await valuesOf(admin, stream), range(written))
  })

  test('the entries of an answer that was lost come, though they are newer than all in work', async () => {
    const stream = `lost-${n++}`
    const client = await clients[0].make(server().port)
    await publish(client, stream, range(6))
    const source = redisSource(client, { stream, group: 'g', consumer: 'me', batch: 2, block: 50, reclaimAfter: 600_000 })
    const events = source[Symbol.asyncIterator]()
    const next = async () => (await within(30_000, events.next(), 'an event')).value
    assert.deepEqual([await next(), await next()], [0, 1])
    await command(admin, 'XREADGROUP', 'GROUP', 'g', 'me', 'COUNT', 2, 'STREAMS', stream, '>')
    assert.equal(await pendingOf(admin, stream, 'g'), 4)
    const idOf = async () => /id=(\d+) .*cmd=xreadgroup/.exec(await command(admin, 'CLIENT', 'LIST', 'TYPE', 'normal'))?.[1]
    await command(admin, 'CLIENT', 'KILL', 'ID', await idOf())
    const rest = [await next(), await next(), await next(), await next()]
    assert.deepEqual(rest.sort(), [2, 3, 4, 5])
    await events.return()
  })

  test('a read that is never answered: a new connection, and what was on its way is found', async () => {
    const stream = `stall-${n++}`
    const way = await proxy(server().port)
    const client = await clients[0].make(server().port)
    const { port } = way
    // The blocking connection alone goes by the proxy.
    const through = Object.create(client, {
      duplicate: { value: (options) => client.duplicate({ ...options, port, retryStrategy: () => 20 }) },
    })
    const seen = []
    const take = streamFn(async function* take(events) {
      for await (const event of events) seen.push(event)
    })
    const { stop } = consuming(take, { source: redisSource(through, { stream, group: 'g', block: 100 }) })
    await publish(client, stream, 1)
    await eventually(() => seen.length === 1)
    way.stall()
    await publish(client, stream, 2)
    await eventually(() => seen.length === 2, 'the second event', 12_000)
    await eventually(async () => (await pendingOf(client, stream, 'g')) === 0)
    assert.equal((await stop()).acked, 2)
  })

  test('a group that is destroyed, and a stream that is deleted, are made again', async () => {
    const stream = `group-${n++}`
    const client = await clients[0].make(server().port)
    const seen = new Set()
    const take = streamFn(async function* take(events) {
      for await (const event of events) seen.add(event)
    })
    const { stop } = consuming(take, { source: redisSource(client, { stream, group: 'g', block: 20 }) })
    await publish(client, stream, 1)
    await eventually(() => seen.has(1))
    await command(admin, 'XGROUP', 'DESTROY', stream, 'g')
    await publish(client, stream, 2)
    await eventually(() => seen.has(2))
    await command(admin, 'DEL', stream)
    await publish(client, stream, 3)
    await eventually(() => seen.has(3))
    await stop()
  })

  test('a consumer whose entries were taken over meanwhile stores nothing', async () => {
    const stream = `fenced-${n++}`
    const client = await clients[0].make(server().port)
    await publish(client, stream, range(10))
    let go
    const gate = new Promise((resolve) => {
      go = resolve
    })
    let holding = false
    const held = streamFn(async function* held(events) {
      for await (const event of events) {
        if (event === 0) {
          holding = true
          await gate
        }
        yield event
      }
    })
    const { running } = consuming(held, {
      source: redisSource(client, { stream, group: 'g' }),
      sink: redisSink(client, { stream: `${stream}-out` }),
    })
    await eventually(() => holding)
    const ids = (await command(admin, 'XRANGE', stream, '-', '+')).map(([id]) => id)
    await command(admin, 'XCLAIM', stream, 'g', 'other', '0', ...ids, 'JUSTID')
    go()
    await assert.rejects(within(10_000, running), { code: 'VELO_ADAPTER', adapter: 'redis', message: /taken over/ })
    assert.equal(await command(admin, 'EXISTS', `${stream}-out`), 0)
    assert.equal(await pendingOf(admin, stream, 'g'), 10)
  })

  test('a process killed again and again: results are there once, in order', async () => {
    const stream = `killed-${n++}`
    const total = 4000
    await publish(admin, stream, range(total))
    const program = `
      import { Redis } from 'ioredis'
      import { consume, streamFn } from 'velo-stream'
      import { redisSink, redisSource } from 'velo-stream/redis'
      const [, url, stream] = process.argv
      const client = new Redis(url)
      const twice = streamFn(async function* twice(events) {
        for await (const event of events) {
          yield event
          yield event
        }
      })
      let left = 3
      const sink = redisSink(client, { stream: stream + '-out' })
      // Killed while a step is on its way.
      const joined = (source) => {
        const step = sink.joined(source)
        return { commit(results, upTo) {
          const done = step.commit(results, upTo)
          if (results.length > 0 && --left === 0) setImmediate(() => process.kill(process.pid, 'SIGKILL'))
          return done
        } }
      }
      await consume(twice, { source: redisSource(client, { stream, group: 'g', consumer: 'me', batch: 50 }), sink: { write() {}, joined } })
    `
    let lives = 0
    await eventually(
      async () => {
        const ended = await child(program, { args: [server().url, stream] })
        assert.equal(ended.signal, 'SIGKILL', ended.stderr)
        return ++lives >= 3
      },
      'three lives',
      60_000,
    )
    const client = await clients[0].make(server().port)
    const { stop } = consuming(twice, {
      source: redisSource(client, { stream, group: 'g', consumer: 'me' }),
      sink: redisSink(client, { stream: `${stream}-out` }),
    })
    await eventually(async () => {
      const { pending, lag } = await streamInfo(client, stream)
      return pending === 0 && lag === 0
    })
    await stop()
    assert.deepEqual(await valuesOf(admin, `${stream}-out`), doubled(total))
  })

  test('a server killed with an AOF of every write, and started again', async () => {
    const own = await startServer(kind, { args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const client = await clients[0].make(own.port)
    const { stop } = consuming(twice, {
      source: redisSource(client, { stream: 'in', group: 'g', block: 50 }),
      sink: redisSink(client, { stream: 'out' }),
    })
    const publishing = (async () => {
      for (let at = 0; at < 400; at += 10)
        await publish(
          client,
          'in',
          range(10).map((i) => at + i),
        )
    })()
    publishing.catch(quiet)
    await eventually(async () => (await command(client, 'XLEN', 'out')) > 100)
    await own.kill()
    await own.start()
    await within(20_000, publishing, 'publish')
    await eventually(async () => (await command(client, 'XLEN', 'out')) >= 800)
    await eventually(async () => (await pendingOf(client, 'in', 'g')) === 0)
    await stop()
    assert.deepEqual(await valuesOf(client, 'in'), range(400))
    const values = await valuesOf(client, 'out')
    assert.deepEqual(
      values.sort((a, b) => a - b),
      doubled(400),
    )
  })
})

noUnhandledRejections('redis faults')
