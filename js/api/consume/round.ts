// One instance at work on events of a source: what it yields goes to the sink, and what is done is told. A function that throws ends its round; the events that were not
// done are the business of the next one.

import type { Definition } from '../../engine/definition.js'
import { LiveMode } from '../../engine/modes/live.js'
import type { Progress, Puller } from '../../kit/iteration/pulled.js'
import type { StreamEnd } from '../../kit/types.js'
import { Stream } from '../stream.js'
import type { Joined, Sink } from './contract.js'
import { LowWater } from './low-water.js'

/** Results taken from the stream at a time, and how many wait for the sink before no more are taken. */
const BATCH = 1024
/** Where results and acknowledgements are one step, whole events are stored. After so many results, or ms, without such a moment they are stored in parts. */
const MOST = 16_384
const PATIENCE = 250

export interface RoundOwner {
  readonly sink: Sink<unknown> | undefined
  readonly joined: Joined<unknown> | undefined
  /** Every event before number `upTo` is done; `acked`: and acknowledged. */
  done(upTo: number, acked: boolean): void
  /** So many results were accepted. */
  accepted(results: number): void
}

/** How it ended: events before `upTo` are done, and those before `begun` reached the function. `fatal`: the sink threw. */
export interface RoundEnd {
  readonly reason: StreamEnd['reason']
  readonly upTo: number
  readonly begun: number
  readonly failure: { readonly error: unknown; readonly fatal: boolean } | undefined
}

export class Round implements Puller {
  readonly #owner: RoundOwner
  /** Number of its first event. */
  readonly #base: number
  readonly #stream: Stream<unknown, unknown>
  #progress: Progress | undefined
  readonly #water: LowWater
  /** Results that were read and not accepted. */
  #held: unknown[] = []
  #accepted = 0
  #done = 0
  #isWriting = false
  #onRoom: (() => void) | undefined
  /** Runs while results or acknowledgements wait for a moment between events. */
  #patience: NodeJS.Timeout | undefined
  #isImpatient = false
  #fatal: { error: unknown } | undefined
  /** The function has finished, and so many events were done. */
  #finished: number | undefined
  isOver = false
  readonly ended: Promise<RoundEnd>

  constructor(def: Definition, base: number, owner: RoundOwner) {
    this.#owner = owner
    this.#base = base
    this.#water = new LowWater(def.stages.length, () => void this.#settle())
    this.#stream = new Stream(new LiveMode(def, { harness: this.#water }, this))
    this.ended = this.#drain()
  }

  /** Number of the first event that has not reached the function. */
  get begun(): number {
    return this.#base + (this.#progress?.delivered ?? 0)
  }

  /** Calls `reached` once, when all events before number `upTo` have reached the function. */
  whenBegun(upTo: number, reached: () => void): void {
    const progress = this.#progress as Progress
    progress.milestone = {
      at: upTo - this.#base,
      reached: () => {
        progress.milestone = null
        reached()
      },
    }
    progress.hear()
  }

  /** The function gets no event that has not reached it by now. */
  stop(): void {
    this.#water.stop()
  }

  watch(progress: Progress): void {
    this.#progress = progress
  }

  encode(result: unknown): unknown {
    return result
  }

  holds(): boolean {
    return false
  }

  /** Resolves when they were accepted, or, with false, when nobody takes them any more. */
  async send(events: readonly unknown[]): Promise<boolean> {
    try {
      await this.#stream.sendBatch(events)
      return true
    } catch {
      return false // why is said at its end
    }
  }

  end(): void {
    this.#stream.end()
  }

  abort(reason: unknown): void {
    this.#stream.abort(reason)
  }

  async #drain(): Promise<RoundEnd> {
    const stream = this.#stream
    try {
      for (let results = await stream.recvBatch(BATCH); results.length > 0; results = await stream.recvBatch(BATCH))
        await this.#take(results)
    } catch {
      // Why is said at its end.
    }
    const { reason, error, dropped } = await stream.closed
    const hasFinished = reason === 'done' || reason === 'idle'
    const begun = stream.metrics.eventsIn - dropped.events
    if (hasFinished) this.#finished = begun
    this.#water.flush()
    await this.#flush()
    this.isOver = true
    this.#calm()
    this.#water.close()
    const fatal = this.#fatal
    const failure = fatal !== undefined ? { error: fatal.error, fatal: true } : hasFinished ? undefined : { error, fatal: false }
    return { reason, upTo: this.#base + this.#done, begun: this.#base + begun, failure }
  }

  async #take(results: readonly unknown[]): Promise<void> {
    for (const result of results) this.#held.push(result)
    void this.#settle()
    while (this.#held.length >= (this.#owner.joined === undefined ? BATCH : MOST) && this.#fatal === undefined) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
    }
  }

  /** All that can be stored is. */
  async #flush(): Promise<void> {
    while (this.#isWriting) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve
      })
    }
    await this.#settle()
  }

  /** Stores what is there and tells what is done, until there is no more; one at a time. */
  async #settle(): Promise<void> {
    if (this.#isWriting || this.#fatal !== undefined || this.isOver) return
    this.#isWriting = true
    try {
      if (this.#owner.joined === undefined) await this.#write()
      else await this.#commit(this.#owner.joined)
    } catch (error) {
      this.#fatal = { error }
      this.#held = []
      this.#stream.abort(error)
    } finally {
      this.#isWriting = false
      const onRoom = this.#onRoom
      this.#onRoom = undefined
      onRoom?.()
    }
  }

  async #write(): Promise<void> {
    while (this.#held.length > 0) {
      const results = this.#held
      this.#held = []
      await this.#owner.sink?.write(results)
      this.#accept(results.length)
    }
    const done = this.#finished ?? this.#water.low(this.#accepted)
    if (done > this.#done) this.#tell(done, false)
  }

  /** Results and acknowledgements in one step: whole events, with all that came of them. What a function that always holds some has given is stored in parts. */
  async #commit(joined: Joined<unknown>): Promise<void> {
    for (;;) {
      const read = this.#accepted + this.#held.length
      let { results, events } = this.#water.exact(read) ?? { results: read, events: this.#water.low(read) }
      if (this.#finished !== undefined) [results, events] = [read, this.#finished]
      else if (this.#isImpatient || this.#held.length >= MOST) [results, events] = [read, this.#water.low(read)]
      const count = Math.max(0, results - this.#accepted)
      if (count === 0 && events <= this.#done) return this.#wait(read)
      this.#calm()
      const stored = this.#held.slice(0, count)
      const done = Math.max(events, this.#done)
      await joined.commit(stored, this.#base + done)
      this.#held = this.#held.slice(count)
      this.#accept(count)
      this.#tell(done, true)
    }
  }

  #calm(): void {
    clearTimeout(this.#patience)
    this.#patience = undefined
    this.#isImpatient = false
  }

  /** Something is left that could be stored in parts. */
  #wait(read: number): void {
    if (this.#finished !== undefined || (this.#held.length === 0 && this.#water.low(read) <= this.#done)) return
    this.#patience ??= setTimeout(() => {
      this.#isImpatient = true
      void this.#settle()
    }, PATIENCE)
  }

  #accept(results: number): void {
    this.#accepted += results
    this.#owner.accepted(results)
  }

  #tell(done: number, acked: boolean): void {
    this.#done = done
    this.#owner.done(this.#base + done, acked)
  }
}
