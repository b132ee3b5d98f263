// Compressed bodies: a chunk is inflated when one is asked for. The bound on what comes out is that of the whole body, counted by whoever asks.

import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { HttpError } from '../errors.js'
import { ReadableBody, type RequestBody } from './body.js'

const makers = new Map<string, () => ReturnType<typeof createGunzip>>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

/** Zero bytes that may follow the end of a gzip body, as tools add them that write whole blocks. */
const MAX_PADDING = 1 << 20

/** The body without its Content-Encoding, or undefined for an encoding that is not known. */
export function inflated(body: RequestBody, encoding: string): RequestBody | undefined {
  const make = makers.get(encoding)
  return make === undefined ? undefined : new InflatedBody(body, make(), encoding.endsWith('gzip') ? MAX_PADDING : 0)
}

class InflatedBody implements RequestBody {
  readonly #packed: RequestBody
  readonly #inflate: ReturnType<typeof createGunzip>
  readonly #output: ReadableBody
  /** What the packed body failed with: it says more than what becomes of the inflation. */
  #failure: unknown
  /** Bytes of the packed body so far. */
  #length = 0
  /** Goes on with the chunk in which the inflation has ended: its write is never called back. */
  #ended: () => void = () => {}
  /** Zero bytes that may follow. */
  #padding: number
  /** Something else follows. */
  #isFollowed = false
  #isClosed = false
  readonly #pumped: Promise<void>

  constructor(packed: RequestBody, inflate: ReturnType<typeof createGunzip>, padding: number) {
    this.#packed = packed
    this.#padding = padding
    this.#inflate = inflate
    this.#output = new ReadableBody(inflate, (cause) => {
      return (this.#failure as Error | undefined) ?? new HttpError(400, 'the body does not match its Content-Encoding', cause)
    })
    this.#pumped = this.#pump()
  }

  async next(): Promise<Buffer | null> {
    const chunk = await this.#output.next()
    if (chunk !== null || this.#isClosed) return chunk
    this.#ended()
    // What follows the end may be still to come.
    await this.#pumped
    if (this.#isFollowed && !this.#isClosed) throw new HttpError(400, 'something follows the end of the compressed body')
    return null
  }

  close(): void {
    this.#isClosed = true
    this.#packed.close()
    this.#output.close()
    this.#inflate.destroy()
  }

  /** What follows the end. */
  #pad(bytes: Buffer): void {
    this.#padding -= bytes.length
    this.#isFollowed = bytes.length > 0 && (this.#padding < 0 || bytes.some((byte) => byte !== 0))
  }

  /** Never rejects: a failure ends the inflation, and comes out there. */
  async #pump(): Promise<void> {
    const inflate = this.#inflate
    try {
      for (let chunk = await this.#packed.next(); chunk !== null; chunk = await this.#packed.next()) {
        const written = chunk
        const before = this.#length
        this.#length += chunk.length
        // The callback is called when the chunk is used up, or with an error, also that of being destroyed.
        if (!inflate.readableEnded)
          await new Promise<void>((resolve) => {
            this.#ended = resolve
            inflate.write(written, () => resolve())
          })
        if (inflate.readableEnded) this.#pad(written.subarray(Math.max(0, inflate.bytesWritten - before)))
        if (this.#isFollowed || this.#isClosed || (inflate.destroyed && !inflate.readableEnded)) return this.#packed.close()
      }
      inflate.end()
    } catch (error) {
      this.#failure = error
      inflate.destroy()
    }
  }
}
