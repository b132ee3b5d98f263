// Requests for the messages of one partition. The server gives them to whoever is pinned, and whoever asks while nobody is, becomes that: which is no promise, so what is done with them is
// fenced elsewhere. A pin goes when its holder does not ask for a while.

import type { NatsMessageLike, Wire } from '../client/wire.js'
import { GROUP } from './layout.js'

export interface PinOwner {
  /** A message; `pin` says as whose it came. */
  arrived(message: NatsMessageLike, pin: string): void
  /** Somebody else is pinned, as the server says. */
  unpinned(): void
  /** How many messages there is room for. */
  readonly room: number
}

/** ms for which a request may be silent after its time. */
const LATE = 1000
/** ms until the next request after one that was refused. */
const PAUSE = 100

export class Pin {
  readonly #wire: Wire
  readonly #subject: string
  readonly #ms: number
  readonly #owner: PinOwner
  readonly #unwatch: () => void
  #inbox = ''
  #listening: { unsubscribe(): void } | undefined
  #timer: NodeJS.Timeout | undefined
  #isAsking = false
  /** Messages that the request may still bring. */
  #left = 0
  #id: string | undefined

  /** `ms`: how long a request waits; less than a pin lasts. */
  constructor(wire: Wire, subject: string, ms: number, owner: PinOwner) {
    this.#wire = wire
    this.#subject = subject
    this.#ms = ms
    this.#owner = owner
    this.#unwatch = wire.watch(() => {
      if (this.#isAsking) this.#ask()
    })
  }

  get isAsking(): boolean {
    return this.#isAsking
  }

  start(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#ask()
  }

  /** No more is asked for; what is on its way may still come to nobody. */
  stop(): void {
    this.#isAsking = false
    this.forget()
    clearTimeout(this.#timer)
    this.#listening?.unsubscribe()
    this.#listening = undefined
  }

  end(): void {
    this.stop()
    this.#unwatch()
  }

  /** It is asked for as by anybody. */
  forget(): void {
    this.#id = undefined
  }

  #ask(): void {
    // An inbox for each request: an answer to one that was given up says nothing of the next.
    this.#listening?.unsubscribe()
    this.#listening = undefined
    clearTimeout(this.#timer)
    const inbox = this.#wire.inbox()
    this.#inbox = inbox
    try {
      this.#listening = this.#wire.listen(inbox, (message, error) => {
        if (this.#inbox !== inbox || !this.#isAsking) return
        if (error === null) this.#heard(message)
        else this.#again(PAUSE)
      })
    } catch {
      // The connection is closed, or about to be: what was had is somebody else's by and by.
      this.stop()
      return this.#owner.unpinned()
    }
    const ns = Math.round(this.#ms) * 1e6
    this.#left = Math.max(1, this.#owner.room)
    const body = { batch: this.#left, expires: ns, group: GROUP, ...(this.#id !== undefined && { id: this.#id }) }
    this.#wire.tell(this.#subject, JSON.stringify(body), { reply: inbox })
    this.#timer = setTimeout(() => this.#ask(), this.#ms + LATE)
  }

  #heard(message: NatsMessageLike): void {
    const { code, description } = message.headers ?? { code: 0, description: '' }
    if (code === 0) {
      const pin = message.headers?.values('Nats-Pin-Id')[0] ?? ''
      this.#id = pin
      this.#left--
      this.#owner.arrived(message, pin)
      if (this.#left === 0 && this.#isAsking) this.#ask()
      return
    }
    if (code === 423) {
      this.#id = undefined
      this.#owner.unpinned()
    }
    if (code === 408 || (code === 409 && /completed/i.test(description))) this.#ask()
    else if (code !== 100) this.#again(PAUSE)
  }

  #again(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#ask(), ms)
  }
}
