// js/durable/harness: what stands between the library and the functions of a durable stream, on whichever thread they run: events are decoded, results encoded, and `ctx`
// offers what a replay needs. Knows nothing of journals: what is to be kept is told over a link.
//
// The words both ends of that link speak, and what a harness starts from.

import type { Checkpoint } from '../journal.js'

/** What a harness starts from; structured clone can copy it. */
export interface HarnessData {
  readonly codec: 'structured' | 'json' | 'binary' | { encode(value: unknown): Uint8Array; decode(bytes: Uint8Array): unknown }
  /** Unix ms of the event taken last, or of the opening. */
  readonly at: number
  /** Where `ctx.random()` stands. */
  readonly random: readonly number[]
  /** Events done before, results yielded before, `ctx.run` begun before. */
  readonly events: number
  readonly results: number
  readonly asked: number
  /** How often each name of `ctx.run` came before. */
  readonly counts: Readonly<Record<string, number>>
  /** Results below this index were given out before, and events below that one had been accepted. */
  readonly delivered: number
  readonly accepted: number
  /** ms that a function may take to call `ctx.run` for a stored outcome, and what happens to its stream otherwise. */
  readonly patience: number
  readonly onDivergence: 'fail' | 'warn'
  /** Outcomes of `ctx.run`, as records. */
  readonly outcomes: readonly Uint8Array[]
  /** With the option `state`: its value as a record, and how often it is saved. */
  readonly state: { readonly bytes: Uint8Array; readonly version: number; readonly events: number; readonly ms: number } | undefined
}

/** To whoever keeps the journal. */
export interface HarnessLink {
  /** Keeps the outcome of a `ctx.run`; settles when it is kept. */
  keep(asked: number, bytes: Uint8Array): Promise<void>
  /** Everything before it is done. */
  checkpoint(checkpoint: Checkpoint): void
  /** The functions have taken all events that had been accepted before. */
  caughtUp(): void
  /** A replay is not the same; `why` names the first difference. */
  diverged(why: string): void
  /** The first function has processed all of them: it asks for the event after. Reported only if there were any. */
  replayed(): void
}

/** What is told of `ctx.state`, beside the state itself, in the bytes of a checkpoint. */
export interface Saved {
  readonly state: unknown
  readonly at: number
  readonly random: readonly number[]
  readonly counts: Readonly<Record<string, number>>
}
