// What the changelog says of a partition: the states of its keys, how far it is, and who has it. Read from its beginning to our own fence, which comes last.

import type { Care } from '../../durable/keyed/care.js'
import type { OutgoingLike, RecordLike } from '../client/kafka-like.js'

/** How far a partition is, and whether it kills those who have it. */
export interface Place extends Care {
  /** Offset of the first event that is not done. */
  readonly n: number
  /** The event that was at work alone, and how often. */
  readonly y?: readonly [number, number]
}

interface Fence {
  readonly token: string
  readonly given?: true
}

/** No key of an event begins like this. */
export const RESERVED = '\0'
const FENCE = `${RESERVED}fence`
const PLACE = `${RESERVED}place`
const EMPTY = 'Velo-Empty'

export class Changelog {
  /** By key. They are all in memory: a broker cannot be asked for one key. */
  readonly states = new Map<string, Buffer>()
  /** Keys of which nothing but the last event is kept, and its sequence: that goes once nobody can be given that event again. */
  readonly empty = new Map<string, number>()
  place: Place = { n: 0, x: 0, m: 0 }
  /** Somebody else has it who did not give it back. */
  isHeld = false
  /** This process had it last, and lost it: nothing was killed. */
  isOurs = false
  readonly #token: string
  readonly #known: ReadonlySet<string>

  /** `known`: tokens of this process before. */
  constructor(token: string, known: ReadonlySet<string>) {
    this.#token = token
    this.#known = known
  }

  /** Answers whether that was all of it. */
  read(messages: readonly RecordLike[]): boolean {
    for (const { key, value, headers } of messages) {
      const name = key?.toString() ?? ''
      if (name === FENCE) {
        const { token, given } = JSON.parse(String(value)) as Fence
        if (token === this.#token) return true
        this.isOurs = given !== true && this.#known.has(token)
        this.isHeld = given !== true && !this.isOurs
      } else if (name === PLACE) this.place = JSON.parse(String(value)) as Place
      else if (value === null) this.forget(name)
      else this.keep(name, value, headers?.[EMPTY] === undefined ? undefined : Number(String(headers[EMPTY])))
    }
    return false
  }

  /** The state of a key from now on; `seq`: that it is empty, and the event up to which it is. */
  keep(key: string, state: Buffer, seq: number | undefined): void {
    // It has memory of its own: what it was cut from is not to stay.
    const own = Buffer.allocUnsafeSlow(state.length)
    state.copy(own)
    this.states.set(key, own)
    if (seq === undefined) this.empty.delete(key)
    else this.empty.set(key, seq)
  }

  forget(key: string): void {
    this.states.delete(key)
    this.empty.delete(key)
  }
}

export function fenceMessage(partition: number, token: string, isGiven: boolean): OutgoingLike {
  const fence: Fence = { token, ...(isGiven && { given: true }) }
  return { partition, key: FENCE, value: Buffer.from(JSON.stringify(fence)) }
}

export function placeMessage(partition: number, place: Place): OutgoingLike {
  return { partition, key: PLACE, value: Buffer.from(JSON.stringify(place)) }
}

/** `null`: nothing is kept of the key. */
export function stateMessage(partition: number, key: string, value: Buffer | null): OutgoingLike {
  return { partition, key, value }
}

/** Nothing of its function is kept, only that events up to this one are done. */
export function emptyMessage(partition: number, key: string, value: Buffer, seq: number): OutgoingLike {
  return { partition, key, value, headers: { [EMPTY]: String(seq) } }
}
