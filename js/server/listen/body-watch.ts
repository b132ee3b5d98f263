// Clients that hold a request open without sending its body. One timer looks at all of them; it does not read, so nothing is taken from
// the function, and a body that waits because the function is slow is nobody's fault.

import type { IncomingMessage, ServerResponse } from 'node:http'

interface Watched {
  readonly res: ServerResponse
  /** Bytes that had gone either way when it was looked at last: a client that waits for results is no idler. */
  bytes: number
  /** When that number changed last, or could not. */
  since: number
}

/** Tells of bodies in which nothing came for `timeout` ms. 0 = never. */
export class BodyWatch {
  readonly #timeout: number
  readonly #onSilent: (req: IncomingMessage, res: ServerResponse) => void
  readonly #watched = new Map<IncomingMessage, Watched>()
  #timer: NodeJS.Timeout | undefined

  constructor(timeout: number, onSilent: (req: IncomingMessage, res: ServerResponse) => void) {
    this.#timeout = timeout
    this.#onSilent = onSilent
  }

  /** Watches a request until its body is complete or it is gone. */
  add(req: IncomingMessage, res: ServerResponse): void {
    if (this.#timeout === 0 || req.complete) return
    this.#watched.set(req, { res, bytes: bytesOf(req), since: performance.now() })
    // A request that is over is not kept until the next look.
    res.once('close', () => this.#watched.delete(req))
    this.#timer ??= setInterval(this.#look, Math.min(Math.max(this.#timeout / 4, 20), 5000)).unref()
  }

  dispose(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#watched.clear()
  }

  readonly #look = (): void => {
    const now = performance.now()
    for (const [req, watched] of this.#watched) {
      const bytes = bytesOf(req)
      if (req.complete) this.#watched.delete(req)
      else if (bytes !== watched.bytes || req.readableLength > 0) Object.assign(watched, { bytes, since: now })
      else if (now - watched.since >= this.#timeout) {
        this.#watched.delete(req)
        this.#onSilent(req, watched.res)
      }
    }
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

/** Over HTTP/2 this counts the whole connection: one that is busy with other requests is not looked at closely. */
const bytesOf = ({ socket }: IncomingMessage): number => (socket?.bytesRead ?? 0) + (socket?.bytesWritten ?? 0)
