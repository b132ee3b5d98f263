// What an engineer on call does: pause and resume, find what is behind or stuck, and bring back what was given up.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { streamFn } from 'velo-stream'
import { clusterAdmin, pauseGroup, publish, redisSink, redisSource, replayDeadLetters, resumeGroup } from 'velo-stream/redis'
import { describeServers } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'
import { faultyOn, LIMIT, take } from './hosts/faulty.mjs'
import { clients, command, consuming, eventually, pendingOf, valuesOf } from './support.mjs'

const range = (count) => Array.from({ length: count }, (_, i) => i)

describeServers('on call', ({ server }) => {
  const clustered = faultyOn(server)
  const admins = async (client, prefix, use) => {
    const admin = clusterAdmin(client, { prefix })
    try {
      return await use(admin)
    } finally {
      admin.close()
    }
  }

  clustered('sessions that are paused get no events, and all that came when they go on', {}, async ({ front, work, client, prefix }) => {
    await admins(client, prefix, async (admin) => {
      await work()
      const [one, other] = [await front.open('sums', 'a'), await front.open('replayed', 'b')]
      for (const stream of [one, other]) {
        await stream.send({ value: 1 })
        assert.deepEqual(await take(stream), [1])
      }
      await admin.pause('sums')
      assert.deepEqual(await admin.paused(), { all: false, functions: ['sums'] })
      const behind = async () => (await admin.behind()).map(({ id, unfinished }) => [id, unfinished])
      // The worker hears of it with its next beat: what comes after that waits.
      let sent = 0
      await eventually(async () => {
        const [first] = await admin.behind()
        if (first === undefined) {
          await one.send({ value: 1 })
          sent++
        }
        return first?.stalledFor >= 300
      })
      assert.deepEqual(await behind(), [['a', 1]])
      await other.send({ value: 1 })
      assert.deepEqual(await take(other), [2])
      assert.deepEqual(await admin.behind({ stuckFor: 60_000 }), [])
      const [{ stalledFor }] = await admin.behind({ stuckFor: 200 })
      assert.ok(stalledFor >= 200)
      await admin.pause()
      await admin.resume('sums')
      assert.deepEqual(await admin.paused(), { all: true, functions: [] })
      assert.deepEqual(await behind(), [['a', 1]])
      await admin.resume()
      assert.deepEqual((await take(one, sent)).at(-1), sent + 1)
      await eventually(async () => (await behind()).length === 0)
    })
  })

  clustered(
    'a worker stops while its sessions are paused, and others go on with what waits',
    {},
    async ({ front, work, client, prefix }) => {
      await admins(client, prefix, async (admin) => {
        const first = await work()
        const stream = await front.open('sums', 'a')
        await stream.send({ value: 1 })
        assert.deepEqual(await take(stream), [1])
        await admin.pause()
        // The worker hears of it with its next beat.
        let sent = 1
        await eventually(async () => {
          const [behind] = await admin.behind()
          if (behind === undefined) {
            await stream.send({ value: 1 })
            sent++
          }
          return behind?.stalledFor >= 300
        })
        await first.stop()
        await admin.resume()
        await work()
        assert.deepEqual((await take(stream, sent - 1)).at(-1), sent)
      })
    },
  )

  clustered('a worker that was drained takes sessions again', {}, async ({ front, work, client, prefix }) => {
    await admins(client, prefix, async (admin) => {
      await work()
      const [{ id }] = await admin.workers()
      await admin.drain(id)
      const stream = await front.open('sums', 'a')
      await stream.send({ value: 1 })
      assert.deepEqual(
        (await admin.workers()).map(({ drained }) => drained),
        [true],
      )
      await admin.undrain(id)
      assert.deepEqual(await take(stream), [1])
      assert.deepEqual(
        (await admin.workers()).map(({ drained, sessions }) => [drained, sessions]),
        [[false, 1]],
      )
      await assert.rejects(admin.undrain('nobody'), { code: 'VELO_CONFIG' })
    })
  })

  for (const name of ['sums', 'replayed']) {
    const title = `a session of '${name}' that was given up is shown as it was, and goes on from there`
    clustered(title, { maxTakeovers: 1, lease: 1000 }, async ({ front, work, client, prefix }) => {
      await admins(client, prefix, async (admin) => {
        const stream = await front.open(name, 'bad')
        let host = await work()
        await stream.sendBatch([{ value: 1 }, { value: 2 }])
        assert.deepEqual(await take(stream, 2), [1, 3])
        await stream.send({ value: 4, dies: true })
        await stream.send({ value: 8 })
        let isOver = false
        stream.closed.then(() => {
          isOver = true
        })
        while (!isOver) {
          await within(LIMIT, Promise.race([host.exited, stream.closed]), 'a death, or the end')
          if (!isOver) host = await work()
        }
        assert.equal((await admin.deadLetters()).length, 1)
        const { culprit, events, function: of, id } = await admin.deadLetter(name, 'bad')
        assert.deepEqual([of, id, events], [name, 'bad', 4])
        assert.deepEqual([culprit.index, culprit.value], [2, { value: 4, dies: true }])
        await host.kill()
        await admin.replay(name, 'bad')
        assert.deepEqual(await admin.deadLetters(), [])
        assert.equal(await admin.deadLetter(name, 'bad'), undefined)
        const { takeovers } = await admin.session(name, 'bad')
        assert.equal(takeovers, 0)
        // A version of the function that survives the event.
        await work({ SURVIVES: '1' })
        const again = await front.open(name, 'bad')
        const sums = []
        while (sums.at(-1) !== 15) sums.push(...(await take(again)))
        assert.deepEqual(sums.slice(-2), [7, 15])
        await assert.rejects(admin.replay(name, 'bad'), { code: 'VELO_CHECKPOINT', message: /opened from scratch/ })
        await assert.rejects(admin.replay(name, 'nobody'), { code: 'VELO_CHECKPOINT', message: /nothing of it is retained/ })
      })
    })
  }

  clustered('deaths that count against a session are reset', { maxTakeovers: 30, lease: 1000 }, async ({ front, work, client, prefix }) => {
    await admins(client, prefix, async (admin) => {
      const stream = await front.open('sums', 'bad')
      const first = await work()
      await stream.send({ value: 1, dies: true })
      await within(LIMIT, first.exited, 'a death')
      const second = await work()
      await within(LIMIT, second.exited, 'a death')
      const counted = async () => (await admin.session('sums', 'bad')).takeovers
      assert.equal(await counted(), 1)
      assert.equal(await admin.resetTakeovers('sums', 'bad'), true)
      assert.equal(await counted(), 0)
      assert.equal(await admin.resetTakeovers('sums', 'bad'), false)
      await assert.rejects(admin.resetTakeovers('sums', 'nobody'), { code: 'VELO_CHECKPOINT' })
    })
  })

  let client
  before(async () => {
    client = await clients[0].make(server().port)
  })
  let isMended = false
  const copy = streamFn(async function* copy(events) {
    for await (const event of events) {
      if (event === 'bad' && !isMended) throw new Error('bad')
      yield event
    }
  })

  test('a group that is paused reads nothing until it is resumed', async () => {
    const stream = 'paused-{a}b'
    await pauseGroup(client, stream, 'g')
    await publish(client, stream, range(10))
    const { stop } = consuming(copy, {
      source: redisSource(client, { stream, group: 'g' }),
      sink: redisSink(client, { stream: 'paused-out' }),
    })
    const other = consuming(copy, {
      source: redisSource(client, { stream, group: 'h' }),
      sink: redisSink(client, { stream: 'paused-other' }),
    })
    await eventually(async () => (await valuesOf(client, 'paused-other')).length === 10)
    await eventually(async () => (await pendingOf(client, stream, 'g').catch(() => -1)) === 0)
    for (let looks = 0; looks < 100; looks++) assert.equal(await pendingOf(client, stream, 'g'), 0)
    assert.deepEqual(await valuesOf(client, 'paused-out'), [])
    assert.equal(await resumeGroup(client, stream, 'g'), true)
    assert.equal(await resumeGroup(client, stream, 'g'), false)
    await eventually(async () => (await valuesOf(client, 'paused-out')).length === 10)
    await Promise.all([stop(), other.stop()])
  })

  test('dead letters go back to their streams, each once, as they were', async () => {
    const [stream, deadLetter] = ['replay', 'replay-dead']
    const source = () => redisSource(client, { stream, group: 'g', maxDeliveries: 2, deadLetter })
    await publish(client, stream, ['a', 'bad', 'b', 'bad'])
    const first = consuming(copy, { source: source(), sink: redisSink(client, { stream: 'replay-out' }) })
    await eventually(async () => (await valuesOf(client, deadLetter)).length === 2 && (await pendingOf(client, stream, 'g')) === 0)
    await first.stop()
    await command(client, 'XADD', deadLetter, '*', 'data', '"of nobody"')
    isMended = true
    assert.equal(await replayDeadLetters(client, { deadLetter, group: 'other' }), 0)
    assert.equal(await replayDeadLetters(client, { deadLetter, group: 'g', count: 1 }), 1)
    assert.equal(await replayDeadLetters(client, { deadLetter }), 1)
    assert.equal(await replayDeadLetters(client, { deadLetter }), 0)
    assert.deepEqual(await valuesOf(client, deadLetter), ['of nobody'])
    const entries = await command(client, 'XRANGE', stream, '-', '+')
    assert.deepEqual(entries.at(-1)[1], ['data', '"bad"'])
    const second = consuming(copy, { source: source(), sink: redisSink(client, { stream: 'replay-out' }) })
    await eventually(async () => (await valuesOf(client, 'replay-out')).length === 4)
    await second.stop()
    assert.deepEqual(await valuesOf(client, 'replay-out'), ['a', 'b', 'bad', 'bad'])
  })
})
