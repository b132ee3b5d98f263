// One journey in a child, from its opening as far as it comes: to its end, or to a `close()` after which it is opened again.

import { build } from './build.mjs'
import { note } from './notes.mjs'
import { diceOf } from './plan.mjs'
import { read } from './reader.mjs'
import { source, write } from './writer.mjs'

/** A child opens one stream so often at most. */
const OPENINGS = 8

/** Works on a journey in life `life` of its folder. `isQuiet`: it is to come to its end. */
export async function work(journey, life, { isQuiet, ...world }) {
  for (let opening = 0; ; opening++) {
    const a = life * OPENINGS + opening
    const dice = diceOf(journey.seed, a, 2)
    const fn = build(journey, a, { ...world, dice })
    const mayLeave = !isQuiet && opening < OPENINGS - 1 && dice.below(3) === 0
    if (await ways[journey.mode](fn, journey, a, dice, mayLeave)) return
  }
}

/** Each lives one opening, and tells whether the journey is over. */
const ways = {
  async open(fn, journey, a, dice, mayLeave) {
    const { id } = journey
    const stream = fn.open({ id })
    const resumed = await stream.resumed
    const { events, results } = stream.position
    note('opened', id, a, events, results, resumed === null)
    const now = { isRead: false, isLeaving: false }
    const reading = read(stream, journey, a, dice).finally(() => (now.isRead = true))
    const written = write(stream, journey, a, events, dice).catch((error) => {
      // A function that has ended, or has been closed, takes nothing more.
      if (!now.isLeaving && error.code !== 'VELO_CLOSED' && error.code !== 'VELO_ENDED') note('wrong', id, `send: ${error.stack}`)
    })
    const leaving = mayLeave ? leave(stream, journey, a, dice, now) : undefined
    const [{ reason: failure }] = await Promise.allSettled([reading, written, leaving])
    if (now.isLeaving) {
      note('left', id, a)
      return journey.mortal
    }
    const { reason, value, error } = await stream.closed
    if (failure !== undefined && failure.message !== error?.message) note('wrong', id, `read: ${failure.stack}`)
    note('ended', id, a, reason, value, ownError(error)?.message)
    if (ownError(error) !== error) await fn.discard(id)
    return true
  },

  async run(fn, journey, a, dice) {
    const { id } = journey
    try {
      note('ran', id, a, await fn.run((from) => source(journey, a, from, dice), { id }))
    } catch (error) {
      note('ended', id, a, 'failed', undefined, ownError(error).message)
      if (ownError(error) !== error) await fn.discard(id)
    }
    return true
  },

  async call(fn, journey, a, dice, mayLeave) {
    const { id } = journey
    for await (const result of fn((from) => source(journey, a, from, dice), { id })) {
      const [[index]] = result
      note('got', id, a, index, result)
      if (!mayLeave || dice.below(6) > 0) continue
      note('leaves', id, a)
      return false
    }
    note('ended', id, a)
    return true
  },
}

/**
 * What the function threw. Its process may have been killed before the journal stored that: then its failure is taken for that of another function, and the
 * stream is retained.
 */
function ownError(error) {
  return error?.code === 'VELO_CHECKPOINT' ? (error.cause ?? error) : error
}

/** Closes or aborts the stream at some time. */
async function leave(stream, { id, mortal }, a, dice, now) {
  for (let turns = dice.below(60); turns > 0; turns--) await new Promise(setImmediate)
  if (now.isRead) return
  now.isLeaving = true
  if (!mortal) return stream.close()
  note('aborts', id, a)
  stream.abort('enough')
  await stream.closed
}
