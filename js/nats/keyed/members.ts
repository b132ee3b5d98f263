// Who works on the sessions of a stream: each says so now and then, over a subject that no stream keeps. It decides only how many partitions each takes.

import type { Wire } from '../client/wire.js'

/** Beats that may be missed. */
const MISSED = 3

export class Members {
  readonly #wire: Wire
  readonly #subject: string
  readonly #id: string
  readonly #ms: number
  readonly #heard = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  readonly #listening: { unsubscribe(): void }

  /** `onBeat` is called at each of ours. */
  constructor(wire: Wire, subject: string, id: string, ms: number, onBeat: () => void) {
    this.#wire = wire
    this.#subject = subject
    this.#id = id
    this.#ms = ms
    this.#listening = wire.listen(subject, ({ data }, error) => {
      if (error !== null) return
      const said = Buffer.from(data).toString()
      if (said.startsWith('-')) this.#heard.delete(said.slice(1))
      else if (said !== id) this.#heard.set(said, performance.now())
    })
    this.#timer = setInterval(() => {
      this.#say(id)
      onBeat()
    }, ms)
    this.#say(id)
  }

  /** Who is alive, with us. */
  get count(): number {
    const since = performance.now() - MISSED * this.#ms
    for (const [id, at] of this.#heard) if (at < since) this.#heard.delete(id)
    return this.#heard.size + 1
  }

  end(): void {
    clearInterval(this.#timer)
    this.#say(`-${this.#id}`)
    this.#listening.unsubscribe()
  }

  #say(text: string): void {
    this.#wire.tell(this.#subject, text)
  }
}
