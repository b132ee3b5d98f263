// `velo top` on a terminal: asks again and again, shows what comes, does what keys say, until somebody quits.

import { Exit } from '../failure.js'
import type { TopClient } from './client.js'
import { firstOf, pageOf, render } from './render.js'
import { Screen } from './screen.js'
import { type Effect, type Facts, fed, type Key, pressed, type TopState } from './state.js'

/** Streams that are asked for: whoever looks for one among more than that searches. */
export const MOST = 1000
/** What shells say of a terminal that was closed. */
const HANGUP = 129

const SIGNALS = { SIGTERM: Exit.terminated, SIGHUP: HANGUP, SIGINT: Exit.interrupted } as const

export class Live {
  readonly #client: TopClient
  readonly #intervalMs: number
  readonly #screen: Screen
  #state: TopState
  #timer: NodeJS.Timeout | undefined
  /** Something is being asked, and shall be asked once more behind it. */
  #isAsking = false
  #again = false
  #end: (code: number) => void = () => undefined

  constructor(client: TopClient, state: TopState, intervalMs: number) {
    this.#client = client
    this.#state = state
    this.#intervalMs = intervalMs
    this.#screen = new Screen({ onKey: (key) => this.#press(key), onResize: () => this.#draw(), onGone: () => this.#end(HANGUP) })
  }

  /** Resolves with the exit code. */
  async run(): Promise<number> {
    const over = new Promise<number>((resolve) => void (this.#end = resolve))
    const stop = (signal: NodeJS.Signals) => this.#end(SIGNALS[signal as keyof typeof SIGNALS])
    for (const signal of Object.keys(SIGNALS)) process.on(signal, stop)
    try {
      this.#screen.open()
      this.#timer = setInterval(() => this.#ask(), this.#intervalMs)
      this.#ask()
      return await over
    } finally {
      clearInterval(this.#timer)
      this.#screen.close()
      for (const signal of Object.keys(SIGNALS)) process.off(signal, stop)
    }
  }

  #draw(): void {
    const { width, height } = this.#screen
    this.#state = { ...this.#state, first: firstOf(this.#state, height) }
    this.#screen.draw(render(this.#state, width, height))
  }

  #set(state: TopState): void {
    this.#state = state
    this.#draw()
  }

  #press(key: Key): void {
    const { state, effect } = pressed(this.#state, key, pageOf(this.#screen.height, this.#state))
    this.#set(state)
    if (effect !== undefined) this.#do(effect)
  }

  #do(effect: Effect): void {
    if (effect === 'quit') this.#end(Exit.ok)
    else if (effect === 'interrupt') this.#end(Exit.interrupted)
    else if (effect === 'suspend') this.#screen.suspend()
    else if (effect === 'fetch') this.#ask()
    else void this.#abort(effect.abort)
  }

  /** Asks, unless nothing shall change. Never rejects. */
  #ask(): void {
    // What one asked for by opening it is shown also while the rest stands still.
    if (this.#state.isPaused && !this.#isOpening) return
    if (this.#isAsking) return void (this.#again = true)
    this.#isAsking = true
    void this.#facts()
      .then(
        (facts) => this.#set(this.#state.isPaused ? { ...this.#state, ...detailOf(this.#state, facts) } : fed(this.#state, facts)),
        // One line has no room for what the code means.
        (error: Error) => this.#set({ ...this.#state, lost: error.message.replace(/ \([^()]*\)$/, ''), notice: undefined }),
      )
      .then(() => {
        this.#isAsking = false
        if (this.#again) this.#ask()
      })
  }

  get #isOpening(): boolean {
    const { mode, detail, isOver } = this.#state
    return mode === 'detail' && detail === undefined && !isOver
  }

  async #facts(): Promise<Facts> {
    this.#again = false
    const { open, sort, order, search } = this.#state
    const overview = await this.#client.overview()
    const list = await this.#client.list({ sort, order, limit: MOST, ...(search === '' ? {} : { search }) })
    return { overview, list, detail: open === undefined ? undefined : { id: open, said: await this.#client.detail(open) } }
  }

  async #abort(id: string): Promise<void> {
    const notice = await this.#client.abort(id).then(
      (isDone) => ({ text: isDone ? `aborted "${id}"` : `"${id}" was over already`, isBad: !isDone }),
      (error: Error) => ({ text: error.message, isBad: true }),
    )
    this.#set({ ...this.#state, notice })
    this.#ask()
  }
}

/** Of these facts only those of the stream that is open. */
function detailOf(state: TopState, facts: Facts): Pick<TopState, 'detail' | 'isOver'> {
  const { detail, isOver } = fed(state, facts)
  return { detail, isOver }
}
