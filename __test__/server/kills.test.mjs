// A service that is killed with -9 at seeded moments while its clients are at work, and started again on the same port: they lose nothing and double nothing. `VELO_KILLS` says how often.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { folder, start } from '../cli/command.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { expected } from './killed/bodies.mjs'
import { moments, subscribed, throughWebSocket } from './killed/clients.mjs'

const KILLS = Number(process.env.VELO_KILLS ?? 3)
const SEED = Number(process.env.VELO_SEED ?? 7)

const { path, write } = folder()
mkdirSync(join(path, 'functions'))
const bodies = JSON.stringify(new URL('killed/bodies.mjs', import.meta.url).href)
const more = {
  tell: { websocket: { endMessage: 'end', resumeBuffer: 64 } },
  count: { websocket: { endMessage: 'end', resumeBuffer: 64 } },
  many: { http: { resume: { buffer: 4096 } } },
}
for (const [name, options] of Object.entries(more)) {
  const own = `import { options as all } from ${bodies}\nexport const options = { ...all.${name}, ...${JSON.stringify(options)} }`
  write(`functions/${name}.mjs`, `export { ${name} as default } from ${bodies}\n${own}`)
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
    const plan = moments(dice, KILLS, expected[name](events).length, restart)
    const clients = [plan.at, undefined, undefined].map((at) => throughWebSocket(url, name, events, at))
    await within(100_000, Promise.all(clients), 'three clients')
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
  const restart = async () => {
    await end('SIGKILL')
    await begin()
  }
  const plan = moments(dice, KILLS, expected.many(events).length, restart)
  const [one, two] = [await subscribed(url, events), await subscribed(url, events)]
  const told = (count) => {
    plan.at(count)
    return plan.done()
  }
  await within(100_000, Promise.all([one.rest(told), two.rest()]), 'two clients')
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
