// The kinds of events that are sent to workers. Owns: making them, all distinct (structured clone writes an object it has met in the same
// message as a reference to it), the answers expected, and the digest by which every turn is checked.
import { deepStrictEqual } from 'node:assert/strict'
import { grind } from './functions.mjs'

export const numbers = {
  fn: 'sums',
  make: (n) => Array.from({ length: n }, (_, i) => i * 0.25),
  answers(events) {
    let sum = 0
    return events.map((event) => (sum += event))
  },
  part: (result) => result,
}

export const smallObjects = {
  fn: 'readings',
  make: (n) => Array.from({ length: n }, (_, i) => ({ id: i, value: i * 0.25, name: `sensor-${i % 16}`, ok: i % 3 === 0 })),
  answers(events) {
    let sum = 0
    return events.map((event) => ({ ...event, value: (sum += event.value) }))
  },
  part: (result) => result.id + result.value,
}

export const bytes = (size) => ({
  fn: 'stamped',
  make: (n) => Array.from({ length: n }, (_, i) => new Uint8Array(size).fill(i * 7)),
  answers: (events) =>
    events.map((event, i) => {
      const answer = new Uint8Array(event)
      answer[0] ^= i & 255
      return answer
    }),
  part: (result) => result[0] + result[result.length - 1] + result.length,
})

/** `turns`: what one event costs. */
export const ground = (turns) => ({
  fn: 'ground',
  make: (n) => Array.from({ length: n }, (_, i) => turns + (i & 15)),
  answers(events) {
    let state = 1
    return events.map((event) => (state = grind(state, event)))
  },
  part: (result) => result,
})

/** Folds results in their order into one number, cheap enough to run inside the clock. */
export class Digest {
  results = 0
  sum = 0
  #part

  constructor(part) {
    this.#part = part
  }

  take = (result) => {
    this.results++
    this.sum = (Math.imul(this.sum, 31) + this.#part(result)) | 0
  }

  /** What a turn answers. */
  get answer() {
    return { results: this.results, sum: this.sum }
  }
}

export function digestOf(results, part) {
  const digest = new Digest(part)
  for (const result of results) digest.take(result)
  return digest.answer
}

/**
 * Turns ways of sending `events` (each `(events, take) => promise`) into contestants, having compared every result of each, deeply, with
 * what is expected. Their answers are digests.
 */
export async function checked(kind, events, ways) {
  const answers = kind.answers(events)
  const contestants = {}
  for (const [name, way] of Object.entries(ways)) {
    const results = []
    await way(events, (result) => results.push(result))
    deepStrictEqual(results, answers, `${name} answered wrongly`)
    contestants[name] = async () => {
      const digest = new Digest(kind.part)
      await way(events, digest.take)
      return digest.answer
    }
  }
  return { contestants, expected: digestOf(answers, kind.part) }
}
