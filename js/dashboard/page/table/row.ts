// One row on the screen. It shows one stream now and another one later; where the stream is not known yet, it is empty.

import type { StreamInspection } from '../../../index.js'
import { element, setText } from '../dom.js'
import { COLUMNS } from './columns.js'

let made = 0

export class Row {
  readonly element: HTMLDivElement
  readonly #cells: readonly HTMLSpanElement[]
  #index = -1
  #height = 0
  #stream: StreamInspection | undefined
  #isFilled = false
  #isActive = false
  #isChosen: boolean | undefined

  constructor() {
    this.#cells = COLUMNS.map(({ key, isNumber }) => {
      const cell = element('span', `cell ${key}${isNumber ? ' number' : ''}`)
      cell.setAttribute('role', 'gridcell')
      return cell
    })
    this.element = element('div', 'row', ...this.#cells)
    this.element.setAttribute('role', 'row')
    this.element.id = `row-${made++}`
  }

  /** What is shown already costs nothing: while the table is scrolled that is nearly every row in nearly every frame. */
  show(index: number, height: number, stream: StreamInspection | undefined, isActive: boolean, isChosen: boolean): void {
    const { element: row } = this
    const isMoved = this.#index !== index || this.#height !== height
    if (isMoved) {
      this.#index = index
      this.#height = height
      // The first row is that of the heads.
      row.setAttribute('aria-rowindex', String(index + 2))
      row.dataset.index = String(index)
      // A transform would make a layer's worth of work of every row in every frame.
      row.style.top = `${index * height}px`
    }
    if (this.#isActive !== isActive) row.classList.toggle('active', (this.#isActive = isActive))
    if (this.#isChosen !== isChosen) row.ariaSelected = String((this.#isChosen = isChosen))
    if (this.#stream === stream && this.#isFilled) return
    this.#stream = stream
    this.#isFilled = true
    this.#fill(stream)
  }

  #fill(stream: StreamInspection | undefined): void {
    this.element.classList.toggle('empty', stream === undefined)
    for (const [place, cell] of this.#cells.entries()) {
      const column = COLUMNS[place] as (typeof COLUMNS)[number]
      const text = stream === undefined ? '' : column.text(stream)
      setText(cell, text)
      if (column.key === 'waitingFor') cell.dataset.wait = stream?.waitingFor ?? ''
      if (!column.isNumber && cell.title !== text) cell.title = text
    }
  }
}
