// Rule 22: a send that is refused says nothing about its event, which may be kept all the same: what is sent afterwards is behind it then, and never lost in its place.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamFn, VeloError } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { MemoryJournal, newShelf } from './support/memory-journal.mjs'

/** Appends, and says that it did not: as a disk that wrote everything and then failed. `isDeaf`: nothing can be read either. */
class Unsure extends MemoryJournal {
  lies = 0
  isDeaf = false

  async append(...given) {
    if (this.isDeaf) throw new VeloError('VELO_CHECKPOINT', 'the disk does not answer')
    await super.append(...given)
    if (this.lies-- > 0) throw new VeloError('VELO_CHECKPOINT', 'the disk failed')
  }

  async read(...given) {
    if (this.isDeaf) throw new VeloError('VELO_CHECKPOINT', 'the disk does not answer')
    return super.read(...given)
  }
}

async function* echo(events) {
  for await (const event of events) yield event
}

const refused = { code: 'VELO_CHECKPOINT' }

/** A stream in its first life, and what the next one gives. */
function living(id, buffer = 16) {
  const shelf = newShelf()
  const journal = new Unsure({ shelf })
  const open = (kept) => streamFn(echo, { name: 'echo', durable: durable(kept), buffer }).open({ id })
  const later = async () => {
    const stream = open(new MemoryJournal({ shelf }))
    await stream.resumed
    const { events, results: read } = stream.position
    const results = []
    while (read + results.length < events) results.push(await within(5000, stream.recv()))
    stream.abort()
    await stream.closed
    return results
  }
  return { journal, stream: open(journal), later }
}

test('an event that is kept although its send was refused is in its place', async () => {
  const { journal, stream, later } = living('one')
  await stream.send('one')
  journal.lies = 1
  await assert.rejects(stream.send('two'), refused)
  await stream.send('three')
  const results = [await stream.recv(), await within(5000, stream.recv()), await within(5000, stream.recv())]
  assert.deepEqual(stream.position, { events: 3, results: 3 })
  await stream.close()
  assert.deepEqual(results, ['one', 'two', 'three'])
  assert.deepEqual(await later(), ['three'])
})

test('so are several that were under way together, and those that wait behind them', async () => {
  const { journal, stream, later } = living('several', 4)
  await stream.resumed
  journal.lies = 2
  const sends = ['a', 'b', 'c'].map((event) => stream.send(event))
  const batch = stream.sendBatch(['d', 'e', 'f', 'g', 'h'])
  const settled = await within(5000, Promise.allSettled([...sends, batch]))
  assert.equal(settled[0].status, 'rejected')
  const kept = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].slice(0, stream.position.events)
  await stream.send('last')
  assert.equal(stream.position.events, kept.length + 1)
  await stream.close()
  assert.deepEqual(await later(), [...kept, 'last'])
})

test('while the journal does not say what is kept, sends are refused, and trySend takes nothing', async () => {
  const { journal, stream, later } = living('deaf')
  await stream.resumed
  journal.lies = 1
  const first = stream.send('one')
  await turns(1)
  journal.isDeaf = true
  await assert.rejects(first, refused)
  await assert.rejects(within(5000, stream.send('two')), refused)
  assert.equal(stream.trySend('three'), false)
  await assert.rejects(within(5000, stream.send('four')), refused)
  journal.isDeaf = false
  await within(5000, stream.send('five'))
  assert.deepEqual([await stream.recv(), await stream.recv()], ['one', 'five'])
  await stream.close()
  assert.deepEqual(await later(), ['five'])
})

noUnhandledRejections('durable streams whose sends are refused')
