// How far a run is, on one line of stderr that is written over and over.

import { colored } from '../terminal.js'

const EVERY_MS = 200

/** Shows counts until it is stopped. */
export class Progress {
  readonly #started = performance.now()
  readonly #counts: () => { events: number; results: number }
  readonly #timer: NodeJS.Timeout

  constructor(counts: () => { events: number; results: number }) {
    this.#counts = counts
    this.#timer = setInterval(() => this.#show(), EVERY_MS)
  }

  /** Shows the last state and leaves the line. */
  stop(): void {
    clearInterval(this.#timer)
    this.#show()
    process.stderr.write('\n')
  }

  /** Makes room on the line for a message. */
  clear(): void {
    process.stderr.write('\r\u001b[K')
  }

  #show(): void {
    const { events, results } = this.#counts()
    const seconds = (performance.now() - this.#started) / 1000
    const rate = Math.round(events / Math.max(seconds, 0.001))
    const said = `${count(events)} events, ${count(results)} results, ${count(rate)} events/s, ${seconds.toFixed(1)} s`
    this.clear()
    process.stderr.write(colored(process.stderr, 'dim', said))
  }
}

const count = (n: number): string => n.toLocaleString('en-US')
