// The estimate of what JSON takes once it is parsed: at least half of what it takes, about the same however its bytes are cut, and no less if some chunks were skipped.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MOST, ParsedSize } from '../../target/js/kit/bytes/parsed-size.js'
import { values } from '../server/flood/bodies.mjs'

function textOf(value, bytes = 1 << 20) {
  const parts = []
  for (let [i, length] = [0, 0]; length < bytes; i++) {
    parts.push(value(i))
    length += parts.at(-1).length + 1
  }
  return `[${parts.join(',')}]`
}

function heap() {
  for (let i = 0; i < 3; i++) globalThis.gc()
  return process.memoryUsage().heapUsed
}

for (const [name, value] of Object.entries({ ...values, 'characters beyond Latin-1': () => `"\u20ac${'a'.repeat(200)}"` }))
  test(`of ${name} it is at least half of what they take, and at most ${MOST} times the text`, () => {
    const bytes = Buffer.from(textOf(value))
    const before = heap()
    const parsed = JSON.parse(bytes.toString())
    const taken = heap() - before
    const size = new ParsedSize().add(bytes)
    assert.ok(size > taken / 2, `${size} for ${taken}`)
    assert.ok(size <= MOST * bytes.length, `${size} for ${bytes.length} bytes`)
    assert.ok(parsed.length > 0)
  })

test('a long string counts little more than its length', () => {
  const size = new ParsedSize().add(Buffer.from(`"${'x'.repeat(1_000_000)}"`))
  assert.ok(size > 1_000_000 && size < 1_000_100, `${size}`)
})

test('what is within a string counts as text, whatever is escaped in it', () => {
  const scan = (text) => new ParsedSize().add(Buffer.from(text))
  for (const text of ['"{{{{"', '"\\"{{{{"', '"\\\\"', `"${'x'.repeat(100)}\\"{{{{"`]) assert.ok(scan(text) < 24 + 2 * text.length, text)
  assert.ok(scan(`"${'x'.repeat(100)}\\\\"{}{}`) > 250 - 24)
  // A line that is no JSON does not hide the lines behind it.
  assert.ok(scan(`"\n${'{}'.repeat(10)}`) > 600)
  assert.ok(scan(`"${'x'.repeat(200)}\n${'{}'.repeat(10)}`) > 800)
})

test('the sum is about the same however the text is cut, and after a skipped chunk it is no less', () => {
  const value = fc.jsonValue().map((json) => JSON.stringify(json))
  fc.assert(
    fc.property(fc.array(value), fc.array(fc.nat(300)), fc.nat(400), (texts, cuts, skipped) => {
      const bytes = Buffer.from(texts.join('\n'))
      const whole = new ParsedSize().add(bytes)
      const sum = new ParsedSize()
      let [at, total] = [0, 0]
      for (const length of [...cuts, bytes.length]) {
        total += sum.add(bytes.subarray(at, at + length))
        at += length
      }
      // In which part of a string is the character that makes it two bytes each depends on the cuts.
      assert.ok(Math.abs(total - whole) <= bytes.length, `${total} for ${whole}`)
      const [before, after] = [bytes.subarray(0, skipped), bytes.subarray(skipped)]
      const cut = new ParsedSize()
      const first = new ParsedSize().add(before)
      cut.skip()
      assert.ok(first + cut.add(after) >= whole - bytes.length)
    }),
  )
})
