// One stream over its connections. Owns: what an open, a message and a cut mean, when to come back, and the end.

import { AbortError, OverloadedError } from '../../kit/errors.js'
import { onAbort, reasonOf } from '../../kit/signals/signals.js'
import { type ClientEnd, type ConnectionRefusal, closed, endOf, isRefused, refusalOfClose } from '../ends/end.js'
import { type ClientState, StateOf } from '../ends/state.js'
import { Attempts } from '../options/backoff.js'
import type { ConnectSettings } from '../options/connect.js'
import type { Frame } from './frame.js'
import { addressOf, type Hello, helloOf } from './hello.js'
import { Inbox } from './inbox.js'
import { Outbox } from './outbox.js'
import { Peer, type PeerOwner } from './peer.js'

/** A connection that lasted so many ms was good for something: attempts are counted anew. */
const LASTING = 5000

export class Session<Out> implements PeerOwner {
  readonly #url: string
  readonly #settings: ConnectSettings
  readonly #attempts: Attempts
  readonly #state: StateOf
  readonly #outbox: Outbox
  readonly #inbox: Inbox<Out>
  #peer: Peer | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #unguard: (() => void) | undefined
  /** What the server calls the stream; with it a client comes back. */
  token: string | undefined
  /** Whether coming back is possible: not known before the first frame of the first connection, unless it was said. */
  #resumes: boolean | undefined
  /** Attempts so far. All but the first ask for refusals that can be read. */
  #dials = 0
  /** The next frame is the first of its connection. */
  #isFirst = true
  #isReady = false
  /** Results that came, over all connections. */
  #got = 0
  #openedAt = 0
  #resolve!: (end: ClientEnd) => void
  end: ClientEnd | undefined
  readonly closed: Promise<ClientEnd> = new Promise((resolve) => {
    this.#resolve = resolve
  })

  constructor(url: string, settings: ConnectSettings) {
    const { maxBufferedBytes, signal } = settings
    this.#url = url
    this.#settings = settings
    this.#resumes = settings.resume
    this.#attempts = new Attempts(settings.backoff)
    this.#state = new StateOf(settings.onState)
    this.#outbox = new Outbox(maxBufferedBytes)
    this.#inbox = new Inbox(settings.text, (error) => this.finish({ reason: 'failed', error }, true))
    if (signal?.aborted === true) this.#abort(signal)
    else {
      if (signal !== undefined) this.#unguard = onAbort(signal, () => this.#abort(signal))
      this.#dial()
    }
  }

  get state(): ClientState {
    return this.#state.now
  }

  send(frame: Frame): Promise<void> {
    const sent = this.#outbox.put(frame)
    this.#flush()
    return sent
  }

