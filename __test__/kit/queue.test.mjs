// The one queue of all rooms does what an array does, whatever is done to it, and takes no memory before something waits.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { noQueue, Queue } from '../../target/js/kit/queue.js'

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ name: fc.constant('push'), value: fc.nat(9) }) },
  { weight: 5, arbitrary: fc.constant({ name: 'shift' }) },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('remove'), value: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.constant({ name: 'clear' }) },
)

describe('Queue', () => {
  test('is an array with push and shift, through any steps', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new Queue()
        const model = []
        for (const { name, value } of steps) {
          if (name === 'push') {
            queue.push(value)
            model.push(value)
          } else if (name === 'shift' && model.length > 0) {
            assert.equal(queue.shift(), model.shift())
          } else if (name === 'remove') {
            const at = model.indexOf(value)
            assert.equal(queue.remove(value), at >= 0)
            if (at >= 0) model.splice(at, 1)
          } else if (name === 'clear') {
            assert.equal(queue.clear(), model.length)
            model.length = 0
          }
          assert.equal(queue.length, model.length)
          assert.equal(queue.first(), model[0])
          assert.equal(queue.last(), model.at(-1))
        }
        while (model.length > 0) assert.equal(queue.shift(), model.shift())
      }),
    )
  })

  test('one object stands for every queue that nothing was pushed to', () => {
    assert.equal(noQueue(), noQueue())
    assert.equal(noQueue().length, 0)
    assert.equal(noQueue().first(), undefined)
  })
})
