// The abort of a stream: asked twice, and only where the process has given the page a token for it.

import { element } from './dom.js'

const token = document.querySelector<HTMLMetaElement>('meta[name=velo-token]')?.content ?? ''

export class AbortStream {
  readonly element = element('div', 'abort')
  readonly #begin = button('Abort ...', 'danger')
  readonly #yes = button('Abort it', 'danger')
  readonly #no = button('Keep it', '')
  readonly #question = element('div', 'question', element('p', '', 'Abort this stream? What waits in it is dropped.'), this.#yes, this.#no)
  readonly #answer = element('p', 'answer')
  #id = ''

  constructor() {
    this.#answer.setAttribute('role', 'status')
    this.element.append(this.#begin, this.#question, this.#answer)
    this.#begin.addEventListener('click', () => this.#ask(true))
    this.#no.addEventListener('click', () => this.#ask(false))
    this.#yes.addEventListener('click', () => void this.#abort(this.#id))
  }

  /** Another stream. */
  of(id: string): void {
    this.#id = id
    this.element.hidden = token === ''
    this.#answer.textContent = ''
    this.#question.hidden = true
    this.#begin.hidden = false
  }

  /** There is nothing left to abort. */
  over(): void {
    this.#begin.hidden = true
    this.#question.hidden = true
  }

  #ask(asks: boolean): void {
    this.#question.hidden = !asks
    this.#begin.hidden = asks
    const next = asks ? this.#no : this.#begin
    next.focus()
  }

  async #abort(id: string): Promise<void> {
    this.#yes.disabled = true
    const said = await abort(id)
    this.#yes.disabled = false
    if (id !== this.#id) return
    this.over()
    this.#answer.textContent = said
  }
}

async function abort(id: string): Promise<string> {
  try {
    const response = await fetch(`streams/${encodeURIComponent(id)}/abort`, { method: 'POST', headers: { 'x-velo-token': token } })
    if (response.ok) return 'It was aborted.'
    const { error } = (await response.json()) as { error?: { message?: unknown } }
    return `It was not aborted: ${String(error?.message ?? response.status)}.`
  } catch {
    return 'It was not aborted: no answer.'
  }
}

function button(text: string, className: string): HTMLButtonElement {
  const made = element('button', className, text)
  made.type = 'button'
  return made
}
