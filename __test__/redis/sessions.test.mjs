// Faults of sessions that processes share, one by one, beside hosts.test.mjs. Which test has which fault of the list that every engine is tested with:
//
//  1 paused past the lease: hosts, 'slept past its lease'; of a consumer: faults, 'taken over meanwhile'
//  2 blocked event loop: hosts, 'keeps a thread busy'; of a consumer: deliveries, 'what is in work is not taken over'
//  3 killed between commit and acknowledgement: here, 'is over'; of a consumer: faults, 'a process killed again and again'
//  4 two claim together: here, 'followed by several'; of consumers: deliveries, 'taken over by one of several'
//  5 renewals count no delivery, crashes do: deliveries, 'what is in work' and 'kills the process'; hosts, 'kills its host'
//  6 lost writes, an epoch that comes again: here, 'lost the tail'; news, 'whoever opened a session last'; chaos
//  7 a session without an entry: news, 'lost the entry'; one with several: here, 'listed several times'
//  8 trimmed while pending: deliveries, 'trimmed away'
//  9 a consumer that is deleted: here, 'leaves its entries'
// 10 eviction policy: `velo doctor`
// 11 commands that are sent twice: faults and conformance, 'connections cut'; chaos, 'cut'
// 12 slots that move, several slots, a replica that takes over: clustered
// 13 many idle sessions: bench/node/cluster.mjs
// 14 abandoned: hosts, 'nobody uses'
// 15 slow reader: cluster, 'results that nobody reads'
// 16 large state: here, 'large events'
// 17 lag that is not known: streams, 'streamInfo'
// 18 changed version of a state: hosts, 'another version'
// 21 clocks that differ: here, 'another time'
// 22 a gateway that is gone: cluster, 'used from any' and 'the last one to open it'
//
// Beside those: stolen while it is alive, here; all connections cut, also those of news: news and chaos; the group or the stream gone, a read never answered: faults.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publish, redisSource } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { faultyOn, LIMIT, take } from './hosts/faulty.mjs'
import { clients, command, eventually } from './support.mjs'

const texts = (results) => results.map((result) => result.split(':').slice(0, 2).join(':'))
const pidOf = (result) => Number(result.split(':').at(-1))

