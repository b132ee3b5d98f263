// The screen of `velo top` as a pure function: at 80x24 and 200x50 as the files of screens/ show it, at any other size within its bounds, and what keys make of it.
// `UPDATE_SCREENS=1` writes the files anew: look at what has changed.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { shown } from '../../target/js/cli/top/frame.js'
import { firstOf, pageOf, render } from '../../target/js/cli/top/render.js'
import { beginning, fed, pressed, rowsOf } from '../../target/js/cli/top/state.js'
import { clock, count, fitted, span, widthOf } from '../../target/js/cli/top/units.js'

process.env.TZ = 'UTC'
const AT = Date.UTC(2026, 0, 2, 12, 30, 45)
const ESC = '\u001b'
const EVIL = `evil ${ESC}[2J\u009b\r\n\u202e\ud800`

function stream(id, more = {}) {
  return {
    id,
    function: 'detect',
    stage: 'detect',
    placement: 'local',
    thread: 0,
    state: 'open',
    ageMs: 61_000,
    waitingFor: 'event',
    waitingMs: 1500,
    buffered: { events: 0, results: 0, bytes: 0 },
    eventsIn: 12,
    eventsOut: 11,
    ...more,
  }
}

const STREAMS = [
  stream('upload-1', { waitingFor: 'user code', waitingMs: 754_000, ageMs: 7_320_000 }),
  stream('upload-2', { waitingFor: 'room', waitingMs: 300, buffered: { events: 256, results: 0, bytes: 70_000 }, eventsIn: 1_234_567 }),
  stream(EVIL, { function: `fn ${EVIL}`, lastError: `Error: ${EVIL}`, state: 'closing', placement: 'worker', thread: 3 }),
  stream('\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{540d}\u{524d} with more than there is room for in its column \u{1f680}', {
    waitingFor: 'admission',
    state: 'waiting',
    waitingMs: 90_000_000,
  }),
  ...Array.from({ length: 60 }, (_, at) => stream(`session-${String(at).padStart(3, '0')}`, { waitingMs: 1000 - at })),
]

const totals = {
  streamsOpen: 63,
  streamsWaiting: 1,
  streamsDetached: 0,
  streamsOpened: 123_456,
  streamsRefused: 7,
  closedBy: { done: 100_000, closed: 20_000, idle: 300, aborted: 4, failed: 12 },
  eventsIn: 98_765_432,
  eventsOut: 87_654_321,
  dropped: { events: 3, results: 4 },
  overruns: 0,
  lateErrors: 0,
  eventsBuffered: 256,
  resultsBuffered: 12,
  latency: { p50: 12.4, p95: 1234, p99: 2_345_678, samples: 64 },
  bytesBuffered: 0,
  workerStarts: 2,
  workerLosses: 1,
}
const overview = {
  at: AT,
  process: { pid: 4711, title: 'orders.mjs', node: 'v24.1.0', startedAt: AT - 93_784_000, memory: 123_456_789 },
  totals,
  functions: [],
  workers: [
    { thread: 1, streams: 2, busy: 0.5, startMs: 9 },
    { thread: 2, streams: 0, busy: 0.1, startMs: 9 },
  ],
  journals: [{}],
  clusters: [],
  latencies: { bounds: [10, 1000, 100_000], atMost: [900, 990, 1000], samples: 1000 },
}
const list = { at: AT, total: 64, matching: 64, streams: STREAMS }
const earlier = {
  ...overview,
  at: AT - 2000,
  latencies: { bounds: [10, 1000, 100_000], atMost: [900, 900, 900], samples: 900 },
  totals: { ...totals, eventsIn: totals.eventsIn - 2_468, eventsOut: totals.eventsOut, streamsOpened: 123_446 },
}

