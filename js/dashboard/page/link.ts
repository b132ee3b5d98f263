// The line to the process: server-sent events of what the page looks at now. Where no feed is to be had, because there is no place or the process drains, it asks now and then instead.

import type { Picture, View } from '../wire.js'

export type LinkState = 'connecting' | 'live' | 'slow' | 'lost' | 'refused' | 'paused'

/** ms until it tries again. */
const AGAIN_MS = 2000
/** ms in which changes of the view are gathered. */
const GATHER_MS = 60

export class Link {
  readonly #show: (picture: Picture) => void
  readonly #say: (state: LinkState) => void
  #view: View = { search: '', waitingFor: '', sort: 'waitingMs', order: 'desc', offset: 0, limit: 60, stream: '' }
  #source: EventSource | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isPaused = false
  /** Counts feeds: what comes of an older one is not shown. */
  #turn = 0

  constructor(show: (picture: Picture) => void, say: (state: LinkState) => void) {
    this.#show = show
    this.#say = say
  }

  /** Looks at something else. */
  look(change: Partial<View>): void {
    this.#view = { ...this.#view, ...change }
    this.#later(GATHER_MS)
  }

  toggle(): boolean {
    this.#isPaused = !this.#isPaused
    this.#later(0)
    return this.#isPaused
  }

  #later(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#begin(), ms)
  }

  #query(): string {
    return new URLSearchParams(Object.entries(this.#view).map(([name, value]) => [name, String(value)])).toString()
  }

  #begin(): void {
    this.#source?.close()
    const turn = ++this.#turn
    if (this.#isPaused) {
      this.#say('paused')
      return void this.#ask(turn)
    }
    const source = new EventSource(`feed?${this.#query()}`)
    this.#source = source
    source.addEventListener('message', ({ data }) => {
      if (turn !== this.#turn) return
      this.#say('live')
      this.#show(JSON.parse(data) as Picture)
    })
    source.addEventListener('again', () => {
      if (turn === this.#turn) this.#begin()
    })
    source.addEventListener('error', () => {
      source.close()
      if (turn !== this.#turn) return
      void this.#ask(turn)
      this.#later(AGAIN_MS)
    })
  }

  /** One look without a feed. */
  async #ask(turn: number): Promise<void> {
    try {
      const response = await fetch(`picture?${this.#query()}`)
      const picture = response.ok ? ((await response.json()) as Picture) : undefined
      if (turn !== this.#turn) return
      if (picture !== undefined) this.#show(picture)
      if (!this.#isPaused) this.#say(picture === undefined ? 'refused' : 'slow')
    } catch {
      if (turn === this.#turn && !this.#isPaused) this.#say('lost')
    }
  }
}
