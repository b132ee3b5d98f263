// The outcomes of `ctx.run` of one stream as records: those stored before, by the step that they belong to, and how a new one is written.

import { VeloError } from '../../kit/errors.js'
import type { Codec } from '../../kit/types.js'
import { decodeRecord, decodeThrown, encodeRecord, encodeThrown } from '../../workers/codec/late-record.js'
import { Kind, type Position, type StoredDelivery } from './delivery-queue.js'
import { type OutcomeRecord, type RecordedPosition, readOutcome, writeOutcome } from './outcome-record.js'

/** Identifies a step among all of its stream. */
export interface StepId {
  /** As `fullName` makes it. */
  readonly name: string
  /** Option `key`. */
  readonly key: string | undefined
  /** Name and key in one. */
  readonly identity: string
  /** How often that name, with that key, was called before. */
  readonly turn: number
}

/** Name and key in one: the name itself without a key. */
export function identityOf(name: string, key: string | undefined): string {
  return key === undefined ? name : `${name.length} ${name}${key}`
}

/** What a step came to: what it returned, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

/** One that was stored before. */
export class StoredOutcome implements StoredDelivery {
  readonly kind = Kind.Outcome
  readonly position: Position | undefined
  readonly record: OutcomeRecord
  /** Another one of the same step: its key came again behind a state that was not saved. */
  later: StoredOutcome | undefined
  /** It was delivered, or skipped. */
  hasPassed = false
  private receiver: ((outcome: Outcome) => void) | undefined
  private readonly codec: Codec

  /** `base`: events before the state that the stream begins with. */
  constructor(record: OutcomeRecord, codec: Codec, base: number) {
    this.record = record
    this.codec = codec
    this.position = record.base === base ? record : undefined
  }

  /** The last one of the same step. */
  get last(): StoredOutcome {
    return this.later?.last ?? this
  }

  get isReady(): boolean {
    return this.receiver !== undefined
  }

  /** The function has called `ctx.run` for it. */
  request(receiver: (outcome: Outcome) => void): void {
    this.receiver = receiver
  }

  deliver(): void {
    this.receiver?.(this.read())
  }

  private read(): Outcome {
    const { thrown, value } = this.record
    try {
      if (thrown !== undefined) return { error: decodeThrown(thrown) }
      return { value: decodeRecord(value as Uint8Array, this.codec) }
    } catch (error) {
      return { error }
    }
  }
}

export class Outcomes {
  readonly #codec: Codec
  /** By identity and turn, without a key and with one. */
  readonly #named = new Map<string, Map<number, StoredOutcome>>()
  readonly #keyed = new Map<string, Map<number, StoredOutcome>>()
  readonly #byStage = new Map<number, StoredOutcome[]>()
  /** How many of each stage were neither delivered nor skipped. */
  readonly #left = new Map<number, number>()

  constructor(codec: Codec, records: readonly Uint8Array[], base: number) {
    this.#codec = codec
    for (const bytes of records) this.#add(new StoredOutcome(readOutcome(bytes), codec, base))
    for (const [stage, stored] of this.#byStage) {
      this.#left.set(stage, stored.length)
      // A store may have written two that were on their way at once in another order. Those of earlier versions have no number, and are older than all others.
      stored.sort((a, b) => a.record.order - b.record.order)
    }
  }

  /** Those of a stage, in the order in which they were recorded. */
  of(stage: number): readonly StoredOutcome[] {
    return this.#byStage.get(stage) ?? []
  }

  /** Whether everything of these stages was delivered. */
  isDone(stages: ReadonlySet<number>): boolean {
    for (const stage of stages) if ((this.#left.get(stage) ?? 0) > 0) return false
    return true
  }

  /** The stored outcome of a step, once. */
  take({ key, identity, turn }: StepId): StoredOutcome | undefined {
    const turns = (key === undefined ? this.#named : this.#keyed).get(identity)
    const stored = turns?.get(turn)
    if (stored?.later !== undefined) turns?.set(turn, stored.later)
    else if (stored !== undefined) turns?.delete(turn)
    return stored
  }

  /** One of those was delivered, or skipped. */
  passed(stored: StoredOutcome): void {
    if (stored.hasPassed) return
    stored.hasPassed = true
    const stage = stageOf(stored.record.name)
    this.#left.set(stage, (this.#left.get(stage) ?? 0) - 1)
  }

  /** The record of a new one, and what the function receives: the same as on a replay. Throws `VELO_CODEC` for a value that cannot be stored. */
  write({ name, key, turn }: StepId, position: RecordedPosition, outcome: Outcome): { bytes: Uint8Array; outcome: Outcome } {
    const isThrown = 'error' in outcome
    const value = isThrown ? undefined : this.#valueOf(name, outcome.value)
    const thrown = isThrown ? encodeThrown(outcome.error) : undefined
    const bytes = writeOutcome({ ...position, name, turn, key, value, thrown })
    return { bytes, outcome: value === undefined ? outcome : { value: decodeRecord(value, this.#codec) } }
  }

  #add(stored: StoredOutcome): void {
    const { name, key, turn } = stored.record
    const identities = key === undefined ? this.#named : this.#keyed
    const turns = entryOf(identities, identityOf(name, key), () => new Map<number, StoredOutcome>())
    const before = turns.get(turn)
    if (before === undefined) turns.set(turn, stored)
    else before.last.later = stored
    entryOf(this.#byStage, stageOf(name), () => []).push(stored)
  }

  #valueOf(name: string, value: unknown): Uint8Array {
    try {
      return encodeRecord(value, this.#codec)
    } catch (cause) {
      const field = `ctx.run('${name}')`
      throw new VeloError('VELO_CODEC', `${field}: what it gave cannot be kept: ${(cause as Error).message}`, { field, cause })
    }
  }
}

const NUMBERED = /^(\d+):/

/** The name under which a step of a stage is stored: those of different stages do not meet, whatever threads they run on. */
export function fullName(stage: number, name: string): string {
  return stage === 0 && !NUMBERED.test(name) ? name : `${stage}:${name}`
}

function stageOf(full: string): number {
  return Number(NUMBERED.exec(full)?.[1] ?? 0)
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const there = map.get(key)
  if (there !== undefined) return there
  const made = make()
  map.set(key, made)
  return made
}
