// What a message is for the function, and what a result is on the wire.

import { VeloError } from '../index.js'
import type { Settings } from './options.js'
import type { SocketData } from './socket.js'

/** What one result becomes: a string leaves as a text frame, bytes as a binary one. */
export type Frame = string | Uint8Array

/** Bytes of a message. */
export function sizeOf(data: SocketData): number {
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
    if (typeof result === 'string') return result
    throw codecError(`a result is no string (${typeof result}), which serveSocket(options).text: 'raw' asks for`)
  }
  let json: string | undefined
  try {
    json = JSON.stringify(result)
  } catch (error) {
    throw codecError('a result cannot be written as JSON', error)
  }
  if (json === undefined) throw codecError(`a result cannot be written as JSON (${typeof result})`)
  return json
}

function bytesOfView(result: ArrayBufferView | ArrayBuffer): Uint8Array {
  if (result instanceof ArrayBuffer) return new Uint8Array(result)
  return new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
}

function codecError(message: string, cause?: unknown): VeloError {
  return new VeloError('VELO_CODEC', message, cause === undefined ? {} : { cause })
}
