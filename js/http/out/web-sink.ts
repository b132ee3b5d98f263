// A response of fetch: its head settles a promise, its body is a ReadableStream that is pulled.

import type { Head } from './encoder.js'
import type { ResponseSink } from './sink.js'

/** Bytes that wait for the client beyond those of one write. */
const BUFFER = 64 * 1024

export class WebSink implements ResponseSink {
  /** Resolves with the response when its head is known. */
  readonly response: Promise<Response>
  #respond: (response: Response) => void = () => {}
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  #head: Head | undefined
  #room: { promise: Promise<void>; resolve: () => void } | null = null
  #stall: NodeJS.Timeout | undefined
  readonly #maxStall: number
  readonly #signal: AbortSignal
  isGone = false
  onGone: () => void = () => {}

  constructor(request: Request, maxStall: number) {
    this.#maxStall = maxStall
    this.#signal = request.signal
    this.response = new Promise((resolve) => {
      this.#respond = resolve
    })
    if (this.#signal.aborted) this.#gone()
    else this.#signal.addEventListener('abort', this.#gone)
  }

  get begun(): boolean {
    return this.#controller !== undefined
  }

  begin(head: Head): void {
    this.#head = head
  }

  flushHead(): void {
    if (!this.isGone) this.#open()
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (this.isGone || chunk.length === 0) return undefined
    const controller = this.#open()
    controller.enqueue(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    if ((controller.desiredSize ?? 0) > 0) return undefined
    if (this.#room !== null) return this.#room.promise
    let resolve = (): void => {}
    const promise = new Promise<void>((settle) => {
      resolve = settle
    })
    this.#room = { promise, resolve }
    if (this.#maxStall > 0) this.#stall = setTimeout(() => this.cut(), this.#maxStall)
    return promise
  }

  end(last?: string | Uint8Array): Promise<void> {
    if (!this.isGone) {
      // A response that was complete at once needs no stream.
      if (this.#controller === undefined) this.#respond(this.#made(last ?? null))
      else {
        if (last !== undefined && last.length > 0) this.#controller.enqueue(typeof last === 'string' ? Buffer.from(last) : last)
        this.#controller.close()
      }
    }
    this.#leave()
    return Promise.resolve()
  }

  cut(): void {
    if (this.isGone) return
    this.#open().error(new Error('the response is not complete'))
    this.#gone()
  }

  #open(): ReadableStreamDefaultController<Uint8Array> {
    if (this.#controller !== undefined) return this.#controller
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => this.#settleRoom(),
        cancel: () => this.#gone(),
      },
      { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 },
    )
    this.#respond(this.#made(body))
    return this.#controller as unknown as ReadableStreamDefaultController<Uint8Array>
  }

  #made(body: ReadableStream<Uint8Array> | string | Uint8Array | null): Response {
    const { status, headers } = this.#head ?? { status: 200, headers: {} }
    const made = new Headers()
    for (const [name, value] of Object.entries(headers))
      for (const one of typeof value === 'string' ? [value] : value) made.append(name, one)
    return new Response(body as ReadableStream<Uint8Array>, { status, headers: made })
  }

  #gone = (): void => {
    if (this.isGone) return
    this.isGone = true
    this.#leave()
    // Nobody reads it, but whoever waits for it must get something.
    this.#respond(new Response(null, { status: 499 }))
    this.onGone()
  }

  #leave(): void {
    this.#signal.removeEventListener('abort', this.#gone)
    this.#settleRoom()
  }

  #settleRoom(): void {
    clearTimeout(this.#stall)
    const room = this.#room
    this.#room = null
    room?.resolve()
  }
}
