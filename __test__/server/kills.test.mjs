// A service that is killed with -9 at seeded moments while its clients are at work, and started again on the same port: they lose nothing and double nothing. `VELO_KILLS` says how often.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { connect, subscribe } from 'velo-stream/client'
import { journal } from 'velo-stream/durable'
import { WebSocket } from 'ws'
import { folder, ndjson, start } from '../cli/command.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const KILLS = Number(process.env.VELO_KILLS ?? 3)
const SEED = Number(process.env.VELO_SEED ?? 7)
const backoff = { minMs: 5, maxMs: 40, attempts: 2000 }

const { path, write } = folder()
mkdirSync(join(path, 'functions'))
/** From none to three results an event, what it asks of the world among them. */
write(
  'functions/tell.mjs',
  `export default async function* tell(events, ctx) {
    let total = 0
    for await (const event of events) {
      total += event
      const asked = event % 5 === 0 ? await ctx.run('ask', () => total) : undefined
      for (let n = 0; n < event % 4; n++) yield [event, n, total, asked ?? null]
    }
    yield ['end', total]
  }
  export const options = { buffer: 16, websocket: { endMessage: 'end', resumeBuffer: 64 } }`,
)
/** The same, with state instead of history. */
write(
  'functions/count.mjs',
  `export default async function* count(events, ctx) {
    for await (const event of events) {
      ctx.state.total += event
      yield [event, 0, ctx.state.total, null]
    }
    yield ['end', ctx.state.total]
  }
  export const options = { state: { initial: () => ({ total: 0 }), version: 1, every: 16 }, websocket: { endMessage: 'end', resumeBuffer: 64 } }`,
)

/** Many results of few events, which are kept together before the first result. */
write(
  'functions/many.mjs',
  `export default async function* many(events) {
    for await (const event of events) for (let n = 0; n < event; n++) yield [event, n]
    yield { end: true }
  }
  export const options = { http: { resume: { buffer: 4096 } } }`,
)

const expected = {
  tell: (events) => {
    let total = 0
    const results = events.flatMap((event) => {
      total += event
      return Array.from({ length: event % 4 }, (_, n) => [event, n, total, event % 5 === 0 ? total : null])
    })
    return [...results, ['end', total]]
  },
  count: (events) => {
    let total = 0
    const results = events.map((event) => [event, 0, (total += event), null])
    return [...results, ['end', total]]
  },
}

/** A service over a journal that can be killed and started again. */
function service(data) {
  let port = 0
  let running
  const begin = async () => {
    running = start(['serve', join(path, 'functions'), '--durable', data, '--port', String(port), '--json'])
    const [, url] = await running.out(/"url":"(http[^"]+)"/)
    port = Number(new URL(url).port)
    return url
  }
  const end = async (signal) => {
    running.child.kill(signal)
    return running.ended()
  }
  return { begin, end }
}

/** Calls `restart` when so many results have come, each time. */
function kills(dice, total, restart) {
  const moments = Array.from({ length: KILLS }, () => 1 + dice.below(total - 1)).sort((a, b) => a - b)
  let under = Promise.resolve()
  return {
    at(count) {
      for (; moments.length > 0 && count >= moments[0]; moments.shift()) under = under.then(restart)
    },
    done: () => under,
  }
}

for (const name of ['tell', 'count'])
  test(`clients over WebSockets, of ${name}`, { timeout: 120_000 }, async () => {
    const dice = random(SEED + name.length)
    const data = join(path, `ws-${name}`)
    const { begin, end } = service(data)
    const url = await begin()
    let deploys = 0
    // One in four is no crash but a deploy.
    const restart = async () => {
      await end(dice.below(4) === 0 && ++deploys > 0 ? 'SIGTERM' : 'SIGKILL')
      await begin()
    }
    const events = Array.from({ length: 200 }, () => 1 + dice.below(20))
    const wanted = expected[name](events)
    const plan = kills(dice, wanted.length, restart)
    const run = async (isFirst) => {
      const client = connect(`${url}/fn/${name}`, { WebSocket, resume: true, endMessage: 'end', backoff })
      const results = []
      let sent = 0
      const send = () => {
        while (sent < events.length && sent < results.length + 30) client.send(events[sent++]).catch(() => {})
        if (sent === events.length) client.end().catch(() => {})
      }
      send()
      for await (const result of client) {
        results.push(result)
        if (isFirst) plan.at(results.length)
        send()
      }
      assert.deepEqual(results, wanted)
      assert.deepEqual(await client.closed, { reason: 'done' })
    }
    await within(100_000, Promise.all([run(true), run(false), run(false)]), 'three clients')
    await plan.done()
    assert.equal((await end('SIGTERM')).code, 0)
    await allSaid(name, data, events.length)
  })

test('clients of server-sent events', { timeout: 120_000 }, async () => {
  const dice = random(SEED)
  const data = join(path, 'sse')
  const { begin, end } = service(data)
  const url = await begin()
  const events = [700, 600, 500]
  const wanted = [...events.flatMap((event) => Array.from({ length: event }, (_, n) => [event, n])), { end: true }]
  const restart = async () => {
    await end('SIGKILL')
    await begin()
  }
  const headers = { 'content-type': 'application/x-ndjson' }
  const plan = kills(dice, wanted.length, restart)
  const subscribed = async () => {
    const results = subscribe(`${url}/fn/many`, { body: ndjson(events), headers, backoff })[Symbol.asyncIterator]()
    const { value } = await within(10_000, results.next(), 'the first result')
    return { results, seen: [value] }
  }
  const readOut = async ({ results, seen }, isFirst) => {
    for (let next = await results.next(); next.done !== true; next = await results.next()) {
      seen.push(next.value)
      if (!isFirst) continue
      plan.at(seen.length)
      await plan.done()
    }
    assert.deepEqual(seen, wanted)
  }
  // A request is made once, and both have been answered before the first kill.
  const [one, two] = [await subscribed(), await subscribed()]
  await within(100_000, Promise.all([readOut(one, true), readOut(two, false)]), 'two clients')
  await end('SIGTERM')
})

/** Every client is done. What is left is of those who were told so, and whose service was killed before it heard that they were: the next one removes it after the grace. */
async function allSaid(name, data, events) {
  const kept = journal(data)
  const fn = streamFn(async function* nothing() {}, { name, durable: kept })
  for (const left of await fn.unfinished()) assert.equal(left.events, events + 1)
  await kept.close()
}

noUnhandledRejections('kills')
