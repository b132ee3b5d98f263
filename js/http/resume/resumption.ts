// js/http/resume: clients that come back after a broken connection. Knows nothing of frameworks.
//
// Streams whose clients may come back. A result has the id `<stream>:<number>`; the last ones are kept, and who reconnects with the id of the last one seen gets
// what came after it. While nobody is there no result is read, so the function rests as it does with a slow client: nothing passes through unseen. A durable stream goes on in another
// process; a result of it is delivered when its client has said so, or nobody can ask for it any more.

import { type Encoded, sizeOf, Unwritable } from '../../kit/bytes/byte-budget.js'
import { standingOf } from '../../kit/bytes/standing.js'
import { awaitReturn, forgetReturn } from '../../kit/iteration/returns.js'
import { keepingOf } from '../../kit/keeping/keeping.js'
import { hasMoved } from '../../kit/keeping/moved.js'
import { silence } from '../../kit/promises.js'
import { clientGone, HttpError } from '../errors.js'
import type { Answer, Service } from '../options.js'
import { Delivery, refuse } from '../out/delivery.js'
import { LIVE } from '../out/encoder.js'
import { handedOver, WRITE } from '../out/gather.js'
import { onNotice } from '../out/notice.js'
import { isLeft, refusalOf } from '../out/refusal.js'
import type { ResponseSink } from '../out/sink.js'
import { SseEncoder } from '../out/sse-out.js'
import type { Run } from '../stream/run.js'
import { enter, idHeader, leave, type Session, shownId } from '../stream/sessions.js'
import { Replay } from './replay.js'

/** How many streams that are over are kept for clients that may have missed their end, and how many bytes of their results. The oldest go first. */
const OVER = 1000
const OVER_SIZE = 64 << 20
const over = new Set<ResumableSession>()
let overSize = 0

/** Serves a new stream, and those who come back to it. Resolves when this response is over. */
export async function resumable(
  fn: object,
  service: Service,
  run: Run,
  sink: ResponseSink,
  onError: (error: unknown) => void,
  owner: string | undefined,
): Promise<void> {
  // An id that a client is told is one that it can come back with. What failed is told by the stream.
  const standing = keepingOf(fn) && (await standingOf(run.stream, run.budget).catch(() => undefined))
  const results = standing?.results ?? 0
  const session = new ResumableSession(fn, service, run, onError, owner)
  session.begin(results, results)
  return session.attach(sink, results)
}

/** Any status but 200 tells an EventSource not to come back. */
export function gone(sink: ResponseSink, message: string): Promise<void> {
  return refuse(sink, refusalOf(new HttpError(410, message, undefined, 'VELO_CLOSED'), false))
}

interface Client {
  readonly sink: ResponseSink
  readonly delivery: Delivery
  readonly done: () => void
  /** Number of the last result that it has got elsewhere. */
  readonly seen: number
}

export class ResumableSession implements Session {
  readonly fn: object
  readonly stream: Run['stream']
  readonly owner: string | undefined
  readonly #run: Run
  readonly #answer: Answer
  readonly #grace: number
  readonly #onError: (error: unknown) => void
  readonly #replay: Replay
  readonly #encoder: SseEncoder
  /** The connection of the client, while it is there. */
  #client: Client | undefined
  /** Wakes `serve`, which waits for a client. */
  #arrived: () => void = () => {}
  /** No client will come any more: what is left is read and dropped. */
  #abandoned = false
  /** All there will ever be is in the replay. */
  #complete = false
  /** Another process will have the stream. */
  #isLeft = false
  #forgetNotice: () => void = () => {}
  /** Until a client that is away, or that may have missed the end, is given up. */
  #timer: NodeJS.Timeout | undefined

  constructor(fn: object, service: Service, run: Run, onError: (error: unknown) => void, owner: string | undefined) {
    this.fn = fn
    this.owner = owner
    this.stream = run.stream
    this.#run = run
    this.#answer = service.answer
    this.#grace = service.grace
    this.#onError = onError
    this.#replay = new Replay(service.replay, service.replayBytes, shownId(run.stream))
    this.#encoder = new SseEncoder(service.answer, LIVE)
    const { draining } = service.answer
    if (keepingOf(fn) !== undefined && draining?.aborted === false) this.#forgetNotice = onNotice(draining, () => this.#giveUp())
    void run.stream.closed.then(({ reason, error }) => {
      if (reason === 'aborted') this.#abandon()
      // Reported now: the results before it may wait for a client that is away.
      else if (reason === 'failed' && !isLeft(error)) this.#onError(error)
    })
  }

  /** The stream gives its results from this number on; its client may have more already, which are made again. */
  begin(from: number, seen: number): void {
    this.#replay.begin(from, seen)
    enter(this)
    awaitReturn(this.stream.id, this.owner)
    void this.#serve()
  }

