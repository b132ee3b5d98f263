// The rules have numbers that tests and comments cite: every number that is cited is a rule of docs/rules.md, and every rule has a text of its own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, text } from '../support/sources.mjs'

const page = text('docs/rules.md')
const sections = page.split(/^## /m).slice(1)
const rules = new Map(sections.map((section) => [Number(/^(\d+)\. ./.exec(section)?.[1]), section]))

/** The numbers in "rule 13", "rules 5, 7 and 8", "rules 1 to 19" and "rule-13-idle". */
function cited(words) {
  return [...words.matchAll(/\brules?[ -](\d+(?:(?:, | and | to )\d+)*)/gi)].flatMap(([, list]) =>
    list.split(/, | and /).flatMap((part) => {
      const [first, last = first] = part.split(' to ').map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    }),
  )
}

test('citations are found in the forms they have', () => {
  assert.deepEqual(cited('rule 3: no loss. Rules 5, 7 and 8, rules 1 to 3; rule-09-drain, a ruler 4'), [3, 5, 7, 8, 1, 2, 3, 9])
})

test('the rules are in the order of their numbers, the first 25 without a gap', () => {
  const numbers = [...rules.keys()]
  assert.equal(numbers.length, sections.length)
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  )
  assert.equal(numbers[24], 25)
})

test('later rules are named by the tests that hold them', () => {
  const tests = files(/^__test__\/.*\.test\.mjs$/).map(text)
  for (const number of rules.keys())
    if (number > 25)
      assert.ok(
        tests.some((test) => new RegExp(`\\btest\\(['"\`]rule ${number}: `).test(test)),
        `rule ${number}`,
      )
})

test('every rule says more than its name', () => {
  for (const [number, section] of rules) assert.ok(section.split('\n').slice(1).join('').trim().length > 80, `rule ${number}`)
})

test('every rule that is cited is one of docs/rules.md', () => {
  const citing = files(/^(__test__|js|crates|bench|examples|docs|\.ci)\/.*\.(ts|mjs|js|rs|md)$|^[A-Z]+\.md$/)
  const unknown = citing.flatMap((name) =>
    [...cited(name), ...cited(text(name))].filter((number) => !rules.has(number)).map((number) => `${name} cites rule ${number}`),
  )
  assert.deepEqual(unknown, [])
})

test('rules 1 to 20 have tests named after them', () => {
  const tested = new Set(files(/^__test__\/behavior\/rule-\d+-[\w-]+\.test\.mjs$/).map((name) => Number(/rule-(\d+)/.exec(name)[1])))
  assert.deepEqual(
    [...tested].sort((a, b) => a - b),
    [...rules.keys()].filter((number) => number <= 20),
  )
})