  next(): Promise<IteratorResult<Out, undefined>> {
    const result = this.#inbox.next()
    if (this.#inbox.cost <= this.#settings.maxBufferedBytes >> 1) this.#peer?.release()
    return result
  }

  opened(): void {
    this.#openedAt = performance.now()
    // What is there to be said by the server first is awaited; a first connection that may not have it is used at once.
    if (this.token === undefined && this.#settings.resume !== true) this.#ready()
  }

  message(frame: Frame): void {
    if (this.#isFirst) {
      this.#isFirst = false
      if (this.#resumes === false) this.#outbox.forget()
      if (this.#resumes !== false && this.#greeted(frame)) return
    }
    this.#attempts.reset()
    if (this.token !== undefined && this.#isReceipt(frame)) return
    this.#got++
    this.#inbox.put(frame)
    if (this.#inbox.cost <= this.#settings.maxBufferedBytes || this.#peer === undefined || this.#peer.hold()) return
    const error = new OverloadedError('VELO_OVERRUN', `more results wait than ${this.#settings.maxBufferedBytes} bytes (maxBufferedBytes)`)
    this.finish({ reason: 'failed', error }, false)
  }

  gone(code: number, reason: string, cause: unknown): void {
    const refusal = refusalOfClose(code, reason)
    if (refusal !== undefined) return this.refused(refusal)
    this.#peer = undefined
    this.#isReady = false
    const end = endOf(code, reason)
    const isRetried = end === undefined ? this.#mayReturn() : isRefused(code, reason) && this.token === undefined && this.#outbox.rewind(0)
    if (!isRetried) return this.finish(end ?? { reason: 'failed', error: this.#cut(cause) }, false)
    if (this.#openedAt > 0 && performance.now() - this.#openedAt >= LASTING) this.#attempts.reset()
    this.#dialLater(() => end ?? { reason: 'failed', error: this.#absent(cause) })
  }

  refused({ error, retryAfter }: ConnectionRefusal): void {
    this.#peer = undefined
    this.#isReady = false
    const isRetried = retryAfter !== undefined && (this.token !== undefined || (this.#got === 0 && this.#outbox.rewind(0)))
    if (!isRetried) return this.finish({ reason: 'failed', error }, false)
    this.#attempts.askFor(retryAfter)
    this.#dialLater(() => ({ reason: 'failed', error }))
  }

  /** Makes another attempt; without one, this is the end. */
  #dialLater(end: () => ClientEnd): void {
    const ms = this.#attempts.next()
    if (ms === undefined) return this.finish(end(), false)
    this.#state.set('connecting')
    // A listener may have closed it.
    if (this.end === undefined) this.#timer = setTimeout(() => this.#dial(), ms)
  }

  /** The end, once. With `drop`, results that were not read go. */
  finish(end: ClientEnd, drop: boolean): void {
    if (drop) this.#inbox.drop()
    if (this.end !== undefined) return
    this.end = end
    clearTimeout(this.#timer)
    this.#unguard?.()
    this.#peer?.close(true)
    this.#peer = undefined
    this.#outbox.fail(this.over())
    this.#inbox.end('error' in end ? { error: end.error } : undefined, drop)
    this.#resolve(end)
    this.#state.set('closed')
  }

  /** What a send gets when all is over. */
  over(): unknown {
    const { reason, error } = this.end as ClientEnd
    const why = error instanceof Error ? `: ${error.message}` : ''
    return error instanceof AbortError ? error : closed(`the stream is over${why}`, reason, error)
  }

  #abort(signal: AbortSignal): void {
    const error = new AbortError('the stream was aborted', { cause: reasonOf(signal) })
    this.finish({ reason: 'aborted', error }, true)
  }

  #dial(): void {
    this.#dials++
    this.#isFirst = true
    this.#openedAt = 0
    this.#peer = new Peer(this)
    this.#peer.start(addressOf(this.#url, this.token, this.#got, this.#resumes !== false, this.#dials > 1), this.#settings)
  }

  /** Whether this was no result. */
  #greeted(frame: Frame): boolean {
    const hello = helloOf(frame)
    if (hello === undefined) {
      if (this.#resumes === undefined) {
        this.#resumes = false
        this.#outbox.forget()
        return false
      }
      this.finish({ reason: 'failed', error: closed('the server does not let clients come back (onDisconnect: { graceMs })') }, false)
      return true
    }
    this.#resumes = true
    const why = this.token === undefined ? undefined : this.#missed(hello)
    this.token = hello.token
    if (why === undefined) this.#ready()
    else this.finish({ reason: 'failed', error: closed(why) }, false)
    return true
  }

  /** Whether this says what the server has got, and is no result. */
  #isReceipt(frame: Frame): boolean {
    const said = helloOf(frame)
    if (said === undefined || said.token !== this.token) return false
    this.#outbox.arrived(said.received)
    return true
  }

  /** Back at the server: what there is to be said against going on. */
  #missed({ token, received }: Hello): string | undefined {
    if (token !== this.token) return 'the server has begun another stream'
    if (this.#outbox.rewind(received)) return undefined
    return 'events that the server has not got are no longer kept; a larger connect(options).maxBufferedBytes keeps more'
  }

  #ready(): void {
    this.#peer?.ready()
    this.#isReady = true
    // A later connection may be open and refused: its events are then sent again.
    if (this.#resumes === false && this.#dials === 1) this.#outbox.forget()
    this.#state.set('open')
    this.#flush()
  }

  /** Nothing would be lost or done twice. */
  #mayReturn(): boolean {
    if (this.token !== undefined) return true
    return this.#got === 0 && !this.#outbox.hasSent
  }

  #absent(cause: unknown): unknown {
    const { attempts } = this.#settings.backoff
    const why = cause instanceof Error && cause.message !== '' ? `: ${cause.message}` : ''
    return closed(`no connection after ${attempts + 1} attempts${why}`, 'failed', cause)
  }

  #cut(cause: unknown): unknown {
    const why = this.#resumes === false ? 'and its server does not let it come back' : 'before its server said whether it may come back'
    return closed(`the connection was cut, ${why}`, 'failed', cause)
  }

  #flush(): void {
    if (this.#isReady && !this.#outbox.isEmpty) this.#peer?.send(() => this.#outbox.take())
  }
}
