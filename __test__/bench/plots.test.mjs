// The pictures in docs/plots are those of the figures that are kept, say how they were made, and are readable on light pages and dark ones.

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { drawn, kept, tabled } from '../../bench/plots/draw.mjs'
import { guarded } from '../../bench/plots/guarded.mjs'
import { drawInto } from '../../bench/plots/results.mjs'
import { bars, lines, short } from '../../bench/plots/svg.mjs'
import { files, text } from '../support/sources.mjs'

test('every picture is drawn from kept figures, and no other is there', () => {
  const pictures = drawn()
  const there = files(/^docs\/plots\//)
  assert.deepEqual(
    there.sort(),
    Object.keys(pictures)
      .map((name) => `docs/plots/${name}.svg`)
      .sort(),
  )
  for (const [name, svg] of Object.entries(pictures)) {
    assert.equal(text(`docs/plots/${name}.svg`), svg, name)
    assert.match(svg, /node bench\/[\w/]+\.mjs; .*Node\.js v\d+/, name)
    assert.ok(text('docs/performance.md').includes(`plots/${name}.svg`), `docs/performance.md shows ${name}`)
  }
})

test('`npm run bench` draws what it has just measured', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'velo-pictures-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { memory, paper } = kept()
  const names = drawInto(pathToFileURL(`${folder}/`), [memory.document, paper.document, { ...paper.document, groups: [] }])
  assert.ok(names.includes('memory-open') && names.includes('paper-cold-start-penalty'), names.join(' '))
  assert.deepEqual(readdirSync(folder).sort(), names.map((name) => `${name}.svg`).sort())
  assert.match(readFileSync(join(folder, 'memory-open.svg'), 'utf8'), /npm run bench -- memory; \d+ virtual cores .*Node\.js v\d+/)
})

test('the tables of docs/performance.md are those of the kept figures and of the guarded ratios', () => {
  const page = text('docs/performance.md')
  assert.equal(tabled(page), page)
})

test('guarded ratios: a row for each work, its peers together, a column for each line of Node.js, the range where runs lie apart', () => {
  const ratio = (ratio, noise) => {
    const row = { group: 'a stream', row: 'run | map', peer: 'by hand', ratio, range: [ratio - noise, ratio], noise }
    return { ...row, value: 1_200_000 * ratio, unit: 'events/s' }
  }
  const baselines = {
    machine: 'two cores',
    'node 20': {
      'short: a': { ...ratio(1.5, 0.05), bar: 2 },
      'short: b': { ...ratio(2, 0.5), row: 'send' },
      'short: d': { ...ratio(3, 0), row: 'send', peer: 'a queue' },
      'long: c': { ...ratio(9, 0), bar: 8 },
      'short: bar': { ratio: 3 },
    },
    'node 24': { 'short: a': ratio(1.25, 0) },
  }
  const page = 'before\n<!-- guarded: short -->\nold\n<!-- end of figures -->\nbehind'
  const table = [
    '| work | velo-stream, Node 20 | beside | Node 20 | Node 24 |',
    '| --- | --- | --- | --- | --- |',
    '| a stream: run \\| map | 1.8 M events/s | by hand | 1.5 (bar 2) | 1.25 |',
    '| a stream: send | 3.6 M events/s | by hand; a queue | 2 [1.5 to 2]; 3 | -; - |',
  ].join('\n')
  assert.equal(guarded(page, baselines), page.replace('old', `\n\`npm run bench:check -- --update\`; two cores.\n\n${table}\n`))
  assert.throws(() => guarded(page.replace('short', 'short none'), baselines), /nothing of none: npm run bench:check -- --update none/)
})

test('numbers, bars and lines', () => {
  assert.deepEqual([0, 0.000123, 1.5, 999, 12_345, 3_456_789].map(short), ['0', '0.000123', '1.5', '999', '12.3 K', '3.46 M'])
  const one = bars({
    title: 'a <b>',
    unit: 'ms',
    series: ['x'],
    rows: [{ name: 'ours', bars: [{ value: 10, range: [1, 100] }] }],
    made: 'how',
  })
  assert.match(one, /a &lt;b&gt;/)
  // From 1 to 100 the value lies in the middle.
  const [, start, width] = /<rect class="c0" x="(\d+)" y="[\d.]+" width="([\d.]+)" height="14"/.exec(one)
  const [, low, high] = /<line class="range" x1="([\d.]+)" x2="([\d.]+)"/.exec(one)
  assert.ok(Math.abs(Number(start) + Number(width) - (Number(low) + Number(high)) / 2) < 0.2)
  const two = lines({
    title: 't',
    xTitle: 'n',
    yTitle: 'm',
    series: [
      {
        name: 's',
        points: [
          [1, 10],
          [100, 1000],
        ],
      },
    ],
    made: 'how',
  })
  assert.match(two, /<polyline class="c0" points="72,[\d.]+ 830,[\d.]+"\/>/)
  for (const svg of [one, two]) assert.match(svg, /prefers-color-scheme: dark/)
})
