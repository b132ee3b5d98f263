// The outcomes of `ctx.run` of one stream: those kept before, found by name and how often that name came, and how a new one is written.

import { VeloError } from '../../kit/errors.js'
import type { Codec } from '../../kit/types.js'
import { decodeRecord, decodeThrown, encodeRecord, encodeThrown } from '../../workers/codec/late-record.js'

/** What a record of an outcome holds: the value itself is a record in it, as the codec of the stream function writes it. */
interface Written {
  readonly name: string
  readonly turn: number
  readonly value?: Uint8Array
  readonly thrown?: string
}

/** The outcome of a `ctx.run`: what it gave, or what it threw. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown }

export class Outcomes {
  readonly #codec: Codec
  readonly #kept = new Map<string, Written>()
  /** How many of each stage were not asked for yet. */
  readonly #left = new Map<number, number>()

  constructor(codec: Codec, records: readonly Uint8Array[]) {
    this.#codec = codec
    for (const record of records) {
      const written = decodeRecord(record, 'structured') as Written
      this.#kept.set(key(written.name, written.turn), written)
      this.#count(written.name, 1)
    }
  }

  /** Whether these stages have asked for all of theirs. */
  isDone(stages: ReadonlySet<number>): boolean {
    for (const stage of stages) if ((this.#left.get(stage) ?? 0) > 0) return false
    return true
  }

  /** Gives out the one that is kept, once. */
  take(name: string, turn: number): Outcome | undefined {
    const place = key(name, turn)
    const written = this.#kept.get(place)
    if (written === undefined) return undefined
    this.#kept.delete(place)
    this.#count(name, -1)
    if (written.thrown !== undefined) return { error: decodeThrown(written.thrown) }
    return { value: decodeRecord(written.value as Uint8Array, this.#codec) }
  }

  /** The record of a new one, and what the function gets: the same as on a replay. Throws `VELO_CODEC` for a value that cannot be kept. */
  write(name: string, turn: number, outcome: Outcome): { bytes: Uint8Array; value: unknown } {
    if ('error' in outcome)
      return { bytes: encodeRecord({ name, turn, thrown: encodeThrown(outcome.error) }, 'structured'), value: undefined }
    const value = this.#valueOf(name, outcome.value)
    return { bytes: encodeRecord({ name, turn, value }, 'structured'), value: decodeRecord(value, this.#codec) }
  }

  #count(name: string, change: number): void {
    const stage = stageOf(name)
    this.#left.set(stage, (this.#left.get(stage) ?? 0) + change)
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

/** The name by which a stage asks: those of different stages do not meet, whatever threads they run on. */
export function fullName(stage: number, name: string): string {
  return stage === 0 && !NUMBERED.test(name) ? name : `${stage}:${name}`
}

function stageOf(full: string): number {
  return Number(NUMBERED.exec(full)?.[1] ?? 0)
}

function key(name: string, turn: number): string {
  return `${turn} ${name}`
}
