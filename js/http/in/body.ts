// The body of a request as chunks, one for each call: nothing is read ahead of what is asked for, so a full input stops reading the socket.

import type { Readable } from 'node:stream'
import { compact } from '../../kit/bytes/compact.js'
import { clientGone } from '../errors.js'

/** Bytes that are asked for. One `next()` at a time. */
export interface RequestBody {
  /** The next chunk, or null at the end. Rejects where the rest will not come. */
  next(): Promise<Buffer | null>
  /** No more is wanted: a `next()` under way gets null. The source is not destroyed, because a response may still have to go out on its socket. */
  close(): void
}

/** A Node stream. Its listeners are gone after the end, an error, or `close()`. */
export class ReadableBody implements RequestBody {
  readonly #source: Readable
  readonly #failure: (cause?: unknown) => Error
  #settle: { resolve: (chunk: Buffer | null) => void; reject: (error: Error) => void } | null = null
  #over = false
  /** It has ended, and not all of it has come. */
  #cut = false

  constructor(source: Readable, failure: (cause?: unknown) => Error = clientGone) {
    this.#source = source
    this.#failure = failure
    if (source.readableEnded) {
      this.#over = true
      return
    }
    source.on('readable', this.#onReadable)
    source.on('end', this.#onEnd)
    source.on('error', this.#onError)
    source.on('close', this.#onClose)
  }

  next(): Promise<Buffer | null> {
    if (this.#over) return Promise.resolve(null)
    const chunk = this.#source.read() as Buffer | null
    if (chunk !== null) return Promise.resolve(compact(chunk))
    if (this.#cut || (this.#source.destroyed && !this.#source.readableEnded)) {
      this.#leave()
      return Promise.reject(this.#failure(this.#source.errored ?? undefined))
    }
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  close(): void {
    this.#finish((settle) => settle.resolve(null))
  }

  #onReadable = (): void => {
    if (this.#settle === null) return
    const chunk = this.#source.read() as Buffer | null
    if (chunk === null) return
    const settle = this.#settle
    this.#settle = null
    settle.resolve(compact(chunk))
  }

  #onEnd = (): void => {
    if (!isCut(this.#source)) return this.close()
    this.#cut = true
    if (this.#settle !== null) this.#finish((settle) => settle.reject(this.#failure()))
  }

  #onError = (cause: unknown): void => {
    // Before the next one is asked for, the error stays with the stream, and `next()` finds it there.
    if (this.#settle !== null) this.#finish((settle) => settle.reject(this.#failure(cause)))
  }

  #onClose = (): void => {
    if (this.#settle !== null) this.#finish((settle) => settle.reject(this.#failure(this.#source.errored ?? undefined)))
  }

  #finish(tell: (settle: { resolve: (chunk: Buffer | null) => void; reject: (error: Error) => void }) => void): void {
    const settle = this.#settle
    this.#settle = null
    this.#leave()
    if (settle !== null) tell(settle)
  }

  #leave(): void {
    if (this.#over) return
    this.#over = true
    const source = this.#source
    source.off('readable', this.#onReadable)
    source.off('end', this.#onEnd)
    source.off('close', this.#onClose)
    source.off('error', this.#onError)
    // Without a listener a late error of a stream that nobody reads any more would end the process.
    if (!source.closed) source.on('error', ignore).once('close', forget)
  }
}

/** Over HTTP/2 a request ends in the same way whether its client is done or has gone: then the stream is closed before the end is seen. */
function isCut(source: Readable): boolean {
  const { stream, aborted } = source as { stream?: { closed?: boolean }; aborted?: boolean }
  return stream !== undefined && (stream.closed === true || aborted === true)
}

function ignore(): void {}

function forget(this: Readable): void {
  this.off('error', ignore)
}

/** The body of a fetch `Request`. */
export class WebBody implements RequestBody {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #over = false

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader()
  }

  async next(): Promise<Buffer | null> {
    if (this.#over) return null
    try {
      const { done, value } = await this.#reader.read()
      if (done) this.close()
      return done ? null : bufferOf(value)
    } catch (error) {
      if (this.#over) return null // `close()` releases the lock, which rejects the read under way
      this.close()
      throw clientGone(error)
    }
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    this.#reader.releaseLock()
  }
}

/** Bytes that are here already, where a middleware has read the body. */
export class KnownBody implements RequestBody {
  #bytes: Buffer | null

  constructor(bytes: Uint8Array | string) {
    this.#bytes = typeof bytes === 'string' ? Buffer.from(bytes) : bufferOf(bytes)
  }

  next(): Promise<Buffer | null> {
    const bytes = this.#bytes
    this.#bytes = null
    return Promise.resolve(bytes)
  }

  close(): void {
    this.#bytes = null
  }
}

/** The same bytes, not a copy. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