describeServers('faults of sessions', ({ server }) => {
  const it = faultyOn(server)
  const directory = (prefix) => `${prefix}:{directory}d`

  it('a host that is killed is followed by several, each session by one', { lease: 500 }, async ({ front, work, client, prefix }) => {
    const first = await work()
    const streams = await Promise.all(Array.from({ length: 30 }, (_, i) => front.open('trouble', `s${i}`)))
    await Promise.all(streams.map((stream) => stream.send('x')))
    for (const stream of streams) assert.deepEqual(texts(await take(stream)), ['1:x'])
    const others = await Promise.all([work(), work(), work()])
    await first.kill()
    await Promise.all(streams.map((stream) => stream.send('y')))
    const pids = []
    for (const stream of streams) {
      const [result] = await take(stream)
      assert.deepEqual(texts([result]), ['2:y'])
      pids.push(pidOf(result))
    }
    const hosted = await Promise.all(others.map((worker) => worker.hosted()))
    assert.equal(
      hosted.reduce((sum, count) => sum + count, 0),
      30,
    )
    for (const [i, pid] of pids.entries())
      assert.match(await client.hget(`${prefix}:{trouble/s${i}}m`, 'w'), new RegExp(`^${pid}-`), 'who answered has it')
  })

  it('a session that is over, and whose entry is still there, is begun no more', {}, async ({ front, work, client, prefix }) => {
    const worker = await work()
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    stream.end()
    const [result] = await take(stream)
    assert.equal((await within(LIMIT, stream.closed)).reason, 'done')
    await eventually(async () => (await client.xlen(directory(prefix))) === 0)
    // As if its host had been killed before it struck the entry out.
    await client.xadd(directory(prefix), '*', 's', 'trouble/a')
    await eventually(async () => (await client.xlen(directory(prefix))) === 0)
    assert.equal(await worker.hosted(), 0)
    const again = await front.open('trouble', 'a')
    const unread = again.position.results === 0 ? [result] : []
    assert.deepEqual([await within(LIMIT, again.recvBatch(9)), (await within(LIMIT, again.closed)).reason], [unread, 'done'])
  })

  it('a session that is listed several times has one host', {}, async ({ front, work, client, prefix }) => {
    const workers = await Promise.all([work(), work()])
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    await take(stream)
    for (let i = 0; i < 3; i++) await client.xadd(directory(prefix), '*', 's', 'trouble/a')
    await stream.send('y')
    assert.deepEqual(texts(await take(stream)), ['2:y'])
    await eventually(async () => (await client.xlen(directory(prefix))) === 1)
    assert.deepEqual((await Promise.all(workers.map((worker) => worker.hosted()))).sort(), [0, 1])
  })

  it('a session that is stolen from a live host goes on with the thief', {}, async ({ front, work, client, prefix }) => {
    const [first, second] = [await work(), await work()]
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    const owner = pidOf((await take(stream))[0])
    const thief = owner === first.child.pid ? second : first
    const name = (await client.hkeys(`${prefix}:{directory}w`)).find((one) => one.startsWith(`${thief.child.pid}-`))
    const [[entry]] = await client.xrange(directory(prefix), '-', '+')
    await client.call('XCLAIM', directory(prefix), 'workers', name, 0, entry, 'JUSTID')
    await eventually(async () => (await thief.hosted()) === 1)
    await stream.send('y')
    const [result] = await take(stream)
    assert.deepEqual([texts([result]), pidOf(result)], [['2:y'], thief.child.pid])
    const other = thief === first ? second : first
    await eventually(async () => (await other.hosted()) === 0)
  })

  it('a server that lost the tail of a session under its live host', {}, async ({ front, work, client, prefix }) => {
    await work()
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    await take(stream)
    const keys = await client.keys(`${prefix}:{trouble/a}*`)
    const dumps = await Promise.all(keys.map((key) => client.dumpBuffer(key)))
    await stream.sendBatch(['y', 'z'])
    const before = await take(stream, 2)
    await client.del(...(await client.keys(`${prefix}:{trouble/a}*`)))
    for (const [i, key] of keys.entries()) await client.restore(key, 0, dumps[i], 'REPLACE')
    await client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await stream.send('after')
    const results = await take(stream)
    // What was read is not given again, and what the server lost was made again from what the sender remembers.
    assert.deepEqual(texts([...before, ...results]), ['2:y', '3:z', '4:after'])
    assert.deepEqual(stream.position, { events: 4, results: 4 })
  })

  it('large events, results and states', { lease: 2000 }, async ({ front, work }) => {
    const first = await work()
    const stream = await front.open('large', 'a')
    const text = 'velo'.repeat(1 << 19)
    await within(LIMIT, stream.send(text))
    assert.deepEqual(await take(stream, 2), [text, text.length])
    await work()
    await first.kill()
    await within(LIMIT, stream.send('small'))
    assert.deepEqual(await take(stream, 2), ['small', 5])
  })

  it('processes to which it is another time', { lease: 1000 }, async ({ front, work }) => {
    const shifted = (hours) => ({
      NODE_OPTIONS: `--import "data:text/javascript,const now=Date.now;Date.now=()=>now()+${hours * 3_600_000}"`,
    })
    const [late, early] = [await work(shifted(-30)), await work(shifted(50))]
    const streams = await Promise.all(Array.from({ length: 8 }, (_, i) => front.open('trouble', `s${i}`)))
    await Promise.all(streams.map((stream) => stream.send('x')))
    for (const stream of streams) assert.deepEqual(texts(await take(stream)), ['1:x'])
    await early.kill()
    await Promise.all(streams.map((stream) => stream.send('y')))
    for (const stream of streams) assert.deepEqual(texts(await take(stream)), ['2:y'])
    assert.equal(await late.hosted(), 8)
  })

  test('a consumer that goes leaves its entries to the others, and is deleted only without any', async () => {
    const client = await clients[0].make(server().port)
    await publish(client, 'left', [1, 2, 3])
    const source = redisSource(client, { stream: 'left', group: 'g', block: 50 })
    const events = source[Symbol.asyncIterator]()
    assert.equal((await within(LIMIT, events.next())).value, 1)
    await events.return()
    await source.end()
    const [count, , , owners] = await command(client, 'XPENDING', 'left', 'g')
    assert.deepEqual([Number(count), owners.map(([name]) => name)], [3, [source.consumer]])
    const next = redisSource(client, { stream: 'left', group: 'g', block: 50, reclaimAfter: 100 })
    const seen = []
    for await (const event of next) if (seen.push(event) === 3) break
    assert.deepEqual(seen.sort(), [1, 2, 3])
    await next.ack(3)
    await next.end()
    const consumers = await command(client, 'XINFO', 'CONSUMERS', 'left', 'g')
    const names = consumers.map((one) => (Array.isArray(one) ? one[1] : one.name))
    assert.deepEqual(names, [source.consumer], 'nobody sees whether another one comes back')
  })
})
