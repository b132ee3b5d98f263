// The heads of the columns: each a button that sorts.

import { element } from '../dom.js'
import { COLUMNS } from './columns.js'

export class Heads {
  readonly element: HTMLElement
  readonly #onSort: (sort: string, order: string) => void
  readonly #heads = new Map<string, HTMLElement>()
  #sort = 'waitingMs'
  #order = 'desc'

  constructor(onSort: (sort: string, order: string) => void) {
    this.#onSort = onSort
    const row = element('div', 'row heads')
    row.setAttribute('role', 'row')
    row.setAttribute('aria-rowindex', '1')
    for (const { key, title, isNumber } of COLUMNS) {
      const button = element('button', '', title)
      button.type = 'button'
      button.addEventListener('click', () => this.#turn(key))
      const head = element('span', `cell ${key}${isNumber ? ' number' : ''}`, button)
      head.setAttribute('role', 'columnheader')
      this.#heads.set(key, head)
      row.append(head)
    }
    this.element = element('div', 'head', row)
    this.element.setAttribute('role', 'rowgroup')
    this.#mark()
  }

  /** Numbers from the largest down, texts from the first up. */
  sortBy(key: string): void {
    this.#sort = key
    this.#order = COLUMNS.find((column) => column.key === key)?.isNumber === true ? 'desc' : 'asc'
    this.#tell()
  }

  /** Sorted by it already, the other way round. */
  #turn(key: string): void {
    if (key !== this.#sort) return this.sortBy(key)
    this.#order = this.#order === 'asc' ? 'desc' : 'asc'
    this.#tell()
  }

  #tell(): void {
    this.#mark()
    this.#onSort(this.#sort, this.#order)
  }

  #mark(): void {
    for (const [key, head] of this.#heads) {
      if (key === this.#sort) head.setAttribute('aria-sort', this.#order === 'asc' ? 'ascending' : 'descending')
      else head.removeAttribute('aria-sort')
    }
  }
}
