// Sessions that processes share: what they cost beside a relay without state and beside BullMQ, how soon a result is seen, how soon another process goes on, what an idle one takes.
// One server of its own for each group (REDIS_SERVER names another), two processes that host, and this one, which opens.
import { bullmq } from './cluster/bullmq.mjs'
import { bytesOf, cpuOf } from './cluster/server.mjs'
import { events, prepared, SESSIONS, sums } from './cluster/sessions.mjs'
import { addClaim, contest, document, main, median } from './harness.mjs'

const LOT = 64
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const all = (count, work) => Promise.all(Array.from({ length: count }, (_, at) => work(at)))

/** The same entries through a stream, a group, a stream. Answers their sum. */
async function relayed(client, reads, values) {
  const many = Array(SESSIONS).fill(values).flat()
  const [[from] = ['0']] = await client.xrevrange('out', '+', '-', 'COUNT', 1)
  const reading = (async () => {
    let sum = 0
    for (let [seen, last] = [0, from]; seen < many.length; ) {
      const answer = await reads.xread('COUNT', 1000, 'BLOCK', 1000, 'STREAMS', 'out', last)
      for (const [id, fields] of answer?.[0][1] ?? []) {
        sum += JSON.parse(fields[1]).n
        last = id
        seen++
      }
    }
    return sum
  })()
  for (let at = 0; at < many.length; at += LOT) {
    const pipeline = client.pipeline()
    for (const value of many.slice(at, at + LOT)) pipeline.xadd('in', 'MAXLEN', '~', 10_000, '*', 'data', JSON.stringify(value))
    await pipeline.exec()
  }
  return (await reading) * values.length
}

function throughput(options) {
  return prepared(async ({ client, beside, front }) => {
    const values = events(options.quick ? 64 : 512).map(() => ({ n: 1 }))
    const reads = client.duplicate()
    const taken = {}
    const counted = (name, work) => async () => {
      const before = await cpuOf(client)
      const answer = await work()
      ;(taken[name] ??= []).push(((await cpuOf(client)) - before) / (SESSIONS * values.length))
      return answer
    }
    for (let i = 0; i < 2; i++) await beside('relay')
    const contestants = { relay: counted('relay', async () => (await relayed(client, reads, values)) / values.length) }
    for (const every of [1, 16, 64]) {
      const own = { prefix: `every${every}`, commit: { every } }
      for (let i = 0; i < 2; i++) await beside('host', own)
      const one = front(own)
      contestants[`commit every ${every}`] = counted(`commit every ${every}`, () => sums(one, 'sum', values))
      if (every === 64)
        contestants['commit every 64, with a state'] = counted('commit every 64, with a state', () => sums(one, 'kept', values))
    }
    const claims = [
      { of: 'commit every 64', peer: 'relay', bar: 2 },
      { of: 'commit every 64, with a state', peer: 'relay', bar: 2 },
      { of: 'commit every 16', peer: 'relay' },
      { of: 'commit every 1', peer: 'relay', bar: 0.4 },
    ]
    const group = await contest({
      title: `${SESSIONS} sessions, a running sum, two hosts; beside a relay without state`,
      events: SESSIONS * values.length,
      expected: SESSIONS * values.length,
      contestants,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    for (const [name, all] of Object.entries(taken)) {
      group.rows.push({ name: `${name}: server`, value: median(all.slice(-options.rounds)), unit: 'us/event' })
      if (/^commit every 64/.test(name)) within(group.rows, 3)
    }
    reads.disconnect()
    return group
  })
}

/** The value of the last row may be so much at most. */
function within(rows, most) {
  const row = rows.at(-1)
  addClaim(rows, { of: row.name, bar: most, most: true }, row.value)
}

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(values.length * q)]

/** The time of each of `count` round trips in ms, one after the other. */
async function trips(count, trip) {
  const times = []
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    await trip(i)
    times.push(performance.now() - from)
  }
  return times
}

