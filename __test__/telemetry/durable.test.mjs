// A durable stream that waits for its journal says so: at its opening, and while an event is on its way there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { durable } from 'velo-stream/durable'
import { MemoryJournal } from '../durable/support/memory-journal.mjs'
import { deferred, until } from '../support/deferred.mjs'

class SlowJournal extends MemoryJournal {
  gate = deferred()

  async open(...given) {
    await this.gate.promise
    return super.open(...given)
  }

  async append(...given) {
    await this.gate.promise
    return super.append(...given)
  }
}

const waitingFor = (id) => runtime.inspect().find((stream) => stream.id === id)?.waitingFor

test('a stream waits for its journal, and then for an event', async () => {
  const journal = new SlowJournal()
  const fn = streamFn(
    async function* kept(events) {
      for await (const event of events) yield event
    },
    { durable: durable(journal) },
  )
  const stream = fn.open({ id: 'kept' })
  const first = stream.recv()
  assert.equal(waitingFor('kept'), 'journal')
  journal.gate.resolve()
  await until(2000, () => waitingFor('kept') === 'event', 'event')
  journal.gate = deferred()
  const sent = stream.send(1)
  await until(2000, () => waitingFor('kept') === 'journal', 'journal')
  journal.gate.resolve()
  await sent
  assert.equal(await first, 1)
  await until(2000, () => waitingFor('kept') === 'event', 'event')
  stream.end()
  await stream.close()
})
