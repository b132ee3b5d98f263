// NDJSON in and out of a small stateful function over loopback: `handler(fn)` against the handler people write by hand. Both servers and the client share one
// process, so what is not the handler's own work weighs on both alike; the last groups count CPU time, each server alone.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { handler } from '../../dist/http.js'
import { streamFn } from '../../dist/index.js'
import { addClaim, checkAnswer, contest, document, main, median, tidyUp } from './harness.mjs'
import { Client, requestOf } from './http/client.mjs'
import { fanOutCpu, shortCpu, sseCpu } from './http/cpu.mjs'
import { byHand } from './http/hand.mjs'
import { sensor } from './http/sensor.mjs'

const OURS = 'handler(fn)'
const HAND = 'readline, generator, res.write'
/** Connections at once in the groups of many. */
const CONNECTIONS = 32

const readings = (count) => Array.from({ length: count }, (_, id) => ({ id, celsius: 20 + (id % 7) / 2 }))

async function answerOf(events) {
  let text = ''
  for await (const result of sensor(events)) text += `${JSON.stringify(result)}\n`
  return text
}

async function serving(listener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Both servers with so many connections to each; `work(clients)` is what a round does. */
async function both(connections, measure) {
  const servers = { [OURS]: await serving(handler(streamFn(sensor))), [HAND]: await serving(byHand(sensor)) }
  const clients = Object.fromEntries(
    Object.entries(servers).map(([name, server]) => [name, Array.from({ length: connections }, () => new Client(server.address().port))]),
  )
  try {
    return await measure(clients)
  } finally {
    for (const client of Object.values(clients).flat()) client.close()
    for (const server of Object.values(servers)) server.close()
  }
}

async function upload(options) {
  const events = readings(options.quick ? 200 : 50_000)
  const request = requestOf(events)
  const expected = await answerOf(events)
  return both(1, (clients) => {
    const contestants = Object.fromEntries(Object.entries(clients).map(([name, [client]]) => [name, () => client.ask(request)]))
    const claims = [{ of: OURS, peer: HAND, bar: 0.9 }]
    return contest({ title: 'one long upload', events: events.length, contestants, expected, claims, options })
  })
}

async function short(options) {
  const events = readings(10)
  const request = requestOf(events)
  const expected = await answerOf(events)
  const each = options.quick ? 1 : 50
  return both(CONNECTIONS, (clients) => {
    const contestants = Object.fromEntries(
      Object.entries(clients).map(([name, connections]) => [
        name,
        async () => {
          const all = connections.map(async (client) => {
            for (let i = 0; i < each; i++) checkAnswer(name, await client.ask(request), expected)
          })
          await Promise.all(all)
          return all.length
        },
      ]),
    )
    const claims = [{ of: OURS, peer: HAND, bar: 0.9 }]
    const title = `short streams of 10 events, ${CONNECTIONS} connections`
    return contest({ title, events: each * CONNECTIONS * events.length, contestants, expected: CONNECTIONS, claims, options })
  })
}

/** From the request to the first bytes of its response, with all connections busy. */
async function firstResult(options) {
  const events = readings(100)
  const request = requestOf(events)
  const expected = await answerOf(events)
  const each = options.quick ? 1 : 60
  return both(CONNECTIONS, async (clients) => {
    const names = Object.keys(clients)
    const rounds = Object.fromEntries(names.map((name) => [name, { p50: [], p99: [] }]))
    for (let round = -options.warmup - 1; round < options.rounds; round++) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        tidyUp()
        const waits = []
        const work = clients[name].map(async (client) => {
          for (let i = 0; i < each; i++) {
            const start = performance.now()
            const answer = await client.ask(request, () => waits.push(performance.now() - start))
            checkAnswer(name, answer, expected)
          }
        })
        await Promise.all(work)
        waits.sort((a, b) => a - b)
        if (round < 0) continue
        rounds[name].p50.push(waits[waits.length >> 1])
        rounds[name].p99.push(waits[Math.floor(waits.length * 0.99)])
      }
    }
    const rows = names.flatMap((name) => {
      return ['p50', 'p99'].map((quantile) => ({ name: `${name}, ${quantile}`, value: median(rounds[name][quantile]) * 1000, unit: 'us' }))
    })
    const ratio = (quantile) => median(rounds[OURS][quantile].map((wait, round) => wait / rounds[HAND][quantile][round]))
    addClaim(rows, { of: `${OURS}, p50`, peer: `${HAND}, p50`, most: true }, ratio('p50'))
    addClaim(rows, { of: `${OURS}, p99`, peer: `${HAND}, p99`, bar: 1.2, most: true }, ratio('p99'))
    return { title: `first result under load, ${CONNECTIONS} connections, 100 events each`, rows }
  })
}

export const bench = (options) => document('http', [upload, short, firstResult, shortCpu, sseCpu, fanOutCpu], options)
await main(import.meta, bench)