  /** Reads the results while a client is there, until the stream is over. Never rejects. */
  async #serve(): Promise<void> {
    const { results } = this.#run
    try {
      for (;;) {
        while (this.#client === undefined && !this.#abandoned) await this.#nextClient()
        const batch = await results.take()
        if (batch.length === 0) {
          if (keepingOf(this.fn) !== undefined && hasMoved(await this.stream.closed)) this.#giveUp()
          break
        }
        for (let kept = 0; kept < batch.length; ) {
          // Kept before it is written: whoever comes while this one waits for room finds it there.
          const { text, bytes, next } = this.#keep(batch, kept)
          kept = next
          const room = this.#client?.delivery.write(handedOver(text))
          if (room !== undefined) await room
          this.#run.budget.written(bytes)
        }
      }
      const last = this.#encoder.ended()
      if (last !== undefined) this.#replay.keep((id) => `id: ${id}\n${last}`)
      this.#finish(({ delivery, seen }) => {
        if (this.#replay.count <= seen) return delivery.end('')
        return delivery.end(last === undefined ? undefined : this.#replay.newest)
      })
    } catch (error) {
      if (this.#isLeft) return this.#finish(() => Promise.resolve())
      const last = this.#encoder.failed(refusalOf(error, this.#answer.expose), error)
      this.#replay.keep((id) => `id: ${id}\n${last}`)
      if (!isLeft(error)) this.#onError(error)
      // With its id, so that a client that got it need not come back for it.
      this.#finish(({ sink, delivery }) => (sink.begun ? delivery.end(this.#replay.newest) : delivery.fail(error, () => {})))
      await results.leave()
    }
  }

  /** As many from that place on as make one write, up to one that cannot be written: that throws, when it is the first. */
  #keep(batch: readonly Encoded[], from: number): { text: string; bytes: number; next: number } {
    const first = batch[from]
    if (first instanceof Unwritable) throw first.error
    let [text, bytes, next] = ['', 0, from]
    for (; next < batch.length && text.length < WRITE; next++) {
      const body = batch[next]
      if (typeof body !== 'string') break
      bytes += sizeOf(body)
      const kept = this.#replay.keep((id) => `id: ${id}\n${body}`)
      if (this.#replay.count > (this.#client?.seen ?? 0)) text += kept
    }
    this.#run.budget.keep(this.#replay.size)
    this.#run.budget.confirm(this.#replay.passed)
    return { text, bytes, next }
  }

  /** Another connection of the client takes over. Resolves when the response on it is over. */
  attach(sink: ResponseSink, seen: number): Promise<void> {
    const missed = this.#replay.after(seen)
    if (missed === undefined) return gone(sink, 'results that were missed are no longer kept')
    if (this.#complete && missed === '') return nothingFollows(sink)
    this.#run.budget.confirm(seen)
    const before = this.#client
    this.#client = undefined
    // Two connections of one client: the server has not seen yet that the older one is dead.
    before?.sink.cut()
    clearTimeout(this.#timer)
    const encoder = new SseEncoder(this.#answer, LIVE, `id: ${shownId(this.stream)}:${seen}\n\n`)
    const delivery = new Delivery(sink, encoder, this.#answer, idHeader(this.stream))
    if (this.#complete) {
      this.#linger()
      return delivery.end(missed)
    }
    return new Promise((done) => {
      const client = { sink, delivery, done, seen }
      this.#client = client
      sink.onGone = () => this.#left(client)
      if (sink.isGone) return sink.onGone()
      if (missed !== '') void delivery.write(missed)
      this.#arrived()
    })
  }

  #nextClient(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve
    })
  }

  #left(client: Client): void {
    client.delivery.gone()
    client.done()
    if (this.#client !== client) return
    this.#client = undefined
    if (this.#complete) return
    // A body has ended with its client; a source of the user's goes on, and waits like the function.
    if (!this.#run.isSourced) this.#run.endInput()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.stream.abort(clientGone())
      this.#abandon()
    }, this.#grace)
  }

  /** The stream is kept: its client, which is cut off, finds it again by its id. */
  #giveUp(): void {
    if (this.#complete) return
    this.#isLeft = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    client?.sink.cut()
    silence(this.stream.close())
    this.#abandon()
  }

  #abandon(): void {
    this.#run.budget.mute()
    this.#abandoned = true
    this.#arrived()
  }

  #finish(tell: (client: Client) => Promise<void>): void {
    this.#complete = true
    this.#run.over()
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    if (client !== undefined) void tell(client).then(client.done)
    if (this.#abandoned && client === undefined) {
      this.#leave()
    } else this.#linger()
  }

  /** The end may not have reached the client: it is kept for a while. */
  #linger(): void {
    if (!over.delete(this)) overSize += this.#replay.size
    over.add(this)
    this.#timer = setTimeout(() => this.#forget(), this.#grace)
    // Nothing is under way: this alone keeps no process alive.
    this.#timer.unref()
    for (const oldest of over) {
      if (over.size <= OVER && overSize <= OVER_SIZE) break
      oldest.#forget()
    }
  }

  #forget(): void {
    clearTimeout(this.#timer)
    if (over.delete(this)) overSize -= this.#replay.size
    this.#leave()
  }

  #leave(): void {
    leave(this)
    forgetReturn(this.stream.id)
    this.#forgetNotice()
    if (!this.#isLeft) this.#run.budget.confirm(Number.POSITIVE_INFINITY)
    this.#run.budget.release()
  }
}

/** 204 tells an EventSource that it has all there is, and not to come back. */
function nothingFollows(sink: ResponseSink): Promise<void> {
  sink.begin({ status: 204, headers: {} })
  return sink.end()
}
