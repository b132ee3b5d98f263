// Whoever sends the events of a journey in a child: it notes what it is going to send, and what was acknowledged.

import { note } from './notes.mjs'
import { eventOf } from './plan.mjs'

/** Sends from event `from` on, then ends the input; throws what a send rejects with. */
export async function write(stream, journey, a, from, dice) {
  const { id, count, bounded } = journey
  const kept = (upto) => note('kept', id, a, upto)
  for (let i = from; i < count; ) {
    const size = Math.min(1 + dice.below(dice.below(4) === 0 ? 12 : 3), count - i)
    const batch = Array.from({ length: size }, (_, at) => eventOf(journey, i + at, a))
    note('tries', id, a, i + size, Date.now())
    const way = dice.below(4)
    if (bounded) {
      try {
        await stream.sendBatch(batch)
      } catch (error) {
        if (error.code !== 'VELO_CHECKPOINT') throw error
        // What was accepted of it is kept; the rest finds room when a state is saved.
        note('refused', id, a)
      }
      kept(stream.position.events)
      if (stream.position.events < i + size) await new Promise(setImmediate)
      i = stream.position.events
      continue
    }
    if (way === 0) {
      for (const event of batch) {
        await stream.send(event)
        kept(event.i + 1)
      }
    } else if (way === 1) {
      await Promise.all(batch.map((event) => stream.send(event).then(() => kept(event.i + 1))))
    } else if (way === 2 || !stream.trySend(batch[0])) {
      await stream.sendBatch(batch)
      kept(i + size)
    } else {
      if (size > 1) await stream.sendBatch(batch.slice(1))
      if (size > 1) kept(i + size)
    }
    i += size
    if (dice.below(6) === 0) await new Promise(setImmediate)
  }
  note('tries', id, a, count + 1, Date.now())
  stream.end()
}

/** What a source gives from event `from` on. */
export async function* source(journey, a, from, dice) {
  note('opened', journey.id, a, from)
  for (let i = from; i < journey.count; i++) {
    note('tries', journey.id, a, i + 1, Date.now())
    if (dice.below(4) === 0) await new Promise(setImmediate)
    yield eventOf(journey, i, a)
  }
  note('tries', journey.id, a, journey.count + 1, Date.now())
}
