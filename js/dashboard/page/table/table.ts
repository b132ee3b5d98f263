// The table: as many rows as fit on the screen, whatever number of streams there is. The process sorts and filters; the table asks for the rows around what is seen.

import type { StreamInspection } from '../../../index.js'
import type { StreamList } from '../../../telemetry/index.js'
import { element } from '../dom.js'
import { Heads } from './heads.js'
import { Row } from './row.js'

export interface TableOptions {
  readonly onWindow: (window: { offset: number; limit: number }) => void
  readonly onSort: (sort: string, order: string) => void
  readonly onOpen: (id: string) => void
}

/** Streams in one answer. */
const MOST = 300

export class Table {
  readonly #grid: HTMLElement
  readonly #options: TableOptions
  readonly #body = element('div', 'rows')
  readonly #heads: Heads
  readonly #note = element('p', 'nothing')
  readonly #rows: Row[] = []
  #streams: readonly StreamInspection[] = []
  #offset = 0
  #matching = 0
  #asked = { offset: 0, limit: 60 }
  #active = 0
  #chosen = ''
  #frame = 0
  #stretched = -1

  constructor(grid: HTMLElement, options: TableOptions) {
    this.#grid = grid
    this.#options = options
    this.#heads = new Heads(options.onSort)
    this.#body.setAttribute('role', 'rowgroup')
    grid.append(this.#heads.element, this.#body)
    grid.after(this.#note)
    grid.addEventListener('scroll', () => this.#paintSoon(), { passive: true })
    new ResizeObserver(() => this.#paintSoon()).observe(grid)
    grid.addEventListener('keydown', (event) => this.#onKey(event))
    this.#body.addEventListener('click', ({ target }) => {
      const row = (target as Element).closest<HTMLElement>('.row')
      if (row === null) return
      this.#active = Number(row.dataset.index)
      this.#open(this.#streamAt(this.#active))
    })
  }

  show({ matching, streams }: StreamList, offset: number): void {
    this.#streams = streams
    this.#offset = offset
    this.#matching = matching
    this.#active = Math.min(this.#active, Math.max(0, matching - 1))
    this.#paintSoon()
  }

  /** Whose detail is open. */
  chosen(id: string): void {
    this.#chosen = id
    this.#paintSoon()
  }

  sortBy(key: string): void {
    this.toTop()
    this.#heads.sortBy(key)
  }

  toTop(): void {
    this.#grid.scrollTop = 0
    this.#active = 0
  }

  focus(): void {
    this.#grid.focus({ preventScroll: true })
  }

  #streamAt(index: number): StreamInspection | undefined {
    return this.#streams[index - this.#offset]
  }

  #open(stream: StreamInspection | undefined): void {
    if (stream !== undefined) this.#options.onOpen(stream.id)
    this.#paintSoon()
  }

  get #height(): number {
    return Number.parseFloat(getComputedStyle(this.#grid).getPropertyValue('--row')) || 36
  }

  #paintSoon(): void {
    this.#frame ||= requestAnimationFrame(() => this.#paint())
  }

  #paint(): void {
    this.#frame = 0
    const height = this.#height
    const { clientHeight, scrollTop } = this.#grid
    const fit = Math.ceil(clientHeight / height) + 1
    const first = Math.max(0, Math.min(Math.floor(scrollTop / height), this.#matching - fit))
    const shown = Math.min(fit, this.#matching)
    this.#stretch(this.#matching * height)
    while (this.#rows.length < shown) this.#rows.push(new Row())
    for (const row of this.#rows.splice(shown)) row.element.remove()
    for (let index = first; index < first + shown; index++) {
      // A stream keeps its element while it stays in sight, so little is drawn when the table is scrolled.
      const row = this.#rows[index % shown] as Row
      const stream = this.#streamAt(index)
      row.show(index, height, stream, index === this.#active, stream !== undefined && stream.id === this.#chosen)
      if (!row.element.isConnected) this.#body.append(row.element)
      if (index === this.#active) this.#grid.setAttribute('aria-activedescendant', row.element.id)
    }
    if (this.#active < first || this.#active >= first + shown) this.#grid.removeAttribute('aria-activedescendant')
    this.#note.textContent = this.#matching === 0 ? 'No stream to show.' : ''
    this.#ask(first, fit)
  }

  #stretch(pixels: number): void {
    if (this.#stretched === pixels) return
    this.#stretched = pixels
    this.#body.style.height = `${pixels}px`
    this.#grid.setAttribute('aria-rowcount', String(this.#matching + 1))
  }

  /** Asks for other rows where what is seen comes near the end of those that are there. */
  #ask(first: number, fit: number): void {
    const { offset, limit } = this.#asked
    const last = Math.min(first + fit, this.#matching)
    if (first >= offset && last <= offset + limit && limit >= Math.min(MOST, 2 * fit)) return
    this.#asked = { offset: Math.max(0, first - fit), limit: Math.min(MOST, 3 * fit) }
    this.#options.onWindow(this.#asked)
  }

  #onKey(event: KeyboardEvent): void {
    if (event.target !== this.#grid) return
    const page = Math.max(1, Math.floor(this.#grid.clientHeight / this.#height) - 2)
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -this.#matching,
      End: this.#matching,
    }
    const step = steps[event.key]
    if (step !== undefined) this.#move(step)
    else if (event.key === 'Enter') this.#open(this.#streamAt(this.#active))
    else return
    event.preventDefault()
  }

  #move(step: number): void {
    const height = this.#height
    this.#active = Math.max(0, Math.min(this.#matching - 1, this.#active + step))
    const top = this.#active * height
    const room = this.#grid.clientHeight - this.#heads.element.offsetHeight - height
    if (top < this.#grid.scrollTop) this.#grid.scrollTop = top
    else if (top > this.#grid.scrollTop + room) this.#grid.scrollTop = top - room
    this.#paintSoon()
  }
}
