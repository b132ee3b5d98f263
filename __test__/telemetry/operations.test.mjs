// docs/operations: the rules and the dashboard name only families, labels and values that there are, and the page names all of them.

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { metricsText } from 'velo-stream/telemetry'
import { showCluster } from '../../target/js/kit/sight/measures.js'
import { serverFamilies } from '../../target/js/server/server-families.js'
import { parsed } from '../support/exposition.mjs'
import { rowsBelow } from '../support/pages.mjs'
import { promtool, withPromtool } from '../support/promtool.mjs'
import { root, text } from '../support/sources.mjs'

const ALERTS = 'docs/operations/velo-alerts.yml'
const DASHBOARD = 'docs/operations/velo-dashboard.json'
/** What a scraper adds. */
const SCRAPED = ['instance', 'job']

async function* copy(events) {
  yield* events
}

/** Every series there is: its name, and its labels with their values. */
async function known() {
  await streamFn(copy, { name: 'local' }).run(Array.from({ length: 200 }, (_, i) => i))
  const worker = streamFn(new URL('functions/copy.mjs', import.meta.url), { name: 'away', placement: 'worker' })
  await worker.run([1])
  await streamFn(copy, { name: 'first' }).pipe(copy).run([1])
  const kept = streamFn(copy, { name: 'kept', durable: journal(mkdtempSync(join(tmpdir(), 'velo-operations-'))) })
  await kept.run([1], { id: 'one' })
  const numbers = {
    connections: 1,
    streams: 1,
    refused: { server: 0, client: 0 },
    draining: false,
    requests: new Map([['a', { fn: 'a', status: 200, count: 1 }]]),
  }
  const hide = showCluster(() => ({
    prefix: 'shop',
    hosted: 1,
    open: 1,
    takeovers: 0,
    commits: 1,
    lag: 0,
    deadLetters: 0,
    unreplicated: 0,
  }))
  const written = metricsText({ extra: serverFamilies(numbers) })
  hide()
  const series = new Map()
  for (const id of parsed(written).samples.keys()) {
    const [, name, labels] = /^([a-z_][a-z0-9_]*)\{(.*)\}$/.exec(id)
    const values = series.get(name) ?? new Map()
    for (const [, label, value] of labels.matchAll(/(\w+)="([^"]*)"/g)) values.set(label, (values.get(label) ?? new Set()).add(value))
    series.set(name, values)
  }
  return series
}

/** Every selector of an expression, and the labels by which it groups. */
function checkExpression(series, expression) {
  const plain = expression.replace(/\{\{.*?\}\}/g, '')
  const selectors = [...plain.matchAll(/\b((?:velo|process)_\w+)(?:\{([^}]*)\})?/g)]
  assert.ok(selectors.length > 0, expression)
  for (const [, name, matchers = ''] of selectors) {
    assert.ok(series.has(name), `${name} in ${expression}`)
    for (const [, label, operator, value] of matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)) {
      assert.ok(series.get(name).has(label) || SCRAPED.includes(label), `${name}{${label}}`)
      if (operator === '=') assert.ok(series.get(name).get(label).has(value), `${name}{${label}="${value}"}`)
    }
    for (const [, labels] of plain.matchAll(/\bby \(([^)]*)\)/g)) {
      for (const label of labels.split(',').map((one) => one.trim()))
        assert.ok(series.get(name).has(label) || SCRAPED.includes(label), `by ${label}: ${expression}`)
    }
  }
}

test('every rule is about families that there are, and the page says what to do', async () => {
  const series = await known()
  const rules = text(ALERTS)
    .split(/^ {6}- alert: /m)
    .slice(1)
  const names = rules.map((rule) => rule.split('\n')[0])
  assert.ok(rules.length >= 8)
  for (const rule of rules) {
    const [, expression] = /^ {8}expr: (?:\|\n)?([\s\S]*?)\n {8}(?:for|labels):/m.exec(rule)
    checkExpression(series, expression)
    assert.match(rule, /severity: (page|ticket)/)
    assert.match(rule, /summary: '.+'/)
  }
  const [, ...rows] = rowsBelow('docs/operations.md', 'Alerts and a dashboard')
  assert.deepEqual(rows.map(([name]) => name.replaceAll('`', '')).sort(), names.sort())
})

test('every panel is about families that there are', async () => {
  const series = await known()
  const { panels, templating, title, uid } = JSON.parse(text(DASHBOARD))
  assert.deepEqual([title, uid], ['velo-stream', 'velo-stream'])
  assert.ok(panels.length >= 10)
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const { targets, title } of panels) for (const { expr } of targets) assert.doesNotThrow(() => checkExpression(series, expr), title)
  const variables = templating.list.map(({ name }) => name)
  for (const [, name] of JSON.stringify(panels).matchAll(/\$\{?(\w+)\}?/g))
    assert.ok(variables.includes(name) || name === '__rate_interval', name)
  for (const { query, type } of templating.list) if (type === 'query') checkExpression(series, query)
})

test('docs/operations.md names every family, and no other', async () => {
  const series = [...(await known()).keys()].map((name) => name.replace(/_seconds_(bucket|sum|count)$/, '_seconds'))
  const [, ...rows] = rowsBelow('docs/operations.md', 'Metrics').filter(([name]) => /`velo_|^family/.test(name))
  const named = rows.flatMap(([cell]) => [...cell.matchAll(/`(velo_\w+)`/g)].map(([, name]) => name))
  assert.deepEqual(named.sort(), [...new Set(series.filter((name) => name.startsWith('velo_')))].sort())
})

test('promtool takes the rules', withPromtool('rules'), () => {
  assert.match(promtool(['check', 'rules', join(root, ALERTS)]), /SUCCESS: \d+ rules found/)
})
