// `consume` over a source of many parts: each is consumed by itself, with instances of its own, and what they share is the sink and the end.

import { silence } from '../../kit/promises.js'
import { Consumption, FINISH, type Plan } from './consumption.js'
import type { Consumed, Part, PartedSource, Sink } from './contract.js'

export interface PartedPlan extends Omit<Plan, 'source'> {
  readonly source: PartedSource<unknown>
}

export class PartedConsumption {
  readonly #plan: PartedPlan
  readonly #sink: Sink<unknown> | undefined
  /** Stops all parts. */
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined
  #sum: Consumed = { received: 0, acked: 0, results: 0, deadLettered: 0 }

  constructor(plan: PartedPlan) {
    this.#plan = plan
    this.#sink = plan.sink && shared(plan.sink)
  }

  async run(): Promise<Consumed> {
    const { signal, source, sink } = this.#plan
    const stop = (): void => this.#stop.abort()
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop)
    try {
      await this.#read()
      await this.#all()
      if (this.#failure !== undefined) throw this.#failure.error
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
      await this.#all()
      await sink?.end?.()
      await source.end?.()
    }
    return { ...this.#sum, deadLettered: source.deadLettered ?? this.#sum.deadLettered }
  }

  /** Gives each part to an instance of its own, until there are no more or nobody wants them. */
  async #read(): Promise<void> {
    const { signal } = this.#stop
    if (signal.aborted) return
    const parts = this.#plan.source.parts()
    const stopped = new Promise<{ done: true; value: undefined }>((resolve) => {
      signal.addEventListener('abort', () => resolve({ done: true, value: undefined }), { once: true })
    })
    for (;;) {
      const next = parts.next()
      silence(next)
      const { done, value } = await Promise.race([next, stopped])
      if (done === true || signal.aborted) break
      const running = this.#consume(value).finally(() => this.#running.delete(running))
      this.#running.add(running)
    }
    // Its reader may be waiting for what never comes: nobody waits for that.
    if (signal.aborted) silence(Promise.resolve(parts.return?.()))
  }

  async #consume(source: Part<unknown>): Promise<void> {
    try {
      const { received, acked, results, deadLettered } = await new Consumption({
        ...this.#plan,
        source,
        sink: this.#sink,
        signal: this.#stop.signal,
      }).run()
      const sum = this.#sum
      this.#sum = {
        received: sum.received + received,
        acked: sum.acked + acked,
        results: sum.results + results,
        deadLettered: sum.deadLettered + deadLettered,
      }
    } catch (error) {
      this.#failure ??= { error }
      this.#stop.abort(FINISH)
    }
  }

  async #all(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}

/** The sink as each part has it: nobody ends it, and writes take turns where they must. */
function shared(sink: Sink<unknown>): Sink<unknown> {
  const joined = (part: unknown) => sink.joined?.(part)
  if (sink.isConcurrent === true) return { write: (results) => sink.write(results), joined }
  let last: Promise<unknown> = Promise.resolve()
  return {
    write(results) {
      const written = last.then(() => sink.write(results))
      last = written.catch(() => {})
      return written
    },
    joined,
  }
}
