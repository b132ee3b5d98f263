// Turns of suspect sessions: while one of them has its turn, the other sessions of this process get no events, so that a death is its fault or not. Owns who has the turn; not
// which sessions are suspect, and what they execute.

import { setTimeout as after } from 'node:timers/promises'

/** The chance of one suspect session to execute its events alone. */
export interface Turn {
  /** No other session of this process executes an event. */
  readonly isAlone: boolean
  /** Called once the turn took too long; resolves when the server knows that the session is not alone any more. */
  onLate: () => Promise<unknown>
  /** Called when the session is proven innocent, or has left this process. */
  end(): void
}

interface Waiting {
  readonly tag: string
  readonly deaths: number
  readonly begin: (turn: Turn) => void
}

/** ms between two turns, in which all sessions get events: at least, and as long as the last turn. */
const BETWEEN = 20
/** ms of a turn, doubled with each death: many slow sessions that died together must not hold each other up. */
const SHORTEST = 100
/** ms between two checks whether the others have finished what they execute. */
const CHECKS = 5

export class Quarantine {
  readonly #longest: number
  readonly #isQuiet: () => boolean
  readonly #waiting: Waiting[] = []
  /** The session that has its turn, and what the others wait for. */
  #current: { readonly tag: string; readonly over: Promise<void> } | undefined
  #isChoosing = false

  /** No turn takes longer than `longest` ms. `isQuiet`: no session of this process executes an event. */
  constructor(longest: number, isQuiet: () => boolean) {
    this.#longest = longest
    this.#isQuiet = isQuiet
  }

  /** What a session has to wait for before it gets its next event. */
  holds(tag: string): Promise<void> | undefined {
    return this.#current === undefined || this.#current.tag === tag ? undefined : this.#current.over
  }

  /** Resolves when the session has its turn: those with the fewest deaths come first. */
  enter(tag: string, deaths: number): Promise<Turn> {
    return new Promise((begin) => {
      this.#waiting.push({ tag, deaths, begin })
      void this.#choose()
    })
  }

  async #choose(): Promise<void> {
    if (this.#isChoosing) return
    this.#isChoosing = true
    for (let took = 0; this.#waiting.length > 0; ) {
      await after(Math.max(BETWEEN, took))
      const from = performance.now()
      const least = this.#waiting.reduce((one, other) => (other.deaths < one.deaths ? other : one))
      this.#waiting.splice(this.#waiting.indexOf(least), 1)
      await this.#run(least)
      took = performance.now() - from
    }
    this.#isChoosing = false
  }

  async #run({ tag, deaths, begin }: Waiting): Promise<void> {
    let release: () => void = () => {}
    this.#current = { tag, over: new Promise((resolve) => void (release = resolve)) }
    const ms = Math.min(this.#longest, SHORTEST * 2 ** deaths)
    const late = performance.now() + ms
    while (!this.#isQuiet() && performance.now() < late) await after(CHECKS)
    const isQuiet = this.#isQuiet()
    const turn = { isAlone: isQuiet, onLate: async () => {}, end() {} }
    const ended = new Promise<true>((resolve) => void (turn.end = () => resolve(true)))
    begin(turn)
    // One that is not alone proves nothing, and holds nobody up.
    if (isQuiet && (await Promise.race([ended, after(ms, false, { ref: false })])) === false) {
      turn.isAlone = false
      await turn.onLate().catch(() => {})
    }
    this.#current = undefined
    release()
  }
}
