// A real Prometheus scrapes the server of the docs (OpenMetrics) and this process (the text format), takes the rules and the queries of the dashboard, and answers them: what goes wrong here
// is told by the alert that is about it.

import assert from 'node:assert/strict'
import { createServer as createHttpServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { OverloadedError, runtime, streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { metricsText, metricsType } from 'velo-stream/telemetry'
import { showCluster } from '../../target/js/kit/sight/measures.js'
import { folder, ndjson, start } from '../cli/command.mjs'
import { deferred, turns } from '../support/deferred.mjs'
import { leftover } from '../support/leftovers.mjs'
import { has } from '../support/programs.mjs'
import { program, prometheus } from '../support/prometheus.mjs'
import { root, text } from '../support/sources.mjs'
import { within } from '../support/within.mjs'

const ALERTS = 'docs/operations/velo-alerts.yml'
const DASHBOARD = 'docs/operations/velo-dashboard.json'
const LONG = 120_000
/** Longer than what `VeloCodeSlow` takes for slow, ms. */
const SLOW_MS = 1100
const { path, write } = folder()

/** What goes wrong, over and over: by the alert that is about it. Each leaves nothing open. */
function troubles() {
  const gate = deferred()
  async function* copy(events) {
    for await (const event of events) yield event
  }
  async function* fails() {
    throw new Error('on purpose')
  }
  async function* deaf(events) {
    for await (const _ of events) await gate.promise
    yield
  }
  const failing = streamFn(fails, { name: 'failing' })
  const narrow = streamFn(copy, { name: 'narrow', maxConcurrent: 1 })
  const stubborn = streamFn(deaf, { name: 'stubborn', closeTimeout: 1 })
  const losing = streamFn(copy, { name: 'losing' })
  const flooded = streamFn(copy, { name: 'flooded', buffer: 1 })
  const full = streamFn(copy, { name: 'full', buffer: 1 })
  const leaves = streamFn(new URL('functions/leaves.mjs', import.meta.url), { name: 'leaves', placement: 'worker' })
  const slow = streamFn(
    async function* slow(events) {
      const began = performance.now()
      for await (const event of events) {
        while (performance.now() - began < SLOW_MS) await asking
        yield event
      }
    },
    { name: 'slow' },
  )
  const held = stubborn.open()
  const unread = full.open()
  void unread.sendBatch([1, 2, 3]).catch(() => {})
  const cluster = { prefix: 'shop', hosted: 1, open: 1, takeovers: 0, commits: 0, lag: 0, deadLetters: 0, unreplicated: 0 }
  const hide = showCluster(() => ({ ...cluster, commits: cluster.commits++ }))
  const grows = (what) => () => {
    cluster[what]++
    return turns(1)
  }
  let processing
  /** The next time that somebody asks Prometheus. */
  let asking = Promise.resolve()
  let goOn = () => {}
  return {
    VeloStreamsFailing: () => failing.run([1]).catch(() => {}),
    async VeloStreamsRefused() {
      const one = narrow.open()
      assert.throws(() => narrow.open(), OverloadedError)
      await one.close()
    },
    async VeloStreamsDetached() {
      await held.send(1).catch(() => {})
      held.abort()
      await held.closed
    },
    async VeloEventsLost() {
      const stream = losing.open()
      await stream.sendBatch([1, 2, 3])
      stream.abort()
      await stream.closed
    },
    async VeloOverruns() {
      const stream = flooded.open()
      const sends = Promise.allSettled(Array.from({ length: 40 }, () => stream.send(1)))
      await stream.close()
      await sends
    },
    VeloReadersSlow: () => turns(1),
    /** So many that one of them is timed. */
    async VeloCodeSlow() {
      goOn()
      asking = new Promise((resolve) => void (goOn = resolve))
      processing ??= Promise.all(Array.from({ length: 64 }, () => slow.run([1]))).finally(() => void (processing = undefined))
      await turns(1)
    },
    VeloWorkerRestarts: () => leaves.run([1]).catch(() => {}),
    VeloClusterBehind: grows('lag'),
    VeloClusterDeadLetters: grows('deadLetters'),
    VeloClusterTakeovers: grows('takeovers'),
    VeloClusterUnreplicated: grows('unreplicated'),
    async end() {
      hide()
      gate.resolve()
      while (processing !== undefined) await this.VeloCodeSlow()
      await Promise.all([unread.close(), held.close()])
    },
  }
}

/** This process for a scraper. */
async function exposed() {
  const server = createHttpServer((_request, response) => response.setHeader('content-type', metricsType()).end(metricsText()))
  leftover(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  await within(LONG, new Promise((resolve) => server.listen(0, '127.0.0.1', resolve)), 'the scraped server')
  return server.address().port
}

/** The server of the docs as a process of its own: its URL. */
async function example() {
  write(
    'average.mjs',
    `export default async function* average(numbers) {
      let total = 0
      let count = 0
      for await (const number of numbers) yield (total += number) / ++count
    }`,
  )
  const service = start(['serve', path, '--port', '0'])
  const [, url] = await service.err(/serving average on (http\S+)\/fn\/<name>\n/)
  return url
}

/** Asks until `answers` holds of the samples; does `meanwhile` in between. */
async function eventually(asked, expression, answers, meanwhile = () => turns(1)) {
  const deadline = Date.now() + LONG
  let samples
  while (Date.now() < deadline) {
    await meanwhile()
    samples = await asked.query(expression)
    if (answers(samples)) return samples
  }
  return assert.fail(`${expression}: ${JSON.stringify(samples)}`)
}

test('it scrapes the example and this process, and answers every alert and every panel', async (context) => {
  if (process.platform !== 'linux' && program === undefined) return context.diagnostic('NOT TESTED: Prometheus runs on Linux')
  if (!has(context, program, 'Prometheus')) return
  runtime.configure({ workers: 1 })
  const url = await example()
  const here = await exposed()
  const asked = await prometheus({ targets: { example: new URL(url).port, troubles: here }, rules: [join(root, ALERTS)] })
  const all = troubles()
  const { end: _, ...provoke } = all
  const piped = streamFn(async function* first(events) {
    yield* events
  }).pipe(async function* second(events) {
    yield* events
  })
  await piped.run([1])
  const kept = streamFn(
    async function* kept(events) {
      yield* events
    },
    { durable: journal(join(path, 'journal')) },
  )
  await kept.run([1], { id: 'one' })

  // Both are scraped without a fault, and the counts are those of what was sent.
  const post = () =>
    fetch(`${url}/fn/average`, { method: 'POST', body: ndjson([1, 2, 3]), headers: { 'content-type': 'application/x-ndjson' } })
  for (let request = 0; request < 5; request++) assert.equal((await (await post()).text()).split('\n').length, 4)
  await eventually(asked, 'velo_events_in_total{job="example",function="average"}', ([sample]) => sample?.value[1] === '15')
  await eventually(
    asked,
    'velo_server_requests_total{job="example",function="average",status="200"}',
    ([sample]) => sample?.value[1] === '5',
  )
  const targets = async () =>
    (await asked.get('targets')).activeTargets.map(({ labels, health, lastError }) => [labels.job, health, lastError])
  // On a busy machine a scrape may be late, and the next one is not.
  await eventually(asked, 'up == 1', ({ length }) => length === 2)
  for (const [job, , fault] of await targets()) assert.match(fault, /^$|deadline/, job)

  // The counters have been seen at 0 or more; from here on they grow.
  const rules = (await asked.get('rules')).groups.flatMap((group) => group.rules)
  const isThere = ({ metric }) => metric.function !== undefined || metric.cluster === 'shop' || metric.job === 'troubles'
  const answered = Object.entries(provoke).map(([alert, provokes]) => {
    const { query } = rules.find(({ name }) => name === alert)
    return eventually(asked, query, (samples) => samples.some(isThere), provokes)
  })
  await Promise.all(answered)
  // Without its threshold every rule has something to say.
  for (const { query, name } of rules) {
    const [, measured] = /^([\s\S]*?)\s*>\s*[\d.e+]+$/.exec(query) ?? []
    assert.ok(measured, `${name}: ${query}`)
    await eventually(asked, measured, (samples) => samples.length > 0)
  }
  const seen = async () => (await asked.get('rules')).groups.flatMap((group) => group.rules)
  const states = await seen()
  assert.deepEqual(
    states.filter(({ health, lastError }) => health !== 'ok' || lastError).map(({ name, lastError }) => [name, lastError]),
    [],
  )
  const firing = await eventually(asked, 'ALERTS{alertname="VeloWorkerRestarts",alertstate="firing"}', ({ length }) => length > 0)
  assert.equal(firing[0].metric.severity, 'page')
  const { alerts } = await asked.get('alerts')
  const told = (name) => alerts.filter(({ labels }) => labels.alertname === name)
  for (const name of ['VeloStreamsFailing', 'VeloStreamsDetached', 'VeloWorkerRestarts']) assert.ok(told(name).length > 0, name)
  for (const { annotations } of alerts) assert.doesNotMatch(annotations.summary, /error|<no value>|\{\{/, annotations.summary)
  assert.ok(told('VeloStreamsFailing').some(({ annotations }) => /% of the streams of failing fail$/.test(annotations.summary)))

  // Every query of the dashboard is answered, with the variables as Grafana fills them in.
  const { panels } = JSON.parse(text(DASHBOARD))
  for (const { expr } of panels.flatMap(({ targets }) => targets)) {
    const filled = expr.replaceAll('$instance', '.*').replaceAll('$function', '.*').replaceAll('$__rate_interval', '5m')
    assert.doesNotMatch(filled, /\$/, expr)
    await eventually(asked, filled, (samples) => samples.length > 0, post)
  }
  await all.end()
})
