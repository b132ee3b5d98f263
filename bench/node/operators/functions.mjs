// Functions of the operator benches, the same text for every contestant.
import { grind } from '../workers/functions.mjs'

/** A running sum of what its key has seen. */
export async function* sums(events) {
  let sum = 0
  for await (const { value } of events) yield (sum += value)
}

/** Each event `[number, turns]` by itself, so that it does not matter which instance has it. */
export async function* ground(events) {
  for await (const [number, turns] of events) yield grind(number, turns)
}
