// Large and shared buffers on the port between two threads: how many messages they take, and that each arrives once, whole, and where it belongs.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import { Transfers } from '../../target/js/workers/wire/transfers.js'

/** Whether a buffer can be taken away without a message: from Node 22 on. */
const TAKES = typeof ArrayBuffer.prototype.transfer === 'function'
const LENGTH = 65_536

const ports = []
after(() => {
  for (const port of ports) port.close()
})

/** Both sides of a channel. */
function sides() {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  return { from: new Transfers(port1), to: new Transfers(port2), port: port2 }
}

const marked = (mark) => new Uint8Array(LENGTH).fill(mark).buffer
const markOf = (buffer) => new Uint8Array(buffer)[LENGTH - 1]
const messagesOn = (port) => {
  let count = 0
  while (receiveMessageOnPort(port) !== undefined) count++
  return count
}

describe('buffers that are given away', () => {
  test('are detached at once, one by one', () => {
    const { from } = sides()
    const sender = from.sender(1)
    for (let mark = 0; mark < 3; mark++) {
      const buffer = marked(mark)
      assert.equal(sender.send([buffer], false), mark)
      assert.equal(buffer.byteLength, 0)
    }
  })

  test('go in one message where they can be taken away without one', () => {
    const { from, port } = sides()
    const sender = from.sender(1)
    for (let mark = 0; mark < 8; mark++) sender.send([marked(mark)], false)
    sender.flush()
    assert.equal(messagesOn(port), TAKES ? 1 : 8)
  })

  test('are copied if they cannot be moved', () => {
    const { from, to } = sides()
    const sender = from.sender(1)
    const [free, bound] = [marked(2), new WebAssembly.Memory({ initial: 1 }).buffer]
    new Uint8Array(bound).fill(5)
    const sent = [[marked(1)], [free, bound], [bound], [marked(3)]].map((buffers) => sender.send(buffers, false))
    sender.flush()
    assert.deepEqual(sent, [0, 1, 3, 4])
    assert.deepEqual([free.byteLength, bound.byteLength], [0, LENGTH])
    const receiver = to.receiver(1)
    assert.deepEqual(
      [0, 1, 2, 3, 4].map((index) => markOf(receiver.receive(index))),
      [1, 2, 5, 5, 3],
    )
  })
})

test('copies go in one message', () => {
  const { from, port } = sides()
  const sender = from.sender(1)
  for (let mark = 0; mark < 8; mark++) sender.send([marked(mark), new SharedArrayBuffer(8)], true)
  sender.flush()
  sender.flush()
  assert.equal(messagesOn(port), 1)
})

test('those of several ducts arrive where they belong, in any order, each once', () => {
  const { from, to } = sides()
  const shared = new SharedArrayBuffer(8)
  const senders = [1, 2, 3].map((duct) => from.sender(duct))
  const say = (at, mark, own = false) => senders[at].send([marked(mark)], own)
  say(0, 10)
  say(1, 20)
  senders[1].flush()
  say(0, 11, true)
  say(0, 12)
  senders[0].flush()
  senders[2].send([marked(30), shared, marked(31)], false)
  say(2, 32)
  for (const sender of senders) sender.flush()
  say(2, 33)
  senders[2].flush()
  const [first, second, third] = [1, 2, 3].map((duct) => to.receiver(duct))
  assert.deepEqual(
    [markOf(third.receive(3)), markOf(third.receive(0)), markOf(third.receive(2)), markOf(third.receive(4))],
    [32, 30, 31, 33],
  )
  assert.ok(third.receive(1) instanceof SharedArrayBuffer)
  assert.deepEqual([markOf(first.receive(2)), markOf(first.receive(0)), markOf(first.receive(1))], [12, 10, 11])
  assert.equal(markOf(second.receive(0)), 20)
  assert.equal(third.bytes, 4 * LENGTH)
  assert.throws(() => second.receive(0), /did not arrive/)
})

test('what comes for a duct that is forgotten is dropped, and the others get theirs', () => {
  const { from, to } = sides()
  const [one, other] = [from.sender(1), from.sender(2)]
  to.receiver(1)
  const kept = to.receiver(2)
  to.forget(1)
  for (const sender of [one, one, other, one, other]) {
    sender.send([marked(7)], false)
    sender.flush()
  }
  assert.deepEqual([markOf(kept.receive(0)), markOf(kept.receive(1))], [7, 7])
})
