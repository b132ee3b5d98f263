// The stream functions that run on worker threads, for every contestant the same text, and the answers a plain loop gives.
// Owns: the work. Each function keeps a state and answers in kind.
import { pbkdf2Sync } from 'node:crypto'

/** Numbers: a running sum. */
export async function* sums(events) {
  let sum = 0
  for await (const event of events) yield (sum += event)
}

/** Small objects: a new object with the running sum in it. */
export async function* readings(events) {
  let sum = 0
  for await (const { id, value, name, ok } of events) yield { id, value: (sum += value), name, ok }
}

/** Anything: the same again. */
export async function* echo(events) {
  for await (const event of events) yield event
}

/** Bytes: the same bytes, their first one changed by their place in the stream. The event is a copy, so it may be changed. */
export async function* stamped(events) {
  let place = 0
  for await (const bytes of events) {
    bytes[0] ^= place++ & 255
    yield bytes
  }
}

/**
 * Work that only the processor bounds, in proportion to `turns`. Not written in JavaScript: a loop inlined into an optimized generator takes
 * twice its time, and at which event a thread optimizes its generator is chance.
 */
export function grind(state, turns) {
  return pbkdf2Sync(String(state), 'salt', turns, 4, 'sha256').readInt32LE()
}

/** Numbers: each says how many turns it costs; the state goes through all of them. */
export async function* ground(events) {
  let state = 1
  for await (const turns of events) yield (state = grind(state, turns))
}

/** Numbers: twice as much. A stage of pipes. */
export async function* double(events) {
  for await (const event of events) yield event * 2
}
