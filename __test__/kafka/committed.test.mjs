// Messages of aborted transactions are never given, however transactions lie beside each other; those that were committed always are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaSource } from 'velo-stream/kafka'
import { withoutAborted } from '../../target/js/kafka/client/committed.js'
import { describeKafka } from '../support/kafka-servers.mjs'
import { random } from '../support/random.mjs'
import { counter, onTopics, range, started } from './support.mjs'

/** A log of transactions that lie side by side, what is aborted of them in the order in which the broker lists that, and what was committed. */
function log(chance, count) {
  const messages = []
  const aborted = []
  const committed = []
  const open = new Map()
  const end = (producerId) => {
    const { first, offsets } = open.get(producerId)
    const isCommit = chance.float() < 0.5
    if (isCommit) committed.push(...offsets)
    else aborted.push({ producerId, firstOffset: String(first) })
    open.delete(producerId)
    const key = Buffer.from([0, 0, 0, isCommit ? 1 : 0])
    messages.push({ offset: String(messages.length), key, isControlRecord: true, batchContext: { producerId, inTransaction: true } })
  }
  while (messages.length < count) {
    const producerId = String(chance.below(5))
    if (open.has(producerId) && chance.float() < 0.3) end(producerId)
    else {
      const offset = messages.length
      const inTransaction = producerId !== '0'
      if (inTransaction) {
        const transaction = open.get(producerId) ?? { first: offset, offsets: [] }
        open.set(producerId, transaction)
        transaction.offsets.push(offset)
      } else committed.push(offset)
      // A key that looks like the end of an aborted transaction.
      messages.push({ offset: String(offset), key: Buffer.alloc(4), isControlRecord: false, batchContext: { producerId, inTransaction } })
    }
  }
  for (const producerId of [...open.keys()]) end(producerId)
  return { messages, aborted, committed: committed.sort((a, b) => a - b) }
}

test('any log, read from any place', () => {
  const chance = random(16)
  for (let round = 0; round < 300; round++) {
    const { messages, aborted, committed } = log(chance, 60)
    const from = chance.below(40)
    const to = from + 1 + chance.below(60)
    const read = messages.slice(from, to).map((message) => ({ ...message }))
    // What the broker lists: all that has messages in what is read, in the order in which it ended.
    const listed = aborted.filter(({ firstOffset }) => Number(firstOffset) < to)
    const ends = (of) =>
      messages.findIndex(
        ({ isControlRecord, batchContext, offset }) =>
          isControlRecord && batchContext.producerId === of.producerId && Number(offset) > Number(of.firstOffset),
      )
    const data = { messages: read, abortedTransactions: listed.filter((of) => ends(of) >= from) }
    withoutAborted(data)
    const given = read.filter(({ isControlRecord }) => !isControlRecord).map(({ offset }) => Number(offset))
    assert.deepEqual(
      given,
      committed.filter((offset) => offset >= from && offset < to),
      `round ${round}`,
    )
  }
})

describeKafka('transactions that lie side by side', (server) => {
  const use = onTopics(server, 'beside')

  test('a source gives what was committed, all of it and nothing else', async () => {
    const topic = await use.topic(1)
    const chance = random(7)
    const producers = await Promise.all(
      range(4).map(async (n) => {
        const producer = use.kafka.producer({
          transactionalId: `${topic}-${n}`,
          idempotent: true,
          maxInFlightRequests: 1,
          retry: { initialRetryTime: 5 },
        })
        await producer.connect()
        return { producer, transaction: undefined, values: [] }
      }),
    )
    const committed = []
    for (let n = 0; n < 200; n++) {
      const one = chance.pick(producers)
      one.transaction ??= await one.producer.transaction()
      await one.transaction.send({ topic, messages: [{ value: String(n) }] })
      one.values.push(n)
      if (chance.float() < 0.7) continue
      if (chance.float() < 0.5) {
        committed.push(...one.values)
        await one.transaction.commit()
      } else await one.transaction.abort()
      Object.assign(one, { transaction: undefined, values: [] })
    }
    for (const { producer, transaction } of producers) {
      await transaction?.abort()
      await producer.disconnect()
    }
    await use.store(topic, ['the end'])
    for (const maxBytes of [1024, 1_048_576]) {
      const seen = []
      const all = counter(1, 'the end')
      const fn = async function* (events) {
        for await (const event of events) {
          if (event === 'the end') all.told()
          else seen.push(event)
        }
      }
      const running = started(fn, { source: kafkaSource(use.kafka, { topic, groupId: `${topic}-${maxBytes}`, maxBytes }) })
      await all.reached()
      await running.stop()
      assert.deepEqual(
        seen,
        committed.sort((a, b) => a - b),
      )
    }
  })
})
