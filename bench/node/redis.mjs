// Streams of Redis: a source against the bare loop that people write (XREADGROUP, JSON.parse, XACK), and a sink against pipelines and awaited commands, with the same
// client against one server that the bench starts. The time of the process on its processors is shown beside the time that passed: the server has the other core.
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { consume, streamFn } from '../../dist/index.js'
import { publish, redisSink, redisSource } from '../../dist/redis.js'
import { withServer } from './cluster/server.mjs'
import { withCpu } from './cpu.mjs'
import { contest, document, main } from './harness.mjs'

const COUNT = 100

const connect = {
  ioredis: async (port) => new Redis(port, '127.0.0.1'),
  'node-redis': async (port) => {
    const client = createClient({ url: `redis://127.0.0.1:${port}` })
    return client.connect()
  },
}
const send = (client, ...args) => (client.call === undefined ? client.sendCommand(args.map(String)) : client.call(...args))
const leave = (client) => (client.disconnect === undefined ? client.destroy() : client.disconnect())

/** The loop that everybody writes, with the typed methods of its client, on two connections. */
const bare = {
  async ioredis(client, reads, events) {
    let sum = 0
    for (let seen = 0; seen < events; ) {
      const [[, entries]] = await reads.xreadgroup('GROUP', 'g', 'bare', 'COUNT', COUNT, 'BLOCK', 1000, 'STREAMS', 'in', '>')
      for (const [, fields] of entries) sum += JSON.parse(fields[1]).n
      await client.xack('in', 'g', ...entries.map(([id]) => id))
      seen += entries.length
    }
    return sum
  },
  async 'node-redis'(client, reads, events) {
    let sum = 0
    for (let seen = 0; seen < events; ) {
      const [{ messages }] = await reads.xReadGroup('g', 'bare', { key: 'in', id: '>' }, { COUNT, BLOCK: 1000 })
      for (const { message } of messages) sum += JSON.parse(message.data).n
      await client.xAck(
        'in',
        'g',
        messages.map(({ id }) => id),
      )
      seen += messages.length
    }
    return sum
  },
}

async function consumed(client, events) {
  let sum = 0
  let seen = 0
  const stop = new AbortController()
  const total = streamFn(async function* total(entries) {
    for await (const { n } of entries) {
      sum += n
      if (++seen === events) stop.abort()
    }
  })
  await consume(total, { source: redisSource(client, { stream: 'in', group: 'g', batch: COUNT }), signal: stop.signal })
  return sum
}

function source(name) {
  const events = (options) => (options.quick ? 500 : 50_000)
  return async (options) =>
    withServer(async (port) => {
      const client = await connect[name](port)
      const reads = await connect[name](port)
      const many = Array.from({ length: events(options) }, (_, n) => ({
        n,
        user: `user-${n % 100}`,
        page: '/products/1234',
        at: 1_700_000_000_000 + n,
      }))
      for (let at = 0; at < many.length; at += 1000) await publish(client, 'in', many.slice(at, at + 1000))
      const afresh = (work) => async () => {
        await send(client, 'XGROUP', 'DESTROY', 'in', 'g')
        await send(client, 'XGROUP', 'CREATE', 'in', 'g', '0')
        return work()
      }
      const contestants = {
        consume: afresh(() => consumed(client, many.length)),
        'bare loop': afresh(() => bare[name](client, reads, many.length)),
      }
      const { measured, rows } = withCpu(contestants)
      const claims = [{ of: 'consume', peer: 'bare loop', bar: 0.75 }]
      const group = await contest({
        title: `${name}: XREADGROUP of ${COUNT}, JSON.parse, a function, XACK`,
        events: many.length,
        expected: (many.length * (many.length - 1)) / 2,
        contestants: measured,
        claims,
        options: { ...options, warmup: Math.min(options.warmup, 2) },
      })
      group.rows.push(...rows(many.length, options, claims))
      leave(client)
      leave(reads)
      return group
    })
}

const pipelined = {
  async ioredis(client, values) {
    for (let at = 0; at < values.length; at += COUNT) {
      const pipeline = client.pipeline()
      for (const value of values.slice(at, at + COUNT)) pipeline.xadd('out', '*', 'data', JSON.stringify(value))
      await pipeline.exec()
    }
  },
  async 'node-redis'(client, values) {
    for (let at = 0; at < values.length; at += COUNT)
      await Promise.all(values.slice(at, at + COUNT).map((value) => client.xAdd('out', '*', { data: JSON.stringify(value) })))
  },
}
const awaited = {
  async ioredis(client, values) {
    for (const value of values) await client.xadd('out', '*', 'data', JSON.stringify(value))
  },
  async 'node-redis'(client, values) {
    for (const value of values) await client.xAdd('out', '*', { data: JSON.stringify(value) })
  },
}

function sink(name) {
  return async (options) =>
    withServer(async (port) => {
      const client = await connect[name](port)
      const values = Array.from({ length: options.quick ? 300 : 20_000 }, (_, n) => ({ n, user: `user-${n % 100}`, total: n * 2 }))
      const same = streamFn(async function* same(events) {
        for await (const event of events) yield event
      })
      const afresh = (work) => async () => {
        await send(client, 'DEL', 'out')
        await work()
        return Number(await send(client, 'XLEN', 'out'))
      }
      const contestants = {
        'redisSink, writes of 100': afresh(async () => {
          const to = redisSink(client, { stream: 'out' })
          for (let at = 0; at < values.length; at += COUNT) await to.write(values.slice(at, at + COUNT))
        }),
        'a function that yields one at a time': afresh(() => consume(same, { source: values, sink: redisSink(client, { stream: 'out' }) })),
        'pipelines of 100': afresh(() => pipelined[name](client, values)),
        'awaited XADD': afresh(() => awaited[name](client, values)),
      }
      const { measured, rows } = withCpu(contestants)
      const claims = ['redisSink, writes of 100', 'a function that yields one at a time'].flatMap((of) => [
        { of, peer: 'pipelines of 100', bar: 0.9 },
        { of, peer: 'awaited XADD', bar: 5 },
      ])
      const group = await contest({
        title: `${name}: entries into a stream`,
        events: values.length,
        expected: values.length,
        contestants: measured,
        claims,
        options: { ...options, warmup: Math.min(options.warmup, 2) },
      })
      group.rows.push(...rows(values.length, options, claims))
      leave(client)
      return group
    })
}

const groups = {
  sourceIoredis: source('ioredis'),
  sourceNodeRedis: source('node-redis'),
  sinkIoredis: sink('ioredis'),
  sinkNodeRedis: sink('node-redis'),
}
for (const [name, group] of Object.entries(groups)) Object.defineProperty(group, 'name', { value: name })

export function redis(options) {
  return document('redis', Object.values(groups), options)
}

await main(import.meta, redis)
