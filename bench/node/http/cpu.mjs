// Groups: what a request costs its server, in CPU time, with each server alone in its process: neither the client nor the other one counts.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { addClaim, checkAnswer, middleOf } from '../harness.mjs'
import { Client, requestOf } from './client.mjs'
import { SUBSCRIBERS } from './listeners.mjs'

const GET = Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n')
const script = fileURLToPath(new URL('alone.mjs', import.meta.url))

async function started(name, connections) {
  const child = fork(script, [name])
  const [port] = await once(child, 'message')
  return { child, clients: Array.from({ length: connections }, () => new Client(port)) }
}

/** Microseconds of CPU that the server has used so far. */
async function used({ child }) {
  child.send('cpu')
  return (await once(child, 'message'))[0]
}

/** `names`: servers by what the table calls them; the first one is ours. Each connection asks `each` times a round. */
async function compared({ title, names, request, connections = 1, each, bars, options }) {
  const called = Object.keys(names)
  const servers = new Map()
  for (const name of called) servers.set(name, await started(names[name], connections))
  const costs = Object.fromEntries(called.map((name) => [name, []]))
  let expected
  try {
    for (let round = -options.warmup - 1; round < options.rounds; round++) {
      for (const name of round % 2 === 0 ? called : called.toReversed()) {
        const server = servers.get(name)
        const before = await used(server)
        const asked = server.clients.map(async (client) => {
          for (let i = 0; i < each; i++) {
            const answer = await client.ask(request)
            expected ??= answer
            checkAnswer(`${title}: ${name}`, answer, expected)
          }
        })
        await Promise.all(asked)
        if (round >= 0) costs[name].push(((await used(server)) - before) / (each * connections))
      }
    }
  } finally {
    for (const { child, clients } of servers.values()) {
      for (const client of clients) client.close()
      child.disconnect()
    }
  }
  const rows = called.map((name) => ({ name, ...middleOf(costs[name]), unit: 'us CPU' }))
  const [ours] = called
  for (const [peer, bar] of Object.entries(bars)) {
    const ratios = costs[peer].map((cost, round) => cost / costs[ours][round])
    addClaim(rows, { of: ours, peer, bar }, ratios)
  }
  return { title, rows }
}

const OURS = 'handler(fn)'

export function shortCpu(options) {
  const readings = Array.from({ length: 10 }, (_, id) => ({ id, celsius: 20 + (id % 7) / 2 }))
  const [split, readline] = ['split, generator, res.write', 'readline, generator, res.write']
  return compared({
    title: 'a request of 10 events',
    names: { [OURS]: 'ndjson ours', [split]: 'ndjson split', [readline]: 'ndjson hand' },
    request: requestOf(readings),
    each: options.quick ? 2 : 300,
    bars: { [split]: 0.7, [readline]: 1 },
    options,
  })
}

export function sseCpu(options) {
  const [express, hand] = ['Express, one text for many results', 'node:http, res.write for each']
  return compared({
    title: 'server-sent events, 1000 results',
    names: { [OURS]: 'sse ours', [express]: 'sse express', [hand]: 'sse hand' },
    request: GET,
    each: options.quick ? 1 : 30,
    bars: { [express]: 0.9, [hand]: 1 },
    options,
  })
}

export function fanOutCpu(options) {
  const hand = 'node:http, one text, res.write for all'
  return compared({
    title: `one source for ${SUBSCRIBERS} clients, 500 results each`,
    names: { [OURS]: 'fan ours', [hand]: 'fan hand' },
    request: GET,
    connections: SUBSCRIBERS,
    each: options.quick ? 1 : 2,
    bars: { [hand]: 0.8 },
    options,
  })
}
