// Streams of NATS JetStream: a source against the loop that people write (consume(), json(), ack()), and a sink against js.publish() with 256 in flight, with the same client
// against one server that the bench starts. The time of the process on its processors is shown beside the time that passed: the server has the other core.
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { consume, streamFn } from '../../dist/index.js'
import { natsSink, natsSource, publish } from '../../dist/nats.js'
import { withCpu } from './cpu.mjs'
import { contest, document, main } from './harness.mjs'
import { natsOnLoopback } from './nats/server.mjs'

const IN_FLIGHT = 256

/** Gives a server of its own, and a connection, to some work. */
async function withServer(work) {
  const server = await natsOnLoopback()
  if (typeof server === 'string') throw new Error(server)
  try {
    const client = await connect({ servers: `127.0.0.1:${server.port}` })
    const answer = await work(client, await jetstreamManager(client))
    await client.close()
    return answer
  } finally {
    await server.close()
  }
}

/** The loop that everybody writes. */
async function bare(client, events) {
  const consumer = await jetstream(client).consumers.get('in', 'c')
  let sum = 0
  let seen = 0
  for await (const message of await consumer.consume()) {
    sum += message.json().n
    message.ack()
    if (++seen === events) break
  }
  await client.flush()
  return sum
}

async function consumed(client, events) {
  let sum = 0
  let seen = 0
  const stop = new AbortController()
  const total = streamFn(async function* total(messages) {
    for await (const { n } of messages) {
      sum += n
      if (++seen === events) stop.abort()
    }
  })
  await consume(total, { source: natsSource(client, { stream: 'in', consumer: 'c' }), signal: stop.signal })
  return sum
}

function source(options) {
  return withServer(async (client, manager) => {
    const events = options.quick ? 500 : 50_000
    await manager.streams.add({ name: 'in', subjects: ['in'], storage: 'memory' })
    const many = Array.from({ length: events }, (_, n) => ({
      n,
      user: `user-${n % 100}`,
      page: '/products/1234',
      at: 1_700_000_000_000 + n,
    }))
    await publish(client, 'in', many)
    const afresh = (ack_policy, work) => async () => {
      await manager.consumers.delete('in', 'c').catch(() => undefined)
      await manager.consumers.add('in', { durable_name: 'c', ack_policy, max_ack_pending: 20_000 })
      return work(client, events)
    }
    const contestants = {
      'consume, acknowledged all': afresh('all', consumed),
      'consume, acknowledged each': afresh('explicit', consumed),
      'bare ack() loop': afresh('explicit', bare),
    }
    const { measured, rows } = withCpu(contestants)
    const claims = [{ of: 'consume, acknowledged all', peer: 'bare ack() loop', bar: 3 }]
    const group = await contest({
      title: 'messages of a durable consumer, JSON.parse, a function, acknowledgements',
      events,
      expected: (events * (events - 1)) / 2,
      contestants: measured,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    group.rows.push(...rows(events, options, []))
    return group
  })
}

/** `js.publish` with a window: the next one goes when one of those was stored. */
async function windowed(client, values) {
  const js = jetstream(client)
  let at = 0
  const lane = async () => {
    while (at < values.length) {
      const n = at++
      await js.publish('out', JSON.stringify(values[n]), { msgID: `m-${n}` })
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
}

function sink(options) {
  return withServer(async (client, manager) => {
    const values = Array.from({ length: options.quick ? 300 : 20_000 }, (_, n) => ({ n, user: `user-${n % 100}`, total: n * 2 }))
    const same = streamFn(async function* same(events) {
      for await (const event of events) yield event
    })
    // The last stream of an account is not deleted: the next one may be refused then.
    await manager.streams.add({ name: 'keeps', subjects: ['keeps'], storage: 'memory' })
    const afresh = (work) => async () => {
      await manager.streams.delete('out').catch(() => undefined)
      await manager.streams.add({ name: 'out', subjects: ['out'], storage: 'memory' })
      await work()
      return (await manager.streams.info('out')).state.messages
    }
    const contestants = {
      'a function that yields one at a time': afresh(() => consume(same, { source: values, sink: natsSink(client, { subject: 'out' }) })),
      [`js.publish, ${IN_FLIGHT} in flight`]: afresh(() => windowed(client, values)),
    }
    const { measured, rows } = withCpu(contestants)
    const claims = [{ of: 'a function that yields one at a time', peer: `js.publish, ${IN_FLIGHT} in flight`, bar: 2.5 }]
    const group = await contest({
      title: 'messages into a stream, each with an id',
      events: values.length,
      expected: values.length,
      contestants: measured,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    group.rows.push(...rows(values.length, options, []))
    return group
  })
}

const groups = { natsSource: source, natsSink: sink }
for (const [name, group] of Object.entries(groups)) Object.defineProperty(group, 'name', { value: name })

export function nats(options) {
  return document('nats', Object.values(groups), options)
}

await main(import.meta, nats)