const facts = (detail) => ({ overview, list, detail })
const seen = fed(fed(beginning('http://127.0.0.1:8080/admin', 'waitingMs', ''), { ...facts(), overview: earlier }), facts())
/** The state behind some keys. */
const after = (state, ...keys) => keys.reduce((now, key) => pressed(now, keyOf(key), 16).state, state)
const keyOf = (key) => (key.length === 1 ? { sequence: key, name: key } : { name: key })

const change = (at, waitingFor, events) => ({
  at: AT - at,
  state: 'open',
  waitingFor,
  stage: 'detect',
  eventsIn: events,
  eventsOut: events - 1,
})
const opened = after(seen, 'j', 'return')
const detail = {
  at: AT,
  stream: {
    ...STREAMS.find(({ id }) => id === opened.open),
    headers: { authorization: '[redacted]', 'user-agent': EVIL },
    lastError: EVIL,
  },
  changes: Array.from({ length: 60 }, (_, at) => change((60 - at) * 1000, at % 2 === 0 ? 'event' : 'user code', at + 1)),
}
const shownAlone = fed(opened, facts({ id: opened.open, said: detail }))

const cluster = { prefix: 'orders', hosted: 1234, open: 17, takeovers: 2, commits: 12_345, lag: 7, deadLetters: 1, unreplicated: 0 }
const CLUSTERS = [cluster, { ...cluster, prefix: `c ${EVIL}`, commits: 0, lag: 0, deadLetters: 0, takeovers: 0, unreplicated: 3 }]
/** A process that is a part of these clusters, of which the first has committed 50 times a second. */
const clustered = (clusters) =>
  fed(fed(beginning('socket', 'id', ''), { ...facts(), overview: { ...earlier, clusters: [{ ...cluster, commits: 12_245 }] } }), {
    ...facts(),
    overview: { ...overview, clusters },
  })

const SCREENS = {
  list: seen,
  detail: shownAlone,
  over: fed(shownAlone, facts({ id: opened.open, said: undefined })),
  question: after(seen, 'j', 'a'),
  search: after(seen, '/', 'u', 'p'),
  paused: after(seen, 'p', 's', 'r'),
  help: after(seen, '?'),
  clusters: clustered(CLUSTERS),
  'more-clusters': clustered(Array.from({ length: 12 }, (_, at) => ({ ...cluster, prefix: `c${at}` }))),
  lost: { ...seen, lost: 'http://127.0.0.1:8080/admin: ECONNREFUSED' },
  empty: fed(seen, { ...facts(), list: { at: AT, total: 0, matching: 0, streams: [] } }),
  beginning: beginning('http://127.0.0.1:8080/admin', 'waitingMs', ''),
}

const plain = (lines) => lines.map((line) => shown(line, false).trimEnd())

