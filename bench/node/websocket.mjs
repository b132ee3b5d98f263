// A WebSocket echo with state: a stream function behind serveSocket against the same by hand on bare `ws`. The client is on another thread.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { contest, document, main } from './harness.mjs'
import { startServers } from './websocket/servers.mjs'

const BAR = 0.85
const [OURS, PEER, CORKED] = ['velo-stream', 'bare ws', 'bare ws, corked']

async function converse(title, options, claims, { connections, count, window }) {
  const names = [OURS, PEER, CORKED]
  const { ports, stop } = await startServers(names)
  const client = new Worker(new URL('./websocket/client.mjs', import.meta.url))
  const last = { total: Array.from({ length: count }, (_, i) => i % 1000).reduce((sum, add) => sum + add, 0), count }
  const expected = Array.from({ length: connections }, () => JSON.stringify(last))
  const contestant = (name) => async () => {
    const answered = once(client, 'message')
    client.postMessage({ port: ports[name], connections, count, window })
    return (await answered)[0]
  }
  const contestants = Object.fromEntries(names.map((name) => [name, contestant(name)]))
  try {
    return await contest({ title, events: connections * count, contestants, expected, claims, options })
  } finally {
    await client.terminate()
    stop()
  }
}

/** Against the code that most people write, and a figure beside a peer that knows more than most. */
const claims = [
  { of: OURS, peer: PEER, bar: BAR },
  { of: OURS, peer: CORKED },
]

function flood(options) {
  const count = options.quick ? 500 : 100_000
  return converse('one connection, as many messages under way as go', options, claims, { connections: 1, count, window: 0 })
}

function windowed(options) {
  const count = options.quick ? 200 : 20_000
  return converse('four connections, 64 messages under way on each', options, claims, { connections: 4, count, window: 64 })
}

/** System calls and the switch between two threads are nearly all of it, and they swing with the machine: a figure only. */
function sessions(options) {
  const [connections, count] = options.quick ? [5, 10] : [100, 500]
  return converse('a hundred connections, one message under way on each', options, [{ of: OURS, peer: PEER }], {
    connections,
    count,
    window: 1,
  })
}

export function websocket(options) {
  return document('websocket', [flood, windowed, sessions], options)
}

await main(import.meta, websocket)
