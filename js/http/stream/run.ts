// js/http/stream: the stream between request and response, and who may stop it. Knows nothing of frameworks and formats.
//
// A stream that serves a request, and its input: where events come from, and what becomes of the stream when its client goes away.

import type { Source, Stream } from '../../index.js'
import { AbortError, VeloError } from '../../index.js'
import type { ByteBudget } from '../../kit/bytes/byte-budget.js'
import { fairShare, wholeBytes } from '../../kit/bytes/byte-sum.js'
import { clientGone, HttpError } from '../errors.js'
import type { EventReader, Room } from '../in/intake.js'
import type { Service } from '../options.js'
import type { Delivery } from '../out/delivery.js'
import { BATCH_SIZE, type ResultReader, resultsOfFeed, resultsOfStream } from '../out/results.js'
import type { ResponseSink } from '../out/sink.js'
import { enter, leave } from './sessions.js'

/** Events of a body, of a source of the user's, or none. */
export type Supply = { readonly reader: EventReader } | { readonly source: Source<never> } | undefined

/** A stream and its input. */
export class Run {
  readonly stream: Stream<never, unknown>
  readonly results: ResultReader
  /** Given back by `over`, unless results are kept. */
  readonly budget: ByteBudget
  readonly #grace: number
  readonly #skip: boolean
  readonly #reader: EventReader | undefined
  readonly #room: Room
  /** Its events come from a source of the user's, which a client that goes does not take along. */
  readonly isSourced: boolean
  #timer: NodeJS.Timeout | undefined
  /** Resolves when nothing more comes of the body. */
  #pumped: Promise<void> | undefined

  constructor(service: Service, stream: Stream<never, unknown>, supply: Supply, budget: ByteBudget) {
    this.budget = budget
    this.#room = roomOf(budget)
    this.stream = stream
    this.#grace = service.grace
    this.#skip = service.intake.skip
    this.#reader = supply !== undefined && 'reader' in supply ? supply.reader : undefined
    this.isSourced = supply !== undefined && 'source' in supply
    const most = service.replay > 0 ? Math.max(1, Math.min(BATCH_SIZE, Math.floor(service.replay / 2))) : BATCH_SIZE
    if (supply !== undefined && 'source' in supply) {
      // A source of the user fails as a source of `feed` does: into the function.
      this.results = resultsOfFeed(stream.feed(supply.source), most)
      return
    }
    this.results = resultsOfStream(stream, most)
    if (this.#reader === undefined) stream.end()
    else this.#pumped = this.#pump(this.#reader)
  }

  /** The response of a client that cannot come back. */
  async deliver(fn: object, sink: ResponseSink, delivery: Delivery, onError: (error: unknown) => void): Promise<void> {
    const session = { stream: this.stream, fn }
    enter(session)
    sink.onGone = () => {
      delivery.gone()
      this.#clientLeft()
    }
    if (sink.isGone) sink.onGone()
    if (this.#pumped === undefined) delivery.inputEnded()
    else void this.#pumped.then(() => delivery.inputEnded())
    await delivery.all(this.results, onError)
    this.over()
    this.budget.release()
    leave(session)
  }

  /** No more will come in: the function sees the end of what did. */
  endInput(): void {
    this.stream.end()
    this.#reader?.close()
  }

  /** The stream is over: the rest of its input is not wanted. */
  over(): void {
    clearTimeout(this.#timer)
    this.#reader?.close()
  }

  /** Nobody reads the results any more: the input is over, and the function has so much time left. */
  #clientLeft(): void {
    if (this.#grace === 0) return this.stream.abort(clientGone())
    this.endInput()
    if (this.#grace !== Infinity) this.#timer ??= setTimeout(() => this.stream.abort(clientGone()), this.#grace)
  }

  /** From the body to the input: nothing is read while the input is full. Never rejects. */
  async #pump(reader: EventReader): Promise<void> {
    const { stream } = this
    try {
      while (await this.#next(reader)) if (this.budget.isFull) await this.budget.room()
      stream.end()
    } catch (error) {
      reader.close()
      // A function that may go on sees an end; one that may not must not take what came for all there is.
      if (error instanceof HttpError && error.status === 499 && this.#grace > 0) this.endInput()
      // A stream that is over, for whatever reason, says so to whoever reads its results.
      else if (!isEnd(error)) stream.abort(error)
    }
  }

  /** The next events of the body go in; false at its end. Whoever waits for room after that keeps none of them. */
  async #next(reader: EventReader): Promise<boolean> {
    const events = await reader.next(this.#room)
    if (events === null) return false
    // What is wrong with the rest of a chunk is told before its beginning is answered: that leaves a status to tell it with.
    if (reader.failure !== undefined) throw reader.failure
    this.budget.sent(events.length, reader.bytes)
    await this.#send(events as never[])
    return true
  }

  async #send(events: readonly never[]): Promise<void> {
    try {
      await this.stream.sendBatch(events)
    } catch (error) {
      if (!this.#skip || !isRefusal(error)) throw error
      // The schema refuses one of them: the others are told apart one by one.
      for (const event of events.slice(error.accepted ?? 0)) await this.#sendOne(event)
    }
  }

  async #sendOne(event: never): Promise<void> {
    try {
      await this.stream.send(event)
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.budget.notSent()
    }
  }
}

/** Parsing waits for room among the bytes of a stream. */
function roomOf(budget: ByteBudget): Room {
  return {
    isTight: (bytes) => bytes > fairShare(),
    isAmple: (bytes) => budget.isAmple(bytes),
    reserve(bytes) {
      const most = wholeBytes()
      if (bytes > most)
        throw new HttpError(
          413,
          `an event would take about ${bytes} bytes of memory, of which ${most} may wait in the process (maxBufferedBytes)`,
        )
      return budget.reserve(bytes)
    },
  }
}

/** The schema does not let the event in; nothing else is touched. */
function isRefusal(error: unknown): error is VeloError {
  return error instanceof VeloError && error.code === 'VELO_EVENT'
}

function isEnd(error: unknown): boolean {
  return error instanceof AbortError || (error instanceof VeloError && (error.code === 'VELO_CLOSED' || error.code === 'VELO_ENDED'))
}
