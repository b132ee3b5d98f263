// The clients of Redis that the benches know, and what the peers of sessions do with them, by the methods that people use.
import { Redis } from 'ioredis'
import { createClient } from 'redis'

const STREAM = { in: 'in', out: 'out' }
const MOST = 10_000

const ioredis = {
  async connect(port) {
    return new Redis(port, '127.0.0.1')
  },
  close: (client) => client.disconnect(),
  add: (client, stream, text) => client.xadd(stream, '*', 'data', text),
  /** The entries behind `last` as pairs of id and text; waits for one. */
  async read(client, stream, last) {
    const answer = await client.xread('COUNT', 1000, 'BLOCK', 1000, 'STREAMS', stream, last)
    return (answer?.[0][1] ?? []).map(([id, fields]) => [id, fields[1]])
  },
  async last(client) {
    const [[id] = ['0']] = await client.xrevrange(STREAM.out, '+', '-', 'COUNT', 1)
    return id
  },
  async addAll(client, texts) {
    const pipeline = client.pipeline()
    for (const text of texts) pipeline.xadd(STREAM.in, 'MAXLEN', '~', MOST, '*', 'data', text)
    await pipeline.exec()
  },
  group: (client) => client.xgroup('CREATE', STREAM.in, 'g', '$', 'MKSTREAM'),
  async take(client, consumer) {
    const answer = await client.xreadgroup('GROUP', 'g', consumer, 'COUNT', 64, 'BLOCK', 1000, 'STREAMS', STREAM.in, '>')
    return (answer?.[0][1] ?? []).map(([id, fields]) => [id, fields[1]])
  },
  async passOn(client, entries) {
    const pipeline = client.pipeline()
    for (const [, text] of entries) pipeline.xadd(STREAM.out, '*', 'data', JSON.stringify(JSON.parse(text)))
    pipeline.xack(STREAM.in, 'g', ...entries.map(([id]) => id))
    await pipeline.exec()
  },
}

const pairs = (answer) => (answer?.[0].messages ?? []).map(({ id, message }) => [id, message.data])

const nodeRedis = {
  async connect(port) {
    const client = createClient({ url: `redis://127.0.0.1:${port}` })
    client.on('error', () => {})
    return client.connect()
  },
  close: (client) => client.destroy(),
  add: (client, stream, text) => client.xAdd(stream, '*', { data: text }),
  read: async (client, stream, last) => pairs(await client.xRead({ key: stream, id: last }, { COUNT: 1000, BLOCK: 1000 })),
  async last(client) {
    const [entry] = await client.xRevRange(STREAM.out, '+', '-', { COUNT: 1 })
    return entry?.id ?? '0'
  },
  async addAll(client, texts) {
    const TRIM = { strategy: 'MAXLEN', strategyModifier: '~', threshold: MOST }
    await Promise.all(texts.map((text) => client.xAdd(STREAM.in, '*', { data: text }, { TRIM })))
  },
  group: (client) => client.xGroupCreate(STREAM.in, 'g', '$', { MKSTREAM: true }),
  take: async (client, consumer) => pairs(await client.xReadGroup('g', consumer, { key: STREAM.in, id: '>' }, { COUNT: 64, BLOCK: 1000 })),
  async passOn(client, entries) {
    const added = entries.map(([, text]) => client.xAdd(STREAM.out, '*', { data: JSON.stringify(JSON.parse(text)) }))
    const acked = client.xAck(
      STREAM.in,
      'g',
      entries.map(([id]) => id),
    )
    await Promise.all([...added, acked])
  },
}

export const libraries = { ioredis, 'node-redis': nodeRedis }
