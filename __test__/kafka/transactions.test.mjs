// Results and offsets in one transaction: all of it or nothing, once, and by one process only.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consume, streamFn } from 'velo-stream'
import { kafkaSink } from 'velo-stream/kafka'
import { describeKafka } from '../support/kafka-servers.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { END_TXN, freshTopics, messagesOf, PATIENT, PRODUCE, partOf, range, spied, valuesOf, wayToBroker } from './sink-support.mjs'

const between = await wayToBroker()
const OUT_OF_HANDS = { code: 'VELO_ADAPTER', adapter: 'kafka', message: /another process has this partition/ }

describeKafka(
  'transactions',
  (server) => {
    const fresh = freshTopics(server, 'transactions', between)

    /** A topic to read and one for results; `open()` is a process that takes over the partition. */
    async function place(config, client = (kafka) => kafka) {
      const { kafka, admin, topic: from } = await fresh(2)
      const { topic } = await fresh(2, config)
      const groupId = `group of ${from}`
      const sinks = []
      const open = async (options = {}, lost = undefined) => {
        const sink = kafkaSink(client(kafka), { topic, key: (n) => String(n % 7), transactional: true, ...options })
        sinks.push(sink)
        const { share, part } = partOf(groupId, from, lost)
        const joined = sink.joined(part)
        await within(PATIENT, joined.begin(), 'begin')
        return { sink, share, commit: (results, upTo) => within(PATIENT, joined.commit(results, upTo), 'commit') }
      }
      // A transaction is committed before everybody sees it.
      const committed = async (offset, before) => {
        for (;;) {
          const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [from] })
          const found = partitions.find(({ partition }) => partition === 0)
          if (found.offset === offset && found.metadata !== before) return found
        }
      }
      const reaches = (offset, before) => within(PATIENT, committed(offset, before), `offset ${offset}`)
      const values = async () => {
        for (const sink of sinks) await sink.end()
        return (await valuesOf(kafka, topic)).sort((one, other) => one - other)
      }
      return { kafka, topic, from, open, reaches, values }
    }

    test('results and the offset, again and again; an id also where no event was done', async () => {
      const { open, reaches, values } = await place()
      const { share, commit } = await open()
      assert.equal(share.first, 0)
      await commit([0, 1], 1)
      const { metadata } = await reaches('1')
      await commit([2], 1)
      await reaches('1', metadata)
      await commit([], 5)
      await reaches('5')
      assert.equal(share.done, 5)
      assert.deepEqual(await values(), [0, 1, 2])
    })

    test('more results than a send takes are one transaction', async () => {
      const { open, values } = await place()
      const { commit } = await open({ batch: 100, maxBytes: 4000 })
      await commit(range(3000), 1)
      assert.deepEqual(await values(), range(3000))
    })

    test('consume: results of every event with its offset, part by part, and only what is new the next time', async () => {
      const { kafka, topic, from } = await place()
      const twice = streamFn(async function* twice(events) {
        for await (const n of events) {
          yield n
          yield n
        }
      })
      const read = []
      const source = (count) => ({
        async *parts() {
          for (const partition of [0, 1]) {
            const { share, part } = partOf('group of consume', from, undefined, partition)
            yield {
              ...part,
              async *[Symbol.asyncIterator]() {
                for (let offset = share.first; offset < count; offset++) {
                  read.push([partition, offset])
                  yield partition * 1000 + offset
                }
              },
              ack: () => assert.fail('offsets are in the transactions'),
            }
          }
        },
      })
      const open = () => kafkaSink(kafka, { topic, transactional: true })
      const { results, acked } = await within(PATIENT, consume(twice, { source: source(300), sink: open() }))
      assert.deepEqual([results, acked], [1200, 600])
      await within(PATIENT, consume(twice, { source: source(310), sink: open() }))
      assert.equal(read.length, 620)
      const values = (await valuesOf(kafka, topic)).sort((one, other) => one - other)
      assert.deepEqual(
        values,
        [0, 1000].flatMap((base) => range(310).flatMap((n) => [base + n, base + n])),
      )
    })

    test('whoever takes over begins where the one before had come, and the one before stores nothing more', async () => {
      const { open, reaches, values } = await place()
      const zombie = await open()
      await zombie.commit([0], 3)
      const next = await open()
      assert.equal(next.share.first, 3)
      assert.equal(zombie.share.isTaken, false)
      await assert.rejects(zombie.commit([1], 4), OUT_OF_HANDS)
      assert.equal(zombie.share.isTaken, true)
      assert.equal(zombie.share.done, 3)
      await next.commit([2], 1)
      await reaches('4')
      await assert.rejects(zombie.commit([3], 5), OUT_OF_HANDS)
      await next.commit([4], 2)
      assert.equal(next.share.isTaken, false)
      assert.deepEqual(await values(), [0, 2, 4])
    })

    test('whoever does not know what became of a transaction while another took over stores nothing, and leaves the other alone', async () => {
      let onCommit
      const client = (kafka) =>
        spied(kafka, (producer) => ({
          ...producer,
          async transaction() {
            const transaction = await producer.transaction()
            const commit = () => (onCommit === undefined ? transaction.commit() : onCommit())
            return { ...transaction, commit }
          },
        }))
      const { open, values } = await place({}, client)
      const zombie = await open()
      await zombie.commit([0], 1)
      let next
      onCommit = async () => {
        onCommit = undefined
        next = await open()
        await next.commit([1], 1)
        throw Object.assign(new Error('connection lost'), { retriable: true })
      }
      await assert.rejects(zombie.commit([2], 2), OUT_OF_HANDS)
      await assert.rejects(zombie.commit([2], 2), OUT_OF_HANDS)
      await next.commit([3], 2)
      assert.deepEqual(await values(), [0, 1, 3])
    })

    test('two that are cut off and want the partition at once: nothing twice', async () => {
      const { open, values } = await place()
      const one = await open()
      await one.commit([0], 1)
      const lost = between.lose('request', END_TXN)
      const committing = one.commit([1], 2)
      committing.catch(() => {})
      await within(PATIENT, lost)
      const other = await open()
      const [first, second] = await Promise.allSettled([committing, other.commit([2], 1)])
      const isFirst = first.status === 'fulfilled'
      // Whoever takes over sees what was committed, or fences it.
      if (second.status === 'fulfilled') assert.equal(other.share.first, isFirst ? 2 : 1)
      else assert.equal(isFirst, true)
      assert.deepEqual(await values(), [0, ...(isFirst ? [1] : []), ...(second.status === 'fulfilled' ? [2] : [])])
    })

    test('a commit that did not arrive is made again, one whose answer was lost is not', async () => {
      const { open, reaches, values } = await place()
      const { share, commit } = await open()
      await commit([0], 1)
      for (const [what, n] of [
        ['request', 1],
        ['answer', 2],
      ]) {
        const lost = between.lose(what, END_TXN)
        await Promise.all([commit([n], n + 1), within(PATIENT, lost)])
        await reaches(String(n + 1))
      }
      const lost = between.lose('answer', PRODUCE)
      await Promise.all([commit([3], 4), within(PATIENT, lost)])
      await commit([4], 5)
      assert.equal(share.done, 5)
      assert.deepEqual(await values(), range(5))
    })

    test('cut at any moment: two hundred transactions, each once', async () => {
      const { open, reaches, values } = await place()
      const { share, commit } = await open()
      const { below } = random(20)
      let cuts = 0
      for (const n of range(200)) {
        // A transaction is about as many requests and answers.
        if (n % 12 === 0) between.cutAfter(below(24))
        await commit([2 * n, 2 * n + 1], n + 1)
        if (n % 12 === 0 && between.isCut) cuts++
      }
      assert.ok(cuts >= 10, `${cuts} cuts`)
      assert.equal(share.done, 200)
      await reaches('200')
      assert.deepEqual(await values(), range(400))
    })

    test('of a transaction that fails nothing is seen, and nothing stays open', async () => {
      const { open, reaches, values } = await place({ 'max.message.bytes': 2000 })
      const { share, commit } = await open({ batch: 1 })
      await commit([0], 1)
      await assert.rejects(commit([1, 2, 'x'.repeat(3000)], 2), { code: 'VELO_ADAPTER', message: /larger than the max message size/ })
      assert.equal(share.done, 1)
      await reaches('1')
      await assert.rejects(commit([1, undefined], 2), { code: 'VELO_CODEC' })
      await commit([3], 2)
      assert.deepEqual(await values(), [0, 3])
    })

    test('a partition that is lost in the middle: nothing is stored, and the new owner is left alone', async () => {
      const controller = new AbortController()
      const client = (kafka) =>
        spied(kafka, (producer) => ({
          ...producer,
          async transaction() {
            const transaction = await producer.transaction()
            return {
              ...transaction,
              async sendBatch(batch) {
                await transaction.sendBatch(batch)
                controller.abort()
              },
            }
          },
        }))
      const { open, values } = await place({}, client)
      const { commit } = await open({}, controller.signal)
      await assert.rejects(commit([1], 1), OUT_OF_HANDS)
      await assert.rejects(commit([1], 1), OUT_OF_HANDS)
      assert.deepEqual(await values(), [])
    })

    test('a client that never answers is waited for until the timeout', async () => {
      const client = (kafka) =>
        spied(kafka, (producer) => ({
          ...producer,
          async transaction() {
            return { ...(await producer.transaction()), commit: () => new Promise(() => {}) }
          },
        }))
      const { open } = await place({}, client)
      const { sink, commit } = await open({ timeout: 1000 })
      await assert.rejects(commit([1], 1), { code: 'VELO_ADAPTER', message: /no answer within 1000 ms/ })
      await within(PATIENT, sink.end())
    })

    test('a source that has no offsets is refused by name', async () => {
      const { kafka, topic } = await place()
      const sink = kafkaSink(kafka, { topic, transactional: true })
      const refusal = { code: 'VELO_CONFIG', field: 'kafkaSink(kafka, options).transactional' }
      const same = streamFn(async function* same(events) {
        for await (const event of events) yield event
      })
      await assert.rejects(consume(same, { source: range(3), sink }), refusal)
      await assert.rejects(sink.write([1]), refusal)
      assert.equal(kafkaSink(kafka, { topic }).joined(partOf('g', topic).part), undefined)
      await sink.end()
      assert.deepEqual((await messagesOf(kafka, topic)).flat(), [])
    })
  },
  between.config,
)

noUnhandledRejections('kafka transactions')
