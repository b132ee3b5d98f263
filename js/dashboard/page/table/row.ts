// One row on the screen. It shows one stream now and another one later; where the stream is not known yet, it is empty.

import type { StreamInspection } from '../../../index.js'
import { element, setText } from '../dom.js'
import { COLUMNS } from './columns.js'

let made = 0

export class Row {
  readonly element: HTMLDivElement
  id: string | undefined
  readonly #cells: readonly HTMLSpanElement[]
  #index = -1

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

  show(index: number, height: number, stream: StreamInspection | undefined, isActive: boolean, isChosen: boolean): void {
    const { element: row } = this
    if (this.#index !== index) {
      this.#index = index
      // The first row is that of the heads.
      row.setAttribute('aria-rowindex', String(index + 2))
      row.dataset.index = String(index)
    }
    row.style.transform = `translateY(${index * height}px)`
    row.classList.toggle('active', isActive)
    row.classList.toggle('empty', stream === undefined)
    if (row.ariaSelected !== String(isChosen)) row.ariaSelected = String(isChosen)
    this.id = stream?.id
    for (const [place, cell] of this.#cells.entries()) {
      const text = stream === undefined ? '' : (COLUMNS[place]?.text(stream) ?? '')
      setText(cell, text)
      if (COLUMNS[place]?.key === 'waitingFor') cell.dataset.wait = stream?.waitingFor ?? ''
      if (COLUMNS[place]?.isNumber === false && cell.title !== text) cell.title = text
    }
  }
}
