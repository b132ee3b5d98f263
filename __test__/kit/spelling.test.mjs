// What a name that nobody knows was meant to be.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn } from 'velo-stream'
import { keyed } from 'velo-stream/operators'

async function* same(events) {
  for await (const event of events) yield event
}

const refused = (call) => {
  try {
    call()
  } catch (error) {
    assert.equal(error.code, 'VELO_CONFIG')
    return error.message
  }
  return assert.fail('it was accepted')
}

test('a letter that is missing, too many, changed or swapped, and capitals', () => {
  for (const name of ['bufer', 'bufffer', 'buffar', 'bfufer', 'Buffer', 'BUFER'])
    assert.match(
      refused(() => streamFn(same, { [name]: 1 })),
      new RegExp(`^streamFn\\(options\\)\\.${name}: unknown option '${name}' \\(did you mean 'buffer'\\?\\), expected one of`),
    )
  assert.match(
    refused(() => streamFn(same, { maxConcurent: 1 })),
    /did you mean 'maxConcurrent'\?/,
  )
  assert.match(
    refused(() => keyed(same, { by: 'a', maxkeys: 1 })),
    /keyed\(options\)\.maxkeys: unknown option 'maxkeys' \(did you mean 'maxKeys'\?\)/,
  )
  assert.match(
    refused(() => streamFn(same).with({ closeTimout: 1 })),
    /did you mean 'closeTimeout'\?/,
  )
})

test('nothing is guessed where nothing is near', () => {
  for (const name of ['x', 'id', 'concurrency', 'highWaterMark', '__proto', 'constructor', 'toString'])
    assert.match(
      refused(() => streamFn(same, { [name]: 1 })),
      new RegExp(`unknown option '${name}', expected one of name, buffer`),
    )
})
