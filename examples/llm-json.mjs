// JSON out of the answer of a language model, value by value while it is still being written.
// Tokens end where they like: in the middle of a string, between a backslash and its letter, inside \u00eb.
// Text around the values is passed over. The stream function is in support/json-values.mjs.
//
// expect: A-1, 1 item, "says \"leave it {at} the door\""
// expect: A-2, 0 items, "path C:\\temp\\"
// expect: A-3, 2 items, "line one\nline two"
// expect: cut into pieces of 1, 2, 3, 5 and 8 characters: the same 3 values

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { jsonValues, tokens } from './support/json-values.mjs'

async function* keep(tokens) {
  for await (const token of tokens) {
    whole += token
    yield token
  }
}

const recording = createReadStream(new URL('data/answer.sse', import.meta.url))
const values = []
let whole = ''
for await (const value of jsonValues(keep(tokens(recording)))) {
  values.push(value)
  console.log(`${value.order}, ${value.items.length} item${value.items.length === 1 ? '' : 's'}, ${JSON.stringify(value.note)}`)
}

// However the same text is cut, the same values come out.
const sizes = [1, 2, 3, 5, 8]
for (const size of sizes) {
  const pieces = whole.match(new RegExp(`[^]{1,${size}}`, 'g'))
  assert.deepEqual(await jsonValues.run(pieces), values)
}
console.log(`cut into pieces of ${sizes.slice(0, -1).join(', ')} and ${sizes.at(-1)} characters: the same ${values.length} values`)
