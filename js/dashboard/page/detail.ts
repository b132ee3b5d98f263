// One stream: all that is known of it, its last changes, and its abort where that is allowed.

import type { StreamInspection } from '../../index.js'
import type { StreamChange, StreamDetail } from '../../telemetry/index.js'
import { AbortStream } from './abort.js'
import { element, setText } from './dom.js'
import { age, bytes, clock, count } from './format.js'

/** What each wait means. */
const MEANS: Record<string, string> = {
  event: 'It waits for the next event.',
  'user code': 'Its function is at work, or waits for something of its own.',
  reader: 'Its output is full, or nobody asks for a result.',
  room: 'A send waits for room, while the function works.',
  admission: 'It waits for a place under maxConcurrent.',
  journal: 'It waits for its journal.',
  nothing: 'Something is on its way, or it is about to end.',
}

export class Detail {
  readonly #panel: HTMLElement
  readonly #main: HTMLElement
  readonly #title = element('h2', '')
  readonly #says = element('p', 'says')
  readonly #facts = element('dl', 'facts')
  readonly #changes = element('ol', 'changes')
  readonly #abort = new AbortStream()
  #id = ''
  /** Whether it was seen alive. */
  #wasSeen = false

  constructor(panel: HTMLElement, main: HTMLElement, onClose: (id: '') => void) {
    this.#panel = panel
    this.#main = main
    const close = element('button', 'close', 'Close')
    close.type = 'button'
    close.title = 'Close (Esc)'
    close.addEventListener('click', () => onClose(''))
    this.#title.id = 'detail-title'
    this.#title.tabIndex = -1
    this.#changes.tabIndex = 0
    this.#changes.ariaLabel = 'Last changes, the newest first'
    // A list is known by its role alone where its numbers are not shown.
    this.#changes.setAttribute('role', 'list')
    panel.append(
      element('div', 'top', this.#title, close),
      this.#says,
      this.#abort.element,
      this.#facts,
      element('h3', '', 'Last changes'),
      this.#changes,
    )
    matchMedia('(max-width: 900px)').addEventListener('change', () => this.#cover())
  }

  get isOpen(): boolean {
    return this.#id !== ''
  }

  open(id: string): void {
    this.#id = id
    this.#wasSeen = false
    this.#panel.hidden = false
    this.#title.textContent = id
    this.#says.textContent = ''
    this.#facts.replaceChildren()
    this.#changes.replaceChildren()
    this.#abort.of(id)
    this.#cover()
    this.#title.focus({ preventScroll: true })
  }

  close(): void {
    this.#id = ''
    this.#panel.hidden = true
    this.#cover()
  }

  show(detail: StreamDetail | null): void {
    if (!this.isOpen) return
    if (detail === null) {
      // The picture before the one that was asked for has none either.
      if (this.#wasSeen) {
        setText(this.#says, 'It is over. This is how it was seen last.')
        this.#abort.over()
      }
      return
    }
    if (detail.stream.id !== this.#id) return
    this.#wasSeen = true
    setText(this.#says, MEANS[detail.stream.waitingFor] ?? '')
    this.#facts.replaceChildren(...factsOf(detail.stream).flatMap(([name, value]) => [element('dt', '', name), element('dd', '', value)]))
    this.#changes.replaceChildren(...[...detail.changes].reverse().map((change) => changeOf(change, detail.stream.function)))
  }

  /** On a small screen it covers the rest, which then takes no keys. */
  #cover(): void {
    this.#main.inert = this.isOpen && matchMedia('(max-width: 900px)').matches
    document.body.classList.toggle('covered', this.#main.inert)
  }
}

function factsOf(stream: StreamInspection): [string, string][] {
  const { buffered, headers = {} } = stream
  return [
    ['Function', stream.function],
    ...(stream.stage === undefined || stream.stage === stream.function ? [] : ([['Stage', stream.stage]] as [string, string][])),
    ['Waiting for', `${stream.waitingFor}, since ${age(stream.waitingMs)}`],
    ['State', stream.state],
    ['Age', age(stream.ageMs)],
    ['Events in', count(stream.eventsIn)],
    ['Results', count(stream.eventsOut)],
    ['Kept', `${count(buffered.events)} events, ${count(buffered.results)} results, ${bytes(buffered.bytes)}`],
    ['Thread', stream.placement === 'worker' ? `worker ${stream.thread}` : 'local'],
    ...(stream.lastError === undefined ? [] : ([['Last error', stream.lastError]] as [string, string][])),
    ...Object.entries(headers).map(([name, value]): [string, string] => [`Header ${name}`, String(value ?? '')]),
  ]
}

function changeOf({ at, state, waitingFor, stage, eventsIn, eventsOut }: StreamChange, name: string): HTMLElement {
  const where = stage === undefined || stage === name ? '' : ` in ${stage}`
  return element(
    'li',
    '',
    element('time', '', clock(at)),
    element('span', '', `${state}, ${waitingFor}${where}`),
    element('span', 'counts', `${count(eventsIn)} in, ${count(eventsOut)} out`),
  )
}
