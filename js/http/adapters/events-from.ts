// `eventsFrom(req, options)`: the first half of a handler alone.

import type { IncomingMessage } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import type { ValueIterator } from '../../index.js'
import { type EventReader, parsedEvents, readerOf } from '../in/intake.js'
import { type Asked, nodeRequest, webRequest } from '../in/request.js'
import { type EventsOptions, type Intake, intakeOf } from '../options.js'

/**
 * The events of a request, of Node or of fetch, as they arrive; nothing is read ahead of the loop but what came in one chunk. When the loop ends early, the rest of the
 * body is read past, so that its connection can serve the next request.
 *
 * @example
 * for await (const total of totals(eventsFrom(req))) last = total
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. The loop throws HttpError, with its `status`, for what is wrong with the request.
 */
export function eventsFrom<In = unknown>(
  req: IncomingMessage | Http2ServerRequest | Request,
  options: EventsOptions = {},
): ValueIterator<In> {
  const intake = intakeOf(options, 'eventsFrom(options)')
  const asked = req instanceof Request ? webRequest(req) : nodeRequest(req as IncomingMessage)
  return new Events<In>(asked, intake)
}

/** Hand-written: `return()` of an async generator would wait for a client that is silent. */
class Events<In> implements ValueIterator<In> {
  readonly #asked: Asked
  readonly #intake: Intake
  #reader: EventReader | null | undefined
  #events: unknown[] = []
  #at = 0
  #over = false
  #pulling: Promise<unknown> = Promise.resolve()

  constructor(asked: Asked, intake: Intake) {
    this.#asked = asked
    this.#intake = intake
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<In, undefined>> {
    if (this.#at < this.#events.length) return Promise.resolve(this.#take())
    // Whoever asks twice at once is served in turn.
    const result = this.#pulling.then(() => this.#pull())
    this.#pulling = result.catch(() => {})
    return result
  }

  return(): Promise<IteratorResult<In, undefined>> {
    this.#over = true
    this.#events = []
    this.#leave()
    return Promise.resolve({ value: undefined, done: true })
  }

  #take(): IteratorResult<In, undefined> {
    return { value: this.#events[this.#at++] as In, done: false }
  }

  async #pull(): Promise<IteratorResult<In, undefined>> {
    while (this.#at >= this.#events.length) {
      const events = this.#over ? null : await this.#open()
      if (events === null || this.#over) return { value: undefined, done: true }
      this.#events = events
      this.#at = 0
    }
    return this.#take()
  }

  async #open(): Promise<unknown[] | null> {
    if (this.#reader === undefined) {
      const { parsed } = this.#asked
      if (parsed !== undefined) {
        this.#reader = null
        return [...parsedEvents(parsed.value, this.#asked, this.#intake)]
      }
      this.#reader = readerOf(this.#asked, this.#intake)
    }
    if (this.#reader === null) return null
    try {
      return await this.#reader.next()
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /** Node leaves a body alone that somebody has begun to read: what is left of it would hold up all that comes behind it. */
  #leave(): void {
    this.#reader?.close()
    this.#asked.readPast()
  }
}
