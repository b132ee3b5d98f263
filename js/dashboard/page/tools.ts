// The line above the table: search, what streams wait for, and by what they are sorted where there are no heads of columns.

import { byId, element } from './dom.js'
import { COLUMNS } from './table/columns.js'
import type { Table } from './table/table.js'

const WAITS = ['event', 'user code', 'reader', 'room', 'admission', 'journal', 'nothing']

interface Change {
  readonly search?: string
  readonly waitingFor?: string
}

export class Tools {
  readonly #search = byId<HTMLInputElement>('search')
  readonly #sort = byId<HTMLSelectElement>('sort')

  constructor(table: Table, onChange: (change: Change) => void) {
    const waiting = byId<HTMLSelectElement>('waiting')
    waiting.append(option('', 'anything'), ...WAITS.map((name) => option(name, name)))
    waiting.addEventListener('change', () => onChange({ waitingFor: waiting.value }))
    this.#search.addEventListener('input', () => onChange({ search: this.#search.value }))
    this.#sort.append(...COLUMNS.map(({ key, title }) => option(key, title)))
    this.#sort.addEventListener('change', () => table.sortBy(this.#sort.value))
    this.sorted('waitingMs')
  }

  sorted(key: string): void {
    this.#sort.value = key
  }

  focus(): void {
    this.#search.focus()
    this.#search.select()
  }
}

function option(value: string, text: string): HTMLOptionElement {
  const made = element('option', '', text)
  made.value = value
  return made
}
