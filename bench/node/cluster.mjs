// Sessions that processes share: what they cost beside a relay without state and beside BullMQ, how soon a result is seen, how soon another process goes on, what an idle one takes.
// One server of its own for each group (REDIS_SERVER names another), two processes that host, and this one, which opens. `--client node-redis`: all of them with that library. Sessions go on
// by replay (`sum`) and from a state (`kept`).
import { bullmq } from './cluster/bullmq.mjs'
import { latency, trips } from './cluster/latency.mjs'
import { bytesOf, cpuOf } from './cluster/server.mjs'
import { prepared } from './cluster/sessions.mjs'
import { throughput } from './cluster/throughput.mjs'
import { addClaim, document, main, median } from './harness.mjs'

const MODES = { sum: 'by replay', kept: 'from a state' }
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const all = (count, work) => Promise.all(Array.from({ length: count }, (_, at) => work(at)))
const tripOf = (stream) => () => Promise.all([stream.send({ n: 1 }), stream.recv()])

/** The process that hosts a session is killed; then the one after it stops in order. */
async function oneGoes({ beside, front }, fn, own, times) {
  const one = front(own)
  let host = await beside('host', own)
  const trip = tripOf(await one.open(fn, 'a'))
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

async function manyGo({ beside, front }, fn, own, many, times) {
  const one = front(own)
  const host = await beside('host', own)
  const streams = await all(many, (at) => one.open(fn, `${at}`))
  await Promise.all(streams.map((stream) => tripOf(stream)()))
  const next = await beside('host', own)
  await host.kill()
  const killed = performance.now()
  while ((await next.hosted()) < many) await rest(5)
  times.many.push(performance.now() - killed)
  await Promise.all(streams.map((stream) => stream.close()))
  await next.kill()
}

function takeover(options) {
  return prepared(options, async (prepared) => {
    const many = options.quick ? 50 : 5000
    const rows = []
    for (const [fn, mode] of Object.entries(MODES)) {
      const times = { one: [], many: [], gap: [] }
      for (let round = 0; round < (options.quick ? 1 : 5); round++)
        await oneGoes(prepared, fn, { prefix: `t${fn}${round}`, lease: 10_000 }, times)
      for (let round = 0; round < (options.quick ? 1 : 3); round++)
        await manyGo(prepared, fn, { prefix: `many${fn}${round}`, lease: 10_000 }, many, times)
      const shown = [
        [`killed: the next result, ${mode}`, times.one, 500],
        [`killed: ${many} sessions are hosted again, ${mode}`, times.many, 2000],
        [`stopped: the longest wait for a result, ${mode}`, times.gap, 300],
      ]
      for (const [name, all, most] of shown) {
        rows.push({ name, value: median(all), unit: 'ms' })
        addClaim(rows, { of: name, bar: most, most: true }, median(all))
      }
    }
    return { title: 'a host goes, with a lease of 10 s', rows }
  })
}

async function idles({ client, beside, front }, fn, options) {
  const many = options.quick ? 100 : 10_000
  const one = front()
  const host = await beside('host')
  await (await one.open(fn, 'first')).close()
  const before = await bytesOf(client)
  for (let at = 0; at < many; at += 100) {
    await all(Math.min(100, many - at), async (i) => {
      const stream = await one.open(fn, `${at + i}`)
      await tripOf(stream)()
      await stream.ack()
      await stream.close()
    })
  }
  while ((await host.hosted()) < many) await rest(5)
  await rest(options.quick ? 10 : 1000)
  const bytes = ((await bytesOf(client)) - before) / many
  const [cpu, from] = [await cpuOf(client), performance.now()]
  await rest(options.quick ? 10 : 10_000)
  return { bytes, share: (((await cpuOf(client)) - cpu) / 1000 / (performance.now() - from)) * 100 }
}

async function idle(options) {
  const rows = []
  for (const [fn, mode] of Object.entries(MODES)) {
    const { bytes, share } = await prepared(options, (prepared) => idles(prepared, fn, options))
    for (const [name, value, unit, most] of [
      [`memory of the server, ${mode}`, bytes, 'bytes/session', 1024],
      [`its processor, ${mode}`, share, '% of a core', 1],
    ]) {
      rows.push({ name, value, unit })
      addClaim(rows, { of: name, bar: most, most: true }, value)
    }
  }
  return { title: `${options.quick ? 100 : 10_000} idle sessions, after an event each`, rows }
}

/** Needs `redis-server`, and is no part of `npm run bench`. */
export function clusters(options) {
  return document('cluster', [throughput, latency, takeover, idle, bullmq], options)
}

await main(import.meta, clusters)
