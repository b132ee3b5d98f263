// Faults of processes that host sessions, one by one: each worker is a process of its own.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { faultyOn, LIMIT, take } from './hosts/faulty.mjs'

const pidOf = (result) => Number(result.split(':').at(-1))

describeServers('faults of hosts', ({ server }) => {
  const test = faultyOn(server)

  test('a host that is killed is followed at once, long before its lease is over', { lease: 10_000 }, async ({ front, work }) => {
    const first = await work()
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    assert.deepEqual((await take(stream)).map(pidOf), [first.child.pid])
    const second = await work()
    await first.kill()
    const killed = performance.now()
    await stream.send('y')
    const [result] = await take(stream)
    assert.equal(result, `2:y:${second.child.pid}`)
    assert.ok(performance.now() - killed < 5000, 'half a lease')
  })

  test('a host that slept past its lease writes nothing when it wakes up', { lease: 500 }, async ({ front, work, client, prefix }) => {
    const first = await work()
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    await take(stream)
    const second = await work()
    first.signal('SIGSTOP')
    await stream.sendBatch(['y', 'z'])
    assert.deepEqual(await take(stream, 2), [`2:y:${second.child.pid}`, `3:z:${second.child.pid}`])
    first.signal('SIGCONT')
    await stream.send('after')
    assert.deepEqual(await take(stream), [`4:after:${second.child.pid}`])
    while ((await first.hosted()) > 0);
    assert.equal(await client.hget(`${prefix}:{trouble/a}m`, 'w').then((worker) => worker.startsWith(`${second.child.pid}-`)), true)
  })

  test('an event that keeps a thread busy for longer than a lease gets through in the end', { lease: 300 }, async ({ front, work }) => {
    await Promise.all([work(), work()])
    const stream = await front.open('trouble', 'a')
    await stream.sendBatch(['x', 900, 'y'])
    const results = await take(stream, 3)
    assert.deepEqual(
      results.map((result) => result.split(':').slice(0, 2).join(':')),
      ['1:x', '2:900', '3:y'],
    )
  })

  for (const deploy of ['throws', 'differs'])
    test(`rule 29: a deploy that ${deploy} in a replay finishes no session; the next one goes on`, { lease: 500 }, async ({
      front,
      work,
    }) => {
      const first = await work()
      const stream = await front.open('deployed', 'a')
      await stream.sendBatch([1, 2])
      assert.deepEqual(await take(stream, 2), [1, 3])
      await stream.ack()
      await first.stop()
      const wrong = await work({ DEPLOY: deploy })
      const warned = wrong.warning(/session a of deployed cannot be replayed here, and is given back for another host/)
      await stream.send(3)
      await within(LIMIT, warned, 'a warning')
      await wrong.stop()
      await work()
      assert.deepEqual(await take(stream), [6])
      // What no host had finished is a failure of the function.
      await stream.send('bad')
      assert.equal((await within(LIMIT, stream.closed, 'the end')).reason, 'failed')
    })

  for (const name of ['chains', 'race'])
    test(`steps side by side belong to their items whenever the host is killed: ${name}`, { maxTakeovers: 30 }, async ({ front, work }) => {
      const stream = await front.open(name, 'a')
      await stream.send(['a', 'b', 'c'])
      const taken = take(stream)
      // Each host is killed at a later point than the one before it, until one comes to the result.
      for (let kill = 3; ; kill += 3) {
        const { child } = await work({ VELO_STEPS_KILL: String(kill) })
        const isKilled = child.exitCode !== null || child.signalCode !== null
        const killed = isKilled || once(child, 'exit').then(() => true)
        if (!(await within(LIMIT, Promise.race([killed, taken.then(() => false)]), `host ${kill}`))) break
      }
      const [result] = await taken
      for (const [item, ...values] of result)
        for (const value of values) assert.ok(value.startsWith(`${item}.`), `${item} was given ${value}`)
    })

  test('an event that kills its host is given up, and its neighbors are spared', { maxTakeovers: 2 }, async ({
    front,
    work,
    client,
    prefix,
  }) => {
    const workers = await Promise.all(Array.from({ length: 4 }, () => work()))
    const good = await front.open('trouble', 'good')
    await good.send('x')
    await take(good)
    const bad = await front.open('trouble', 'bad')
    await bad.send('die')
    await assert.rejects(within(LIMIT, bad.recv()), { code: 'VELO_CHECKPOINT', message: /taken over 3 times/ })
    assert.equal((await bad.closed).reason, 'failed')
    assert.equal(workers.filter(({ child }) => child.exitCode === null && child.signalCode === null).length, 1)
    await good.send('y')
    assert.match((await take(good))[0], /^2:y/)
    const [[, fields]] = await client.xrange(`${prefix}:{directory}x`, '-', '+')
    assert.deepEqual(fields, ['s', 'trouble/bad', 'takeovers', '3'])
  })

  test('a deploy with another version of the state', { lease: 300 }, async ({ front, work }) => {
    const old = await work({ STATE_VERSION: '1' })
    const stream = await front.open('versioned', 'a')
    await stream.send(1)
    assert.deepEqual(await take(stream), ['v1:1'])
    await work({ STATE_VERSION: '2' })
    assert.equal(await old.stop(), 0)
    await stream.send(1)
    assert.deepEqual(await take(stream), ['v2:1001'])
    // One of the old version that is still there cannot host it, and gives it back.
    const late = await work({ STATE_VERSION: '1' })
    const other = await front.open('versioned', 'b')
    await other.send(1)
    assert.match((await take(other))[0], /:1$/)
    assert.equal(await late.stop(), 0)
    await stream.send(1)
    assert.deepEqual(await take(stream), ['v2:1002'])
  })

  test('a session that nobody uses is forgotten, and so are those who host it', { ttl: 1000 }, async ({ front, work, client, prefix }) => {
    const worker = await work()
    const stream = await front.open('trouble', 'a')
    await stream.send('x')
    await take(stream)
    while ((await client.keys(`${prefix}:{trouble/*`)).length > 0);
    while ((await worker.hosted()) > 0);
    // The host lets go first, and takes the entry out of the directory then.
    while ((await client.xlen(`${prefix}:{directory}d`)) > 0);
    await stream.close()
    assert.equal(await (await front.open('trouble', 'a')).resumed, null)
  })
})
