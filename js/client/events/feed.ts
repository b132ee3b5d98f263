// The results of a subscription, pulled: nothing is read of a response before somebody asks. Owns: when to ask the server again, and the end.

import { AbortError, VeloError } from '../../kit/errors.js'
import { onAbort, reasonOf } from '../../kit/signals/signals.js'
import { type ClientEnd, closed, toldError } from '../ends/end.js'
import { StateOf } from '../ends/state.js'
import { Attempts } from '../options/backoff.js'
import type { SubscribeSettings } from '../options/subscribe.js'
import { Exchange, errorIn } from './exchange.js'
import { Place } from './place.js'
import { type SseBlock, SseParser } from './sse.js'
import { Waits } from './waits.js'

/** Ends the waits of a subscription that was closed. */
const LEFT = Symbol('left')

export class Feed<Out> {
  readonly #url: string
  readonly #settings: SubscribeSettings
  readonly #attempts: Attempts
  readonly #waits = new Waits()
  readonly #results: AsyncGenerator<Out, undefined>
  readonly #isSafe: boolean
  readonly state: StateOf
  readonly place: Place
  #exchange: Exchange | undefined
  #unguard: (() => void) | undefined
  #stream: string | undefined
  #isOver = false
  #resolve!: (end: ClientEnd) => void
  readonly closed: Promise<ClientEnd> = new Promise((resolve) => {
    this.#resolve = resolve
  })

  constructor(url: string, settings: SubscribeSettings) {
    const { signal } = settings
    this.#url = url
    this.#settings = settings
    this.#isSafe = settings.method === 'GET' || settings.method === 'HEAD'
    this.#attempts = new Attempts(settings.backoff)
    this.state = new StateOf(settings.onState)
    this.place = new Place(settings.lastEventId)
    this.#results = this.#run()
    if (signal?.aborted) this.#abort(signal)
    else if (signal !== undefined) this.#unguard = onAbort(signal, () => this.#abort(signal))
  }

  /** What the server calls the stream. */
  get id(): string | undefined {
    return this.#stream ?? this.place.stream
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    return this.#results.next()
  }

  async close(): Promise<void> {
    this.#finish({ reason: 'closed' })
    this.#waits.stop(LEFT)
  }

  #abort(signal: AbortSignal): void {
    const error = new AbortError('the subscription was aborted', { cause: reasonOf(signal) })
    this.#finish({ reason: 'aborted', error })
    this.#waits.stop(error)
  }

  #finish(end: ClientEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#unguard?.()
    this.#exchange?.leave()
    this.#resolve(end)
    this.state.set('closed')
  }

  async *#run(): AsyncGenerator<Out, undefined> {
    try {
      this.#waits.check()
      while (await this.#ask()) if (yield* this.#read()) break
      this.#finish({ reason: 'done' })
    } catch (error) {
      if (error === LEFT) return undefined
      this.#finish({ reason: 'failed', error })
      throw error
    }
  }

  /** Asks until there is a response with events; false when nothing follows. Throws why there is none. */
  async #ask(): Promise<boolean> {
    for (;;) {
      this.#exchange = new Exchange(this.#waits, this.#settings)
      this.place.begin()
      let failure: { readonly error: unknown; readonly isFinal: boolean }
      try {
        const head = await this.#exchange.head(this.#url, this.place)
        if (head.kind === 'nothing') return false
        if (head.kind === 'events') {
          this.#stream = head.stream ?? this.#stream
          this.state.set('open')
          this.#waits.check()
          return true
        }
        this.#attempts.askFor(head.after)
        failure = { error: head.error, isFinal: !(head.isPassing && (this.place.mayAsk(this.#isSafe) || !head.began)) }
      } catch (error) {
        this.#waits.check()
        failure = { error: closed('there is no response', 'failed', error), isFinal: !this.place.mayAsk(this.#isSafe) }
      }
      this.#exchange.leave()
      if (failure.isFinal) throw failure.error
      await this.#pause(failure.error)
    }
  }

  /** Waits for the next attempt; throws `error` where there is none. */
  async #pause(error: unknown): Promise<void> {
    const ms = this.#attempts.next()
    if (ms === undefined) throw error
    this.state.set('connecting')
    await this.#waits.sleep(ms)
  }

  /** Gives the results of the response. True: there are no more; false: it was cut, and the rest is to be asked for. */
  async *#read(): AsyncGenerator<Out, boolean> {
    const exchange = this.#exchange as Exchange
    const { end, maxBufferedBytes } = this.#settings
    const parser = new SseParser(maxBufferedBytes, this.place.id)
    let cause: unknown
    try {
      for (let text = await exchange.text(); text !== undefined; text = await exchange.text()) {
        for (const block of parser.push(text)) {
          if (!this.place.take(block)) continue
          this.#attempts.reset()
          if (end !== undefined && block.event === end) return true
          yield this.#result(block)
          this.#waits.check()
        }
      }
      if (end === undefined) return true
    } catch (error) {
      this.#waits.check()
      if (error instanceof VeloError && error.code !== 'VELO_TIMEOUT') throw error
      cause = error
    } finally {
      exchange.leave()
    }
    const error = closed('the response was cut, and its server does not let clients come back', 'failed', cause)
    if (!this.place.mayAsk(this.#isSafe)) throw error
    this.#attempts.askFor(parser.retry)
    await this.#pause(error)
    return false
  }

  #result({ event, data = '' }: SseBlock): Out {
    if (event === 'error') {
      const { code, message } = errorIn(data)
      if (code !== undefined && message !== undefined) throw toldError(code, message)
    }
    if (this.#settings.text === 'raw') return data as Out
    try {
      return JSON.parse(data)
    } catch (cause) {
      throw new VeloError('VELO_CODEC', "a result is no JSON; subscribe(options).text: 'raw' takes text as it is", { cause })
    }
  }
}
