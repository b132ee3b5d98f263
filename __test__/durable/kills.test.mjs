// Rule 22: processes that are killed with -9 at any moment, over random streams. CI kills for some seconds; `.ci/crashes.mjs` does it a thousand times.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf, journeyOf } from './kills/plan.mjs'
import { crashes, said } from './kills/tester.mjs'
import { Witness } from './kills/witness.mjs'

const SEED = Number(process.env.VELO_SEED ?? 13)

test('what a killed process was told is there, once and in order', { timeout: 120_000 }, async (context) => {
  const done = await crashes({ seed: SEED, kills: 60, lanes: 2, ms: 12_000 })
  context.diagnostic(`seed ${SEED}: ${said(done)}`)
  assert.deepEqual(done.wrongs, [], `again: node .ci/crashes.mjs --kills 60 --seed ${SEED}`)
  assert.ok(done.counts.kills >= 10, said(done))
  for (const what of ['journeys', 'replays', 'events', 'results', 'effects']) assert.ok(done.counts[what] > 0, `${what}: ${said(done)}`)
})

/** A journey of three events, whose sum is made anew by each opening that sends them. */
const journey = { ...journeyOf(1, 0, 0), id: 's0', kind: 'sum', name: 'sum', mode: 'open', tail: false, retained: true, count: 3 }
const value = (i, a) => eventOf(journey, i, a).value
const result = (i, a, total) => [[i, a, total], null]
const [x, y] = [value(0, 1), value(1, 1)]

/** What is wrong with these lines. */
function wrongs(...lines) {
  const found = []
  const witness = new Witness(journey, (text) => found.push(text))
  for (const line of lines) witness.hear(...line)
  witness.judge()
  return found.join('; ')
}

const begun = [
  ['opened', 1, 0, 0, true],
  ['tries', 1, 2, 0],
  ['kept', 1, 2],
  ['took', 1, 0, 1],
  ['got', 1, 0, result(0, 1, x)],
]

test('a witness says nothing where nothing is wrong', () => {
  const told = [
    ['took', 2, 0, 1],
    ['took', 2, 1, 1],
    ['opened', 2, 2, 0, false],
    ['got', 2, 0, result(0, 1, x)],
    ['got', 2, 1, result(1, 1, x + y)],
    ['tries', 2, 4, 0],
    ['got', 2, 2, result(2, 2, x + y + value(2, 2))],
    ['ended', 2, 'done', x + y + value(2, 2)],
  ]
  assert.equal(wrongs(...begun, ...told), '')
})

for (const [what, finds, ...lines] of [
  ['an acknowledged event is lost', /1 events are there, 2 were acknowledged/, ['opened', 2, 1, 0, false]],
  ['the stream is gone', /it is gone/, ['opened', 2, 0, 0, true]],
  ['an event comes from nowhere', /3 events are there, 2 were sent/, ['opened', 2, 3, 0, false]],
  [
    'another event is kept than the one that was',
    /event 0 is that of opening 2, it was that of 1/,
    ['opened', 2, 2, 0, false],
    ['took', 2, 0, 2],
  ],
  ['the function is not given an event', /took event 2 after 0/, ['took', 1, 2, 1]],
  ['a result is passed over', /result 2 is to come next, 1 were seen/, ['opened', 2, 2, 2, false]],
  ['a result comes out of order', /result 2 came, 1 is the next one/, ['got', 1, 2, result(2, 1, 0)]],
  ['a result is another one than before', /result 0 was .* and is/, ['opened', 2, 2, 0, false], ['got', 2, 0, result(0, 1, x + 1)]],
  ['a result is not what follows from its events', /the model says/, ['got', 1, 1, result(1, 1, x + y + 1)]],
  ['a result comes again after its acknowledgement', /1 were said to be delivered/, ['acked', 1, 1], ['opened', 2, 2, 0, false]],
  [
    'a result is given whose event is lost',
    /result 2 was given, and its events are lost/,
    ['got', 1, 1, result(1, 1, x + y)],
    ['tries', 1, 3, 0],
    ['got', 1, 2, result(2, 1, x + y + value(2, 1))],
    ['opened', 2, 2, 0, false],
  ],
  [
    'the function is given an event that is lost',
    /and the function was given event 2/,
    ['took', 1, 1, 1],
    ['took', 1, 2, 1],
    ['opened', 2, 2, 0, false],
  ],
  [
    'an effect is done again',
    /done again, after it was told/,
    ['did', 1, 'k', '1/k/1'],
    ['told', 1, 'k', '1/k/1'],
    ['did', 2, 'k', '2/k/1'],
  ],
  [
    'an effect has another outcome than before',
    /after 1\/k\/1 was told/,
    ['did', 1, 'k', '1/k/1'],
    ['did', 1, 'k', '1/k/2'],
    ['told', 1, 'k', '1/k/1'],
    ['told', 2, 'k', '1/k/2'],
  ],
  ['an outcome was never done', /which was never done/, ['told', 1, 'k', '1/k/1']],
  ['it ends without all its results', /it gave 1 results, the model says 3/, ['tries', 1, 4, 0], ['ended', 1, 'done', x + y + value(2, 1)]],
  ['it ends with another value', /it ended with \["done",-1/, ['tries', 1, 4, 0], ['ended', 1, 'done', -1]],
]) {
  test(`a witness finds that ${what}`, () => {
    assert.match(wrongs(...begun, ...lines), finds)
  })
}
