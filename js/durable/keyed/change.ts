// What goes between a partition and the sessions of its keys.

import type { EventRecord } from '../journal.js'
import type { KeySession } from './key-session.js'

/** An event on its way. */
export interface Coming {
  readonly seq: number
  readonly record: EventRecord
  /** As it lies in the server. */
  readonly payload: Uint8Array
  /** Who waits for its results. */
  readonly reply: string | undefined
}

/** A result, as it is stored. */
export interface Given {
  readonly index: number
  readonly event: Coming
  readonly payload: Uint8Array
}

/** Results as they are stored. */
export interface Encoder {
  /** Throws where the function has given something that has no such form. */
  encode(result: Uint8Array): Uint8Array
}

/** What is to be stored in one step. */
export interface Change {
  readonly session: KeySession
  readonly results: readonly Given[]
  readonly state: Buffer
  /** That says nothing but how far it is, and how many results there were. */
  readonly isEmpty: boolean
  /** Events that are done with it. */
  readonly done: readonly Coming[]
  /** Of those, one that was put aside, and why. */
  readonly dead: { readonly event: Coming; readonly error: unknown } | undefined
}

/** Who goes on when something is stored. */
export interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

export interface KeyOwner {
  /** It has something to be stored. */
  changed(session: KeySession): void
  /** These were done before. */
  passed(events: readonly Coming[]): void
  /** It cannot be run here, whatever the events are. */
  unfit(error: unknown): void
}

/** Sessions that are here, and events that are not done. */
export interface Held {
  readonly sessions: number
  readonly events: number
}