describe('the screen', () => {
  for (const [name, state] of Object.entries(SCREENS)) {
    for (const [width, height] of [
      [80, 24],
      [200, 50],
    ]) {
      test(`${name} at ${width}x${height}`, () => {
        const file = new URL(`./screens/${name}-${width}x${height}.txt`, import.meta.url)
        const text = `${plain(render(state, width, height)).join('\n')}\n`
        if (process.env.UPDATE_SCREENS === '1') writeFileSync(file, text)
        assert.equal(text, readFileSync(file, 'utf8'))
      })
    }
  }

  test('at any size it has so many lines, none wider than the terminal, and nothing that moves a cursor', () => {
    const control = /\p{Cc}|\p{Cf}|\p{Cs}/u
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 250 }),
        fc.integer({ min: 1, max: 80 }),
        fc.constantFrom(...Object.values(SCREENS)),
        (width, height, state) => {
          const lines = render(state, width, height)
          assert.equal(lines.length, height)
          for (const line of lines) {
            const text = shown(line, false)
            assert.ok(widthOf(text) <= width, `${widthOf(text)} of ${width}: ${text}`)
            assert.doesNotMatch(text, control)
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('without colors it has no escape at all, with them they are undone', () => {
    const lines = render(seen, 200, 50)
    assert.ok(!lines.some((line) => shown(line, false).includes(ESC)))
    const colored = lines.map((line) => shown(line, true)).join('\n')
    assert.ok(colored.includes(`${ESC}[31m12m34s${ESC}[39m`))
    const codes = colored
      .split(`${ESC}[`)
      .slice(1)
      .map((text) => Number.parseInt(text, 10))
    const isOff = (code) => [22, 27, 39].includes(code)
    assert.equal(codes.filter(isOff).length, codes.length / 2)
    assert.ok(codes.every((code) => isOff(code) || [1, 2, 7, 31, 32, 33].includes(code)))
  })
})

describe('keys', () => {
  const effectOf = (state, key) => pressed(state, typeof key === 'string' ? keyOf(key) : key, 16).effect

  test('the selection moves, stays with its stream, and is always shown', () => {
    const fifth = after(seen, 'j', 'j', 'j', 'down', 'k', 'down')
    const rows = rowsOf(fifth)
    assert.equal(fifth.selected, rows[4].id)
    // The first ones go: it stands elsewhere, and is the same.
    const fewer = fed(fifth, { ...facts(), list: { ...list, streams: rows.slice(2) } })
    assert.deepEqual([fewer.selected, fewer.position], [rows[4].id, 2])
    // It goes itself: what has taken its place is selected.
    const without = fed(fewer, { ...facts(), list: { ...list, streams: rows.filter(({ id }) => id !== rows[4].id) } })
    assert.equal(without.selected, rowsOf(without)[2].id)
    const last = after(seen, 'G')
    assert.equal(last.selected, rows.at(-1).id)
    // At the top one stays at the top.
    assert.deepEqual([after(seen, 's').position, after(seen, 's').selected], [0, rowsOf(after(seen, 's'))[0].id])
    assert.equal(firstOf(last, 24), rows.length - pageOf(24, seen))
    assert.equal(after(last, 'pageup').position, rows.length - 1 - 16)
    assert.equal(after(last, 'g').position, 0)
    assert.equal(after(beginning('x', 'id', ''), 'j', 'G', 'return', 'a').mode, 'list')
  })

  test('sorting goes round, and the other way', () => {
    assert.deepEqual([after(seen, 's').sort, after(seen, 's').order], ['ageMs', 'desc'])
    assert.deepEqual([after(seen, 'S').sort, after(seen, 'S').order], ['waitingFor', 'asc'])
    assert.equal(after(seen, 's', 'S').sort, 'waitingMs')
    assert.equal(after(seen, 'r').order, 'asc')
    assert.equal(rowsOf(after(seen, 'r'))[0].waitingMs, 300)
    assert.equal(effectOf(seen, 's'), 'fetch')
  })

  test('a search is typed, kept or taken back, and ended', () => {
    const typed = after(seen, '/', ...'upload-2x', 'backspace')
    assert.deepEqual([typed.search, typed.mode, rowsOf(typed).length], ['upload-2', 'search', 1])
    const kept = after(typed, 'return')
    assert.deepEqual([kept.mode, kept.search], ['list', 'upload-2'])
    assert.equal(after(kept, '/', 'q', 'escape').search, 'upload-2')
    assert.equal(after(kept, 'escape').search, '')
    const cleared = pressed(typed, { ctrl: true, name: 'u', sequence: '\u0015' }, 16).state
    assert.equal(cleared.search, '')
    for (const key of [
      { name: 'up', sequence: `${ESC}[A` },
      { sequence: `${ESC}x`, meta: true },
    ])
      assert.equal(pressed(typed, key, 16).state.search, 'upload-2')
    assert.equal(after(typed, ...'x'.repeat(300)).search.length, 200)
  })

  test('only y aborts, and what was asked about, whatever is selected meanwhile', () => {
    const asking = after(seen, 'j', 'a')
    const id = seen.list.streams.length > 0 && asking.asked
    assert.equal(asking.mode, 'question')
    const meanwhile = fed(asking, { ...facts(), list: { ...list, streams: STREAMS.filter((one) => one.id !== id) } })
    assert.notEqual(meanwhile.selected, id)
    assert.deepEqual(effectOf(meanwhile, 'y'), { abort: id })
    for (const key of ['n', 'return', 'escape', 'a', 'q', ' ']) assert.equal(effectOf(asking, key), undefined, key)
    assert.equal(after(asking, 'n').notice.text, 'nothing was aborted')
    assert.equal(after(shownAlone, 'a').asked, shownAlone.open)
  })

  test('one stream alone, and back', () => {
    assert.equal(effectOf(seen, 'return'), 'fetch')
    // It is the same one although the list selects another by now.
    const moved = fed(shownAlone, { ...facts({ id: shownAlone.open, said: detail }), list: { ...list, streams: [] } })
    assert.equal(moved.open, shownAlone.open)
    // An answer about the one that was open before is nobody's.
    assert.equal(fed(opened, facts({ id: 'another', said: detail })).detail, undefined)
    assert.equal(after(shownAlone, 'down', 'down', 'up').scroll, 1)
    assert.equal(after(shownAlone, 'G').scroll, 59)
    assert.deepEqual([after(shownAlone, 'escape').mode, after(shownAlone, 'escape').open], ['list', undefined])
    assert.equal(after(shownAlone, '?', 'x').mode, 'detail')
  })

  test('pause, quit, interrupt and suspend', () => {
    assert.equal(after(seen, 'p').isPaused, true)
    assert.equal(after(seen, ' ', ' ').isPaused, false)
    assert.equal(effectOf(seen, 'q'), 'quit')
    for (const state of Object.values(SCREENS)) {
      assert.equal(effectOf(state, { ctrl: true, name: 'c', sequence: '\u0003' }), 'interrupt')
      assert.equal(effectOf(state, { ctrl: true, name: 'z', sequence: '\u001a' }), 'suspend')
    }
  })

  test('whatever is pressed, it can be shown', () => {
    const names = [
      'up',
      'down',
      'left',
      'right',
      'return',
      'escape',
      'backspace',
      'pageup',
      'pagedown',
      'home',
      'end',
      ...'qsSrpan?/hy gG\u{65e5}',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 40 }), (keys) => {
        const state = after(seen, ...keys)
        assert.equal(render(state, 80, 24).length, 24)
        assert.ok(state.mode === 'detail' || state.selected === undefined || rowsOf(state).length >= 0)
      }),
      { numRuns: 200 },
    )
  })
})

