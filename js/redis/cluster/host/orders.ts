// What whoever looks after a cluster asks of a worker, as it is told at a beat.

import { pausedOf } from '../names.js'

export interface Orders {
  /** It gives everything back and takes no more. */
  readonly drains: boolean
  /** Entries of sessions, and the workers that shall have them. */
  readonly moves: readonly (readonly [entry: string, to: string])[]
  /** Functions whose sessions get no events for now. */
  readonly paused: readonly string[]
}

export function ordersOf(drains: number, moves: Buffer, paused: Buffer): Orders {
  const words = moves.length === 0 ? [] : String(moves).split(' ')
  const pairs = words.flatMap((entry, at) => (at % 2 === 0 ? [[entry, words[at + 1] as string] as const] : []))
  return { drains: drains === 1, moves: pairs, paused: pausedOf(String(paused)) }
}
