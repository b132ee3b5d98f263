// One acknowledgement for all before it, at the edges of what a server knows of its deliveries: a model of its consumer says what it would.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../support/parts.mjs'
import { AckAll } from '../../target/js/nats/source/acks.js'
import { Consumer } from '../../target/js/nats/source/consumer.js'
import { Delivery, headOf } from '../../target/js/nats/source/delivery.js'
import { within } from '../support/within.mjs'

/** What a server knows of a consumer, as far as acknowledging asks. */
class Model {
  delivered = 0
  pending = new Set()
  confirmed = []
  isAway = false

  /** Delivers a message of the stream; whether it is new there is for `acks` to say. */
  deliver(acks, sequence, times) {
    this.pending.add(sequence)
    const reply = `$JS.ACK.stream.consumer.${times}.${sequence}.${++this.delivered}.1000000.0`
    const delivery = new Delivery({ subject: 's', data: new Uint8Array(), reply }, reply, headOf(reply))
    return acks.arrived(delivery) ? delivery : undefined
  }

  async info() {
    if (this.isAway) throw new Error('it does not answer')
    return { delivered: { consumer_seq: this.delivered }, num_ack_pending: this.pending.size }
  }

  async confirm(reply) {
    const upTo = Number(reply.split('.')[5])
    for (const sequence of this.pending) if (sequence <= upTo) this.pending.delete(sequence)
    this.confirmed.push(upTo)
  }
}

test('a server that forgot deliveries counts on from before, and what is done is acknowledged all the same', async () => {
  const model = new Model()
  const acks = new AckAll(model, () => true)
  acks.begin(await model.info())
  const given = [1, 2, 3, 4].map((sequence) => model.deliver(acks, sequence, 1))
  // They took long, and came again.
  for (const sequence of [1, 2, 3, 4]) assert.equal(model.deliver(acks, sequence, 2), undefined)
  for (const sequence of [5, 6, 7, 8]) given.push(model.deliver(acks, sequence, 1))
  // Killed: it knows of the first four deliveries, and goes on behind those.
  model.delivered = 4
  model.pending = new Set([1, 2, 3, 4])
  for (const sequence of [5, 6, 7, 8]) assert.equal(model.deliver(acks, sequence, 1), undefined)
  await acks.settle(given)
  assert.deepEqual(model.confirmed, [8])
  assert.equal(model.pending.size, 0)
})

test('a server that does not say what is pending ends nothing: what is done is acknowledged when it does', async () => {
  const model = new Model()
  const acks = new AckAll(model, () => true)
  acks.begin(await model.info())
  const given = [model.deliver(acks, 1, 1)]
  // A delivery that never came here is a reason to doubt.
  model.pending.add(2)
  model.delivered++
  given.push(model.deliver(acks, 3, 1))
  model.isAway = true
  await acks.settle(given)
  await acks.look()
  assert.deepEqual(model.confirmed, [])
  model.isAway = false
  await acks.look()
  assert.deepEqual(model.confirmed, [], 'somebody else has one of them')
  given.push(model.deliver(acks, 2, 2))
  await acks.settle(given.slice(-1))
  assert.deepEqual(model.confirmed, [3])
})

test('a server that is away while a consumer is asked for does not take its acknowledgements with it', async () => {
  const asked = []
  const noResponders = Object.assign(new Error('no responders'), { name: 'NoRespondersError' })
  const wire = {
    isClosed: false,
    subject: (name) => name,
    async request(reply) {
      asked.push(reply)
      if (asked.length < 3) throw noResponders
    },
    async ask(name) {
      asked.push(name)
      throw new Error('timeout')
    },
  }
  const settings = { stream: 's', consumer: 'c', ackWait: 1000, maxDeliveries: 5 }
  const consumer = new Consumer(wire, settings, () => false)
  consumer.isThere = true
  await within(
    30_000,
    consumer.confirm('reply', () => true),
  )
  assert.deepEqual(asked.at(-1), 'reply')
  assert.equal(consumer.isThere, true)
})
