// metricsInto(): a registry of prom-client that is passed in has the same numbers, each scrape anew, from one picture.

import '../support/shared-native.mjs'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import client from 'prom-client'
import { streamFn } from 'velo-stream'
import { metricsInto, metricsText } from 'velo-stream/telemetry'
import { parsed } from '../support/exposition.mjs'
import { native } from '../support/native.mjs'

async function* copy(events) {
  for await (const event of events) yield event
}

/** What changes from one scrape to the next by itself. */
const restless = /^velo_(worker|workers|stream_state|room_wait|buffered_bytes)/
/** Samples by name and labels, in any order. */
function sorted(text) {
  const found = new Map()
  for (const [id, value] of parsed(text).samples) {
    const [, name, labels] = /^([a-z_][a-z0-9_]*)\{(.*)\}$/.exec(id)
    if (!restless.test(name))
      found.set(
        `${name} ${labels
          .split(/(?<="),/)
          .sort()
          .join()}`,
        value,
      )
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

for (const [type, Registry] of [
  ['Prometheus', client.Registry],
  ['a registry with metrics of its own', client.Registry],
]) {
  test(`the numbers are the same: ${type}`, async () => {
    const registry = new Registry()
    const own = type === 'Prometheus' ? undefined : new client.Counter({ name: 'own_total', help: 'Of the test.', registers: [registry] })
    own?.inc()
    const fn = streamFn(copy, { name: `into ${type}` })
    const dispose = metricsInto({ client, registry })
    await fn.run(Array.from({ length: 200 }, (_, i) => i))
    const stream = fn.open()
    const text = await registry.metrics()
    if (own !== undefined) assert.match(text, /own_total 1/)
    const ours = `${text
      .split('\n')
      .filter((line) => line !== '' && !/own_total/.test(line))
      .join('\n')}\n`
    assert.deepEqual(sorted(ours), sorted(metricsText()))
    await stream.close()
    await fn.run([1])
    assert.match(await registry.metrics(), new RegExp(`velo_events_in_total\\{function="into ${type}",placement="local"\\} 201`))
    dispose()
    assert.doesNotMatch(await registry.metrics(), /velo_/)
  })
}

test('OpenMetrics of prom-client, and JSON, take them too', async () => {
  const registry = new client.Registry(client.Registry.OPENMETRICS_CONTENT_TYPE)
  metricsInto({ client, registry })
  const text = await registry.metrics()
  assert.match(text, /# TYPE velo_events_in counter/)
  assert.match(text, /velo_events_in_total\{/)
  const json = await registry.getMetricsAsJSON()
  assert.equal(json.find(({ name }) => name === 'velo_latency_seconds').type, 'histogram')
})

test('a scrape asks Rust once', async () => {
  const registry = new client.Registry()
  metricsInto({ client, registry })
  await new Promise(setImmediate)
  const { measures } = native
  let calls = 0
  native.measures = (...asked) => {
    calls++
    return measures(...asked)
  }
  await registry.metrics()
  native.measures = measures
  assert.equal(calls, 1)
})

test('what is no client and no registry is refused', () => {
  const registry = new client.Registry()
  assert.throws(() => metricsInto({ registry }), { code: 'VELO_CONFIG', field: 'metricsInto(options).client' })
  assert.throws(() => metricsInto({ client }), { code: 'VELO_CONFIG', field: 'metricsInto(options).registry' })
  assert.throws(() => metricsInto({ client, registry, prefix: 'x' }), { code: 'VELO_CONFIG' })
})
