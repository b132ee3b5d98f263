// A response of node:http, or of the compatibility API of node:http2. Owns: waiting for room, the stall clock, and what becomes of a request body that nobody read.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, Http2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { watchSession } from '../../kit/dead-sessions.js'
import { onConnectionEnd } from './connection.js'
import type { Head } from './encoder.js'
import type { ResponseSink } from './sink.js'

/**
 * After an early response so much of the body is still read, for so long; beyond it the connection is cut. A client that is still sending would otherwise meet a closed
 * connection before it reads the response.
 */
const LEFT_BYTES = 16 << 20
const LEFT_MS = 2000

type Response = ServerResponse | Http2ServerResponse

export class NodeSink implements ResponseSink {
  readonly #res: ServerResponse
  readonly #maxStall: number
  #room: { promise: Promise<void>; resolve: () => void } | null = null
  #ended: (() => void) | null = null
  #stall: NodeJS.Timeout | undefined
  #head: Head | undefined
  #flush: (() => void) | undefined
  #forget: () => void = () => {}
  isGone = false
  onGone: () => void = () => {}

  constructor(res: Response, maxStall: number) {
    // What both have in common is all that is used, but for `stream`.
    this.#res = res as ServerResponse
    this.#maxStall = maxStall
    this.#res.on('close', this.#onClose)
    this.#res.on('error', ignore)
    // It may be too late already: then no event will tell.
    const { stream } = res as { stream?: Http2Stream }
    watchSession(stream?.session)
    if (this.#res.destroyed || this.#res.writableEnded || stream?.destroyed === true || stream?.closed === true) this.isGone = true
    // A response that waits behind another on its connection is told nothing by Node when that connection ends.
    else if (this.#res.socket === null && this.#res.req !== undefined) this.#await(this.#res.req.socket)
  }

  get begun(): boolean {
    return this.#res.headersSent
  }

  begin(head: Head): void {
    this.#head = head
  }

  flushHead(): void {
    if (this.isGone) return
    this.#begin()
    this.#res.flushHeaders()
  }

  write(chunk: string | Uint8Array): Promise<void> | undefined {
    if (this.isGone || chunk.length === 0) return undefined
    this.#begin()
    const hasRoom = this.#res.write(chunk)
    this.#flush?.()
    if (hasRoom) return undefined
    if (this.#room !== null) return this.#room.promise
    let resolve = (): void => {}
    const promise = new Promise<void>((settle) => {
      resolve = settle
    })
    this.#room = { promise, resolve }
    this.#res.once('drain', this.#onDrain)
    this.#watch()
    return promise
  }

  end(last?: string | Uint8Array): Promise<void> {
    const res = this.#res
    if (this.isGone) return Promise.resolve()
    this.#begin()
    if (last !== undefined && last.length > 0) res.end(last)
    else res.end()
    return new Promise((resolve) => {
      this.#ended = resolve
      if (res.writableFinished) return this.#onFinish()
      res.once('finish', this.#onFinish)
      if (res.writableLength > 0) this.#watch()
    })
  }

  cut(): void {
    const { stream } = this.#res as { stream?: { close(code: number): void } }
    if (stream !== undefined && !this.#http1) stream.close(constants.NGHTTP2_INTERNAL_ERROR)
    else this.#res.destroy()
  }

  #begin(): void {
    const [res, head] = [this.#res, this.#head]
    this.#head = undefined
    if (head === undefined || res.headersSent) return
    res.statusCode = head.status
    for (const name in head.headers) res.setHeader(name, head.headers[name] as string | string[])
    // Compression as middleware holds bytes back until it is told to let them go.
    const { flush } = res as { flush?: unknown }
    if (typeof flush === 'function') this.#flush = () => flush.call(res)
  }

  #await(connection: Socket): void {
    if (connection.destroyed) this.isGone = true
    else this.#forget = onConnectionEnd(connection, this.#onClose)
  }

  get #http1(): boolean {
    return this.#res.req === undefined || this.#res.req.httpVersionMajor < 2
  }

  #onDrain = (): void => {
    this.#settleRoom()
    clearTimeout(this.#stall)
  }

  #onFinish = (): void => {
    clearTimeout(this.#stall)
    const req = this.#res.req as IncomingMessage | undefined
    if (req !== undefined && !this.isGone) leave(req, this.#http1)
    this.#ended?.()
    this.#ended = null
  }

  #onClose = (): void => {
    const res = this.#res
    res.off('drain', this.#onDrain)
    res.off('finish', this.#onFinish)
    res.off('close', this.#onClose)
    res.off('error', ignore)
    this.#forget()
    clearTimeout(this.#stall)
    const early = this.#isCut()
    this.isGone = true
    this.#settleRoom()
    this.#ended?.()
    this.#ended = null
    if (early) this.onGone()
  }

  /** Closed before everything was said. Over HTTP/2 every response calls itself finished when its stream is closed, also by the client. */
  #isCut(): boolean {
    const res = this.#res
    const { stream } = res as { stream?: { rstCode?: number } }
    if (stream === undefined || this.#http1) return !res.writableFinished
    return !res.writableEnded || (stream.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR
  }

  #settleRoom(): void {
    const room = this.#room
    this.#room = null
    room?.resolve()
  }

  /** The client has `maxStall` to make room. Behind another response on the same connection it is not its fault. */
  #watch(): void {
    if (this.#maxStall === 0) return
    clearTimeout(this.#stall)
    this.#stall = setTimeout(() => (this.#res.socket === null ? this.#watch() : this.cut()), this.#maxStall)
  }
}

/** Reads a little of what nobody read, so that the connection can be used again and the client gets to read the response; gives up on a long rest. */
function leave(req: IncomingMessage, http1: boolean): void {
  if (req.complete || req.destroyed) {
    // What has arrived but was not read holds up the requests behind it.
    if (!req.readableEnded && !req.destroyed) req.resume()
    return
  }
  const { stream } = req as { stream?: { close(code: number): void } }
  if (!http1) {
    stream?.close(constants.NGHTTP2_NO_ERROR)
    return
  }
  let left = LEFT_BYTES
  const giveUp = (): void => {
    req.socket.destroy()
  }
  const timer = setTimeout(giveUp, LEFT_MS)
  const count = (chunk: Buffer): void => {
    left -= chunk.length
    if (left < 0) giveUp()
  }
  req.on('data', count)
  req.once('close', () => {
    clearTimeout(timer)
    req.off('data', count)
  })
  req.resume()
}

function ignore(): void {}
