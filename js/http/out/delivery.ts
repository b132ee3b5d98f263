// js/http/out: from results to the bytes of a response. Knows nothing of requests beyond what they accept.
//
// Results into a response, with backpressure, and the end that the client sees: complete, with an error, or cut.

import type { ByteBudget, Encoded } from '../../kit/bytes/byte-budget.js'
import { FailureReport, type LogFailure, type OnError } from '../../kit/sight/failure-report.js'
import { HttpError } from '../errors.js'
import type { Answer } from '../options.js'
import { type Encoder, headOf } from './encoder.js'
import { gather, handedOver } from './gather.js'
import { Pulse } from './pulse.js'
import { isLeft, type Refusal, refusalOf } from './refusal.js'
import type { ResultReader } from './results.js'
import type { ResponseSink } from './sink.js'

/** So much text is written although the turn is not over; less where the stream has no more bytes left. */
const GATHERED = 64 * 1024

/** One response that is being written. */
export class Delivery {
  readonly #sink: ResponseSink
  readonly #encoder: Encoder
  readonly #answer: Answer
  readonly #pulse: Pulse | undefined
  readonly #budget: ByteBudget | undefined
  readonly #more: Readonly<Record<string, string>> | undefined
  /** What is to be written at the end of the turn. Node itself lets nothing out before that. */
  #text = ''
  /** What its results weigh. */
  #bytes = 0
  /** The place after the last result that was added. */
  #next = 0
  #room: Promise<void> | undefined
  /** Until the head is sent although there is no result. */
  #quiet: NodeJS.Timeout | undefined
  #isOver = false

  /** `more`: headers that the options do not know. */
  constructor(sink: ResponseSink, encoder: Encoder, answer: Answer, more?: Readonly<Record<string, string>>, budget?: ByteBudget) {
    this.#budget = budget
    this.#more = more
    this.#sink = sink
    this.#encoder = encoder
    this.#answer = answer
    const head = headOf(answer, encoder)
    sink.begin(more === undefined ? head : { status: head.status, headers: { ...more, ...head.headers } })
    this.#pulse = Pulse.of(sink, encoder, answer)
  }

  /** The request has ended, so only the response keeps its client waiting: the head is sent soon, for clients and proxies that would give up. Server-sent events have a pulse for that. */
  inputEnded(): void {
    if (this.#isOver || this.#pulse !== undefined || this.#sink.begun || this.#sink.isGone) return
    this.#quiet = setTimeout(() => this.#sink.flushHead(), this.#answer.headDelay)
  }

  #begins(): void {
    clearTimeout(this.#quiet)
    this.#quiet = undefined
  }

  #over(): void {
    this.#isOver = true
    this.#begins()
  }

  /** Writes all results. Resolves when the response is complete or cut, or its client gone and the results read. Rejects with nothing. */
  async all(reader: ResultReader, onError: (error: unknown) => void): Promise<void> {
    try {
      for (let results = await reader.take(); results.length > 0; results = await reader.take()) {
        // With nobody there is nothing to wait for: a function that never rests would let nothing else run.
        if (this.#sink.isGone) {
          await turn()
          continue
        }
        for (let from = 0; from < results.length; from = this.#next) {
          const room = this.#add(results, from)
          if (room !== undefined) await room
        }
      }
    } catch (error) {
      await Promise.all([this.fail(error, onError), reader.leave()])
      return
    }
    await this.end()
  }

  /** As many as make one write. Nothing is awaited where there is room. */
  #add(results: Encoded[], from: number): Promise<void> | undefined {
    const { chunk, bytes, next } = gather(results, from)
    this.#next = next
    if (typeof chunk !== 'string') {
      this.#room = this.#sent(this.write(chunk), bytes)
    } else if (chunk !== '') {
      if (this.#text === '') process.nextTick(this.#flush)
      this.#text += chunk
      this.#bytes += bytes
      if (this.#text.length >= GATHERED || this.#budget?.isFull) this.#flush()
    }
    return this.#room
  }

  /** What the turn brought, as one write. While there is no room it waits. */
  readonly #flush = (): void => {
    if (this.#room !== undefined || this.#text === '') return
    const [text, bytes] = [this.#text, this.#bytes]
    this.#text = ''
    this.#bytes = 0
    this.#room = this.#sent(this.write(handedOver(text)), bytes)
  }

  /** `room`: when there is some again, if there is none. */
  #sent(room: Promise<void> | undefined, bytes: number): Promise<void> | undefined {
    if (room === undefined) this.#budget?.written(bytes)
    return room?.then(() => {
      this.#budget?.written(bytes)
      this.#room = undefined
      this.#flush()
      return this.#room
    })
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (chunk.length === 0) return undefined
    if (this.#quiet !== undefined) this.#begins()
    if (this.#pulse === undefined) return this.#sink.write(chunk)
    return this.#pulse.write(chunk)
  }

  /** The client is gone: nothing is said any more. */
  gone(): void {
    this.#over()
    this.#budget?.mute()
    this.#pulse?.stop()
  }

  /** All is well, and nothing follows. */
  end(last = this.#encoder.ended()): Promise<void> {
    this.#over()
    const first = this.#pulse?.stop()
    const text = this.#text
    this.#text = ''
    if (text === '') return this.#sink.end(first === undefined ? last : first + (last ?? ''))
    // Whether its turn was also the last one does not show in how a response is framed.
    void this.#sink.write((first ?? '') + text + (last ?? ''))
    return this.#sink.end()
  }

  /** Tells the client of an error as well as can be told now. */
  fail(error: unknown, onError: (error: unknown) => void): Promise<void> {
    this.#over()
    if (this.#text !== '') this.write(this.#text)
    this.#text = ''
    this.#pulse?.stop()
    const refusal = refusalOf(error, this.#answer.expose)
    if (!isLeft(error)) onError(error)
    return this.#tell(refusal, error)
  }

  /** A refusal before the first byte is a status; after it, the last thing said, or a cut if that would be taken for a result. */
  #tell(refusal: Refusal, error: unknown): Promise<void> {
    if (this.#sink.isGone) return Promise.resolve()
    if (!this.#sink.begun) return refuse(this.#sink, refusal, this.#more)
    const last = this.#encoder.failed(refusal, error)
    if (last !== undefined) return this.#sink.end(last)
    this.#sink.cut()
    return Promise.resolve()
  }
}

/** The answer to HEAD: no stream is opened for it, because nothing that is written would ever wait for room. */
export function headOnly(sink: ResponseSink, encoder: Encoder, answer: Answer): Promise<void> {
  sink.begin(headOf(answer, encoder))
  return sink.end()
}

/** Reports what fails one request. */
export function failureReport<Req>(answer: Answer, req: Req, name?: string, log?: LogFailure): FailureReport<Req> {
  return new FailureReport(answer.onError as OnError<Req> | undefined, req, name, log)
}

/** The status of a client that left. */
const GONE = 499

/** Answers with a status and a JSON body. `more`: headers of the stream. */
export function refuse(sink: ResponseSink, { status, headers, body }: Refusal, more?: Readonly<Record<string, string>>): Promise<void> {
  sink.begin({ status, headers: { ...more, 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers } })
  return sink.end(JSON.stringify(body))
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** For a request that cannot be served at all. */
export function refusing(sink: ResponseSink, error: unknown, expose: boolean, more?: Readonly<Record<string, string>>): Promise<void> {
  return error instanceof HttpError && error.status === GONE ? Promise.resolve() : refuse(sink, refusalOf(error, expose), more)
}