test('numbers, times and texts are as short as their columns', () => {
  const counts = [0, 99_999, 100_000, 999_499, 1_234_567, 999_960_000, 12_345_678_901]
  assert.deepEqual(counts.map(count), ['0', '99999', '100k', '999k', '1.2M', '1.0G', '12.3G'])
  const times = [0, 940, 9_990, 59_400, 59_600, 3_599_000, 3_600_000, 86_399_000, 86_400_000, 99 * 86_400_000, 1e10]
  assert.deepEqual(times.map(span), ['0.0s', '0.9s', '10s', '59s', '1m00s', '59m59s', '1h00m', '23h59m', '1d00h', '99d00h', '115d'])
  for (const number of [...counts, 1e15]) assert.ok(count(number).length <= 6, count(number))
  assert.equal(clock(AT), '12:30:45')
  assert.deepEqual(
    [fitted('abcdef', 4), fitted('ab', 4, true), fitted('\u{65e5}\u{672c}\u{8a9e}', 4), fitted('abc', 0)],
    ['abc~', '  ab', '\u{65e5}~ ', ''],
  )
  assert.deepEqual([widthOf('e\u0301'), widthOf('\u{65e5}\u{672c}'), widthOf('\u{1f680}'), widthOf('abc')], [1, 4, 2, 3])
})
