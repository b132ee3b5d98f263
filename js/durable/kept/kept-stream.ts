// What is kept of a stream beside its events, in memory: what a commit may say, and what it changes. The same is made of the log when the stream is opened. Owns no connection.

import type { Checkpoint, Commit, Kept, Outcome } from '../journal.js'

/** What a record weighs beside its bytes. */
export const WEIGHT = 16

export class KeptStream {
  /** Index of the first event that is kept. */
  first = 0
  delivered = 0
  hashesFrom = 0
  hashes: number[] = []
  outcomes = new Map<number, Uint8Array>()
  /** How many `ctx.run` had begun before the state. */
  asked = 0
  state: Checkpoint | undefined
  outputsFrom = 0
  outputs: Uint8Array[] = []
  over: Uint8Array | undefined
  /** Of outcomes and outputs. */
  #weight = 0

  /** Of everything in it. */
  get bytes(): number {
    return this.#weight + 4 * this.hashes.length + (this.state?.bytes.length ?? 0) + (this.over?.length ?? 0)
  }

  /** As they were kept. */
  restore(outcomes: readonly Outcome[], outputs: readonly Uint8Array[]): void {
    for (const { asked, bytes } of outcomes) this.#outcome(asked, bytes)
    for (const bytes of outputs) this.#output(bytes)
  }

  /** Why it cannot be kept: `over` is the bytes of it all, events too, where there is a bound. */
  refuses(commit: Commit, bound: { bytes: number; most: number } | undefined): string | undefined {
    const { hashes, outcomes = [], state, outputs, over } = commit
    if (this.over !== undefined && (hashes !== undefined || outcomes.length > 0 || state !== undefined || outputs !== undefined))
      return 'it has ended'
    const fresh = this.#isFresh(state)
    if (hashes !== undefined && hashes.from > this.#hashesNext(fresh)) return `a gap: ${this.#hashesNext(fresh)} is the next`
    const next = this.#outputsNext(commit)
    const puts = outputs !== undefined && (state === undefined || fresh !== undefined)
    if (puts && outputs.from > next) return `a gap: ${next} is the next`
    if (bound === undefined || state !== undefined || over !== undefined) return undefined
    const added = outcomes.filter(({ asked }) => asked >= this.asked && !this.outcomes.has(asked)).map(({ bytes }) => bytes)
    if (puts) added.push(...outputs.values.slice(next - outputs.from))
    const bytes = added.reduce((sum, { length }) => sum + length + WEIGHT, bound.bytes)
    if (added.length > 0 && bytes > bound.most) return `it would keep ${bytes} bytes, and may keep ${bound.most}`
    return undefined
  }

  /** Changes what it says; it was not refused. */
  apply(commit: Commit): void {
    const { delivered = 0, hashes, outcomes = [], state, outputs, over } = commit
    const fresh = this.#isFresh(state)
    const [hashesNext, outputsNext] = [this.#hashesNext(fresh), this.#outputsNext(commit)]
    if (fresh !== undefined) this.#saved(fresh)
    if (hashes !== undefined) for (const hash of hashes.values.subarray(hashesNext - hashes.from)) this.hashes.push(hash)
    for (const { asked, bytes } of outcomes) if (asked >= this.asked && !this.outcomes.has(asked)) this.#outcome(asked, bytes)
    this.deliver(delivered)
    if (outputs !== undefined && (state === undefined || fresh !== undefined)) {
      if (this.outputs.length === 0) this.outputsFrom = outputsNext
      for (const bytes of outputs.values.slice(outputsNext - outputs.from)) this.#output(bytes)
    }
    if (over === undefined) return
    this.hashesFrom += this.hashes.length
    this.hashes = []
    this.outcomes.clear()
    this.state = undefined
    this.outputsFrom = this.delivered
    this.outputs = []
    this.#weight = 0
    this.over = over.bytes
  }

  deliver(to: number): void {
    this.delivered = Math.max(this.delivered, to)
    const gone = Math.min(Math.max(0, this.delivered - this.outputsFrom), this.outputs.length)
    for (const { length } of this.outputs.splice(0, gone)) this.#weight -= length + WEIGHT
    this.outputsFrom += gone
  }

  /** As whoever opens it is told. */
  told(): Pick<Kept, 'first' | 'delivered' | 'hashes' | 'outcomes' | 'state' | 'outputs' | 'over'> {
    return {
      first: this.first,
      delivered: this.delivered,
      hashes: { from: this.hashesFrom, values: Uint32Array.from(this.hashes) },
      outcomes: [...this.outcomes].map(([asked, bytes]): Outcome => ({ asked, bytes })),
      state: this.state,
      outputs: { from: this.outputsFrom, values: [...this.outputs] },
      over: this.over,
    }
  }

  #saved(state: Checkpoint): void {
    this.first = Math.max(this.first, state.events)
    const gone = Math.max(0, state.results - this.hashesFrom)
    this.hashes.splice(0, gone)
    this.hashesFrom += gone
    this.asked = Math.max(this.asked, state.asked)
    for (const [asked, { length }] of this.outcomes) {
      if (asked >= this.asked) continue
      this.outcomes.delete(asked)
      this.#weight -= length + WEIGHT
    }
    this.state = state
  }

  #outcome(asked: number, bytes: Uint8Array): void {
    this.outcomes.set(asked, bytes)
    this.#weight += bytes.length + WEIGHT
  }

  #output(bytes: Uint8Array): void {
    this.outputs.push(bytes)
    this.#weight += bytes.length + WEIGHT
  }

  /** A state that is not older than the one that is kept. */
  #isFresh(state: Checkpoint | undefined): Checkpoint | undefined {
    const kept = this.state
    if (state === undefined || kept === undefined) return state
    for (const count of ['events', 'results', 'asked'] as const)
      if (state[count] !== kept[count]) return state[count] > kept[count] ? state : undefined
    return state
  }

  #hashesNext(fresh: Checkpoint | undefined): number {
    const gone = fresh === undefined ? 0 : Math.max(0, fresh.results - this.hashesFrom)
    return this.hashesFrom + gone + Math.max(0, this.hashes.length - gone)
  }

  #outputsNext({ delivered = 0 }: Commit): number {
    return Math.max(this.outputsFrom + this.outputs.length, this.delivered, delivered)
  }
}
