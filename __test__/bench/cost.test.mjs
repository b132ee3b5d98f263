// The day of the cost model: as many streams as were asked for, as many at once as arithmetic says, and more at the busiest moment.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DAY, dayOf } from '../../bench/node/cost/day.mjs'

test('streams at once are those of a day, spread as it is', () => {
  const flat = dayOf(200_000, 10, 1)
  assert.ok(Math.abs(flat.average - (200_000 * 10) / DAY) < 0.01)
  assert.ok(flat.most > flat.average && flat.most < 4 * flat.average)
  const peaked = dayOf(200_000, 10, 2)
  assert.ok(Math.abs(peaked.average - flat.average) < 0.01)
  assert.ok(peaked.most > 1.5 * flat.average && peaked.most > flat.most)
})

test('the same seed is the same day, and others are others', () => {
  const days = Array.from({ length: 8 }, (_, seed) => dayOf(10_000, 10, 2, seed + 1))
  assert.deepEqual(days[0], dayOf(10_000, 10, 2, 1))
  assert.ok(new Set(days.map(({ most }) => most)).size > 1)
})
