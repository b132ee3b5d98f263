// What js/workers/codec/values/shapes.ts knows of the inside of msgpackr, which is why its version is pinned: these fail, each with a sentence, when a version
// to which the pin is moved works in another way.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'

const require = createRequire(import.meta.url)
const { Packr, Unpackr } = require('msgpackr')
const IN_PLACE = 512 | 1024
const COUNT = 70

const objects = Array.from({ length: COUNT }, (_, index) => ({ [`key${index}`]: index, also: true }))

/** A packer as the codec makes it, which has seen every object. */
function packer() {
  const packr = new Packr({ structures: [], maxSharedStructures: COUNT + 1, maxOwnStructures: 0, useToJSON: false })
  const packed = objects.map((object) => {
    const bytes = packr.pack(object, IN_PLACE)
    assert.ok(
      Number.isInteger(bytes.start) && bytes.end > bytes.start,
      'pack(value, 512 | 1024) no longer answers its own buffer with start and end',
    )
    return Buffer.from(bytes.subarray(bytes.start, bytes.end))
  })
  return { packr, packed }
}

describe('msgpackr', () => {
  test('its version is pinned exactly, because its internals are used', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    assert.match(dependencies.msgpackr, /^\d+\.\d+\.\d+$/, 'package.json: msgpackr needs an exact version')
  })

  test('isShared and highByte are the marks of a shape', () => {
    const { packr, packed } = packer()
    const shapes = packr.structures.map((keys) => [...keys])
    const loading = new Unpackr({ getStructures: () => shapes.map((keys) => [...keys]) })
    loading.unpack(packed[0])
    for (const [index, shape] of shapes.entries()) {
      const own = loading.structures[index]
      assert.equal(own.isShared, true, `the unpacker no longer marks shape ${index} with isShared`)
      assert.equal(
        own.highByte,
        index >= 32 ? (index - 32) >> 5 : undefined,
        `the unpacker no longer marks shape ${index} with the highByte that the codec gives it`,
      )
      Object.assign(shape, { isShared: true, ...(index >= 32 && { highByte: (index - 32) >> 5 }) })
    }
    shapes.sharedLength = shapes.length
    const reading = new Unpackr({ structures: shapes, mapsAsObjects: true })
    for (const [index, bytes] of packed.entries()) {
      const seen = reading.unpack(bytes, { start: 0, end: bytes.length })
      assert.deepEqual(seen, objects[index], `the unpacker no longer reads shape ${index} by the marks that the codec gives it`)
    }
  })

  test('the index of keys is structures.transitions, and is made anew where it is null', () => {
    const { packr, packed } = packer()
    assert.equal(typeof packr.structures.transitions, 'object', 'the packer no longer keeps its index of keys in structures.transitions')
    packr.structures.transitions = null
    for (const [index, object] of objects.entries()) {
      const bytes = packr.pack(object, IN_PLACE)
      const again = Buffer.from(bytes.subarray(bytes.start, bytes.end))
      assert.deepEqual(again, packed[index], `without its index of keys the packer no longer finds shape ${index} again`)
    }
    assert.ok(packr.structures.transitions, 'the packer no longer makes its index of keys anew')
    assert.equal(packr.structures.length, COUNT, 'without its index of keys the packer numbers known shapes again')
  })
})
