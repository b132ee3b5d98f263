// Rule 20: the life of a generator is one table. The one that ARCHITECTURE prints is the one that was generated from Rust, and `moved` goes by it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as law from '../../target/js/engine/border/law.js'
import { moved } from '../../target/js/engine/border/life.js'
import { names, printedNumbers, printedTable } from '../support/architecture.mjs'

const { LIFE_TRIGGERS, Life, LifeTrigger, NEXT_LIFE } = law
const rows = printedTable('### The life of a generator', ['from', 'trigger', 'to'])

describe('the life of a generator', () => {
  test('rule 20: the table is the one that ARCHITECTURE prints', () => {
    const [last] = rows.splice(-1)
    assert.deepEqual(last, ['any', 'anything else', 'illegal'])
    const printed = Object.values(Life).map(() => Object.values(LifeTrigger).map(() => -1))
    for (const [from, input, to] of rows) {
      for (const state of names(from)) {
        for (const one of names(input)) {
          assert.ok(state in Life && one in LifeTrigger && to in Life, `${state} ${one} ${to}`)
          assert.equal(printed[Life[state]][LifeTrigger[one]], -1, `${state} + ${one} is printed twice`)
          printed[Life[state]][LifeTrigger[one]] = Life[to]
        }
      }
    }
    assert.deepEqual(printed.flat(), NEXT_LIFE)
  })

  test('rule 20: its numbers are those that ARCHITECTURE prints', () => {
    assert.deepEqual(printedNumbers('States', Life), Life)
    assert.deepEqual(printedNumbers('Triggers', LifeTrigger), LifeTrigger)
    assert.deepEqual(Object.values(Life), [...Object.values(Life).keys()])
    assert.deepEqual(Object.values(LifeTrigger), [...Object.values(LifeTrigger).keys()])
    assert.equal(LIFE_TRIGGERS, Object.keys(LifeTrigger).length)
  })

  test('rule 20: `moved` goes by the table, and an illegal input is a bug that names both', () => {
    for (const [state, life] of Object.entries(Life)) {
      for (const [name, input] of Object.entries(LifeTrigger)) {
        const next = NEXT_LIFE[life * LIFE_TRIGGERS + input]
        if (next >= 0) assert.equal(moved(life, input), next)
        else assert.throws(() => moved(life, input), { code: 'VELO_BUG', message: new RegExp(`^${name} .* ${state}:`) })
      }
    }
  })
})
