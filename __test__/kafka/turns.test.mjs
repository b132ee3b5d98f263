// Something of a partition is to be stored in the very moment in which what was stored before is through: it is stored, too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kafkaSessions } from 'velo-stream/kafka'
import { describeKafka } from '../support/kafka-servers.mjs'
import { Turns } from '../support/turns.mjs'
import { within } from '../support/within.mjs'
import { onTopics, PATIENT } from './support.mjs'

describeKafka('moments between two steps of a partition', (server) => {
  const use = onTopics(server, 'turns')

  test('whatever comes between the end of one and the next look is stored', async () => {
    const turns = new Turns()
    const [events, results] = [await use.topic(), await use.topic()]
    const transaction = async (producer) => {
      const begun = await producer.transaction()
      return { ...begun, commit: () => turns.answered(begun.commit(), true) }
    }
    const kafka = {
      consumer: (config) => use.kafka.consumer(config),
      admin: (config) => use.kafka.admin(config),
      producer(config) {
        const producer = use.kafka.producer(config)
        return { ...producer, transaction: () => transaction(producer) }
      },
    }
    const sessions = kafkaSessions(kafka, { fn: turns.fn, events, results, groupId: events })
    await within(PATIENT, sessions.work(), 'work')
    let count = 0
    const lost = await turns.all(async (key, event) => {
      await use.store(events, [event], { keyOf: () => key })
      count++
      const end = count
      // Each is in a transaction of its own, or with its neighbor.
      await use.until(async () => {
        // The process works between two looks.
        await new Promise(setImmediate)
        return sessions.metrics.results >= end
      }, 'a result')
    })
    assert.deepEqual(lost, [])
    await sessions.stop()
  })
})