function latency(options) {
  return prepared(async ({ client, beside, front }) => {
    const reads = client.duplicate()
    await beside('hop')
    await beside('host')
    const one = front()
    const stream = await one.open('sum', 'a')
    let last = '0'
    const hops = async () => {
      await client.xadd('there', '*', 'data', '1')
      for (;;) {
        const answer = await reads.xread('BLOCK', 1000, 'STREAMS', 'back', last)
        if (answer === null) continue
        last = answer[0][1].at(-1)[0]
        return
      }
    }
    const session = async () => {
      await Promise.all([stream.send({ n: 1 }), stream.recv()])
    }
    const rounds = options.quick ? 1 : Math.max(5, options.rounds)
    const seen = { session: [], hops: [] }
    for (let round = -1; round < rounds; round++) {
      const count = options.quick ? 20 : 500
      const [mine, bare] = [await trips(count, session), await trips(count, hops)]
      if (round < 0 && !options.quick) continue
      seen.session.push(quantile(mine, 0.5))
      seen.hops.push(quantile(bare, 0.5))
    }
    const rows = [
      { name: 'append to visible result, p50', value: median(seen.session) * 1000, unit: 'us' },
      { name: 'two bare XREAD BLOCK hops, p50', value: median(seen.hops) * 1000, unit: 'us' },
    ]
    const ratios = seen.session.map((one, at) => one / seen.hops[at])
    addClaim(rows, { of: rows[0].name, peer: rows[1].name, bar: 1.5, most: true }, median(ratios))
    reads.disconnect()
    return { title: 'one event at a time, and its result, committed in between', rows }
  })
}

function takeover(options) {
  return prepared(async ({ beside, front }) => {
    const many = options.quick ? 50 : 5000
    const times = { one: [], many: [], gap: [] }
    for (let round = 0; round < (options.quick ? 1 : 5); round++) {
      const own = { prefix: `t${round}`, lease: 10_000 }
      const one = front(own)
      let host = await beside('host', own)
      const stream = await one.open('sum', 'a')
      const trip = () => Promise.all([stream.send({ n: 1 }), stream.recv()])
      await trip()
      const next = await beside('host', own)
      await host.kill()
      times.one.push((await trips(1, trip))[0])
      host = await beside('host', own)
      // What is there while the other one stops in order: the longest wait for a result.
      const stopping = next.stop()
      let isOver = false
      void stopping.then(() => (isOver = true))
      const gaps = []
      while (!isOver) gaps.push(...(await trips(1, trip)))
      times.gap.push(Math.max(...gaps, ...(await trips(20, trip))))
    }
    for (let round = 0; round < (options.quick ? 1 : 3); round++) {
      const own = { prefix: `many${round}`, lease: 10_000 }
      const one = front(own)
      const host = await beside('host', own)
      const streams = await all(many, (at) => one.open('sum', `${at}`))
      await Promise.all(streams.map((stream) => Promise.all([stream.send({ n: 1 }), stream.recv()])))
      const next = await beside('host', own)
      await host.kill()
      const killed = performance.now()
      while ((await next.hosted()) < many) await rest(5)
      times.many.push(performance.now() - killed)
      await Promise.all(streams.map((stream) => stream.close()))
      await next.kill()
    }
    const rows = [
      { name: 'killed: the next result', value: median(times.one), unit: 'ms' },
      { name: `killed: ${many} sessions are hosted again`, value: median(times.many), unit: 'ms' },
      { name: 'stopped: the longest wait for a result', value: median(times.gap), unit: 'ms' },
    ]
    for (const [at, most] of [500, 2000, 300].entries()) addClaim(rows, { of: rows[at].name, bar: most, most: true }, rows[at].value)
    return { title: 'a host goes, with a lease of 10 s', rows }
  })
}

function idle(options) {
  return prepared(async ({ client, beside, front }) => {
    const many = options.quick ? 100 : 10_000
    const one = front()
    const host = await beside('host')
    await (await one.open('sum', 'first')).close()
    const before = await bytesOf(client)
    for (let at = 0; at < many; at += 100) {
      await all(Math.min(100, many - at), async (i) => {
        const stream = await one.open('sum', `${at + i}`)
        await Promise.all([stream.send({ n: 1 }), stream.recv()])
        await stream.ack()
        await stream.close()
      })
    }
    while ((await host.hosted()) < many) await rest(5)
    await rest(options.quick ? 10 : 1000)
    const bytes = ((await bytesOf(client)) - before) / many
    const [cpu, from] = [await cpuOf(client), performance.now()]
    await rest(options.quick ? 10 : 10_000)
    const share = (((await cpuOf(client)) - cpu) / 1000 / (performance.now() - from)) * 100
    const rows = [
      { name: 'memory of the server', value: bytes, unit: 'bytes/session' },
      { name: 'its processor', value: share, unit: '% of a core' },
    ]
    for (const [at, most] of [1024, 1].entries()) addClaim(rows, { of: rows[at].name, bar: most, most: true }, rows[at].value)
    return { title: `${many} idle sessions, after an event each`, rows }
  })
}

/** Needs `redis-server`, and is no part of `npm run bench`. */
export function clusters(options) {
  return document('cluster', [throughput, latency, takeover, idle, bullmq], options)
}

await main(import.meta, clusters)
