// What a message is for the function, and what a result is on the wire.

import { VeloError } from '../index.js'
import type { Settings } from './options.js'
import type { SocketData } from './socket.js'

/** What one result becomes: a text leaves as a text frame, bytes as a binary one. */
export type Frame = string | LongText | Uint8Array

/** A longer text is kept as bytes: Node would keep the text, and room for three times its length, until the last of it is gone. */
const LONG = 16 << 10

/** The bytes of a text. */
export class LongText {
  readonly bytes: Uint8Array

  constructor(text: string) {
    this.bytes = Buffer.from(text)
  }

  get length(): number {
    return this.bytes.length
  }
}

/** Bytes of a message. */
export function bytesOfMessage(data: SocketData): number {
  if (!Array.isArray(data)) return (data as Uint8Array | ArrayBuffer).byteLength
  let size = 0
  for (const part of data) size += part.byteLength
  return size
}

/** A message as one view of its bytes, copied only where it came in parts. */
export function bytesOf(data: SocketData): Buffer {
  if (Buffer.isBuffer(data)) return data
  if (Array.isArray(data)) return Buffer.concat(data)
  if (data instanceof ArrayBuffer) return Buffer.from(data)
  const { buffer, byteOffset, byteLength } = data as Uint8Array
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** A result as a frame. Throws `VELO_CODEC` for one that cannot travel. */
export function frameOf(result: unknown, { text, binary }: Settings): Frame {
  if (typeof result === 'object' && result !== null && (ArrayBuffer.isView(result) || result instanceof ArrayBuffer)) {
    if (binary === 'raw') return result instanceof Uint8Array ? result : bytesOfView(result)
    throw codecError("a result is bytes; serveSocket(options).binary: 'raw' sends them as binary frames")
  }
  if (text === 'raw') {
    if (typeof result === 'string') return frameOfText(result)
    throw codecError(`a result is no string (${typeof result}), which serveSocket(options).text: 'raw' asks for`)
  }
  let json: string | undefined
  try {
    json = JSON.stringify(result)
  } catch (error) {
    throw codecError('a result cannot be written as JSON', error)
  }
  if (json === undefined) throw codecError(`a result cannot be written as JSON (${typeof result})`)
  return frameOfText(json)
}

function frameOfText(text: string): Frame {
  return text.length > LONG ? new LongText(text) : text
}

function bytesOfView(result: ArrayBufferView | ArrayBuffer): Uint8Array {
  if (result instanceof ArrayBuffer) return new Uint8Array(result)
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
}

function codecError(message: string, cause?: unknown): VeloError {
  return new VeloError('VELO_CODEC', message, cause === undefined ? {} : { cause })
}
