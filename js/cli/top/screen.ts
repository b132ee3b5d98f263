// The terminal: taken as a whole and given back as it was, however the command ends; keys; its size; and lines that are written only where they have changed.

import { writeSync } from 'node:fs'
import { emitKeypressEvents, type Interface } from 'node:readline'
import { hasColors } from '../terminal.js'
import { type Line, shown } from './frame.js'
import type { Key } from './state.js'

const { stdin, stdout } = process

/** The other screen, no cursor, no wrapping of lines. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J'
const LEAVE = '\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l'
/** How long an escape may be the start of a key, ms. */
const ESCAPE_MS = 50

/** What the terminal tells. */
export interface ScreenOwner {
  onKey(key: Key): void
  onResize(): void
  /** It is gone, or cannot be read. */
  onGone(): void
}

export class Screen {
  readonly #owner: ScreenOwner
  #isTaken = false
  #written: readonly string[] = []

  constructor(owner: ScreenOwner) {
    this.#owner = owner
  }

  get width(): number {
    return Math.max(1, stdout.columns || 80)
  }

  get height(): number {
    return Math.max(1, stdout.rows || 24)
  }

  open(): void {
    emitKeypressEvents(stdin, { escapeCodeTimeout: ESCAPE_MS } as unknown as Interface)
    stdin.on('keypress', this.#onKey).on('end', this.#onGone).on('error', this.#onGone)
    stdout.on('resize', this.#onResize)
    // Errors and `process.exit` pass here, too.
    process.on('exit', this.#leave)
    // Whoever stopped the process may have left anything on the screen.
    process.on('SIGCONT', this.#enter)
    this.#enter()
  }

  close(): void {
    this.#leave()
    process.off('exit', this.#leave)
    process.off('SIGCONT', this.#enter)
    stdout.off('resize', this.#onResize)
    stdin.off('keypress', this.#onKey).off('end', this.#onGone).off('error', this.#onGone)
    stdin.pause()
  }

  /** To the shell, until that lets it go on. */
  suspend(): void {
    this.#leave()
    process.kill(process.pid, 'SIGTSTP')
  }

  draw(lines: readonly Line[]): void {
    if (!this.#isTaken) return
    const colors = hasColors(stdout)
    const now = lines.map((line) => shown(line, colors))
    const changed = now.flatMap((text, row) => (text === this.#written[row] ? [] : [`\u001b[${row + 1};1H\u001b[2K${text}`]))
    this.#written = now
    if (changed.length > 0) stdout.write(changed.join(''))
  }

  readonly #enter = (): void => {
    stdin.setRawMode(true)
    stdin.resume()
    this.#isTaken = true
    this.#written = []
    stdout.write(ENTER)
    this.#owner.onResize()
  }

  /** At once: the process may be about to end. */
  readonly #leave = (): void => {
    if (!this.#isTaken) return
    this.#isTaken = false
    try {
      stdin.setRawMode(false)
      writeSync(stdout.fd, LEAVE)
    } catch {
      // The terminal is gone.
    }
  }

  readonly #onKey = (_text: string | undefined, key: Key): void => this.#owner.onKey(key)

  readonly #onResize = (): void => {
    this.#written = []
    stdout.write('\u001b[2J')
    this.#owner.onResize()
  }

  readonly #onGone = (): void => this.#owner.onGone()
}
