// js/workers/codec/bytes: the memory of batches, and how it is laid out. Knows nothing of values.
//
// The bytes of a batch: one frame after the other, each a kind byte and what belongs to it. Integers are 32 bits, least significant byte first.
// Owns the kinds, the numbers and the way for large buffers that writer and reader must agree on. batch-writer.ts and batch-reader.ts change together.

export const NUMBER = 1 // f64
export const NULL = 2
export const UNDEFINED = 3
export const TRUE = 4
export const FALSE = 5
export const ASCII = 6 // length, one byte a character
export const UTF8 = 7 // length in bytes, bytes
export const UTF16 = 8 // length in bytes, bytes: strings with lone surrogates, which UTF-8 cannot say
export const BYTES = 9 // length, bytes
export const TRANSFERRED = 10 // index: a Uint8Array over the whole of a buffer that travels beside the batch
export const SHAPES = 11 // sender, from, to, length, text: the keys of the sender's shapes [from, to), told before the first use
export const PLAIN = 12 // length, MessagePack
export const GRAPH = 13 // length, number of buffers beside the batch, their indices, V8's format
export const JSON_TEXT = 14 // length, UTF-8
export const CUSTOM = 15 // length, bytes of a user's codec
export const FLAT_KEYS = 16 // count, keys (length, characters): the next shape of flat objects of this writer
export const FLAT = 17 // number of the shape, one frame of kind NUMBER, NULL, UNDEFINED, TRUE, FALSE or (one byte of length) ASCII for each key
export const ERROR = 18 // length, MessagePack of an array: base, name, message, stack, then own keys and their values
export const MAP = 19 // length, MessagePack of an array: keys and values
export const SET = 20 // length, MessagePack of an array
export const VIEW = 21 // length, kind of the view, bytes of its whole buffer
export const BIGINT = 22 // length, i64

/** Bytes of a frame of kind SHAPES and of most others before their content. */
export const SHAPES_HEAD = 17
export const HEAD = 5

/** Methods of Buffer that Node.js documents less than it should. They skip the look-up of the encoding, half the cost of a short string. */
export interface Bytes extends Buffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
  utf8Write(text: string, start: number, length: number): number
  ucs2Write(text: string, start: number, length: number): number
}

/** What travels beside a batch. */
export type Beside = ArrayBuffer | SharedArrayBuffer

/** Sends the buffers that `TRANSFERRED` and `GRAPH` frames mention, ahead of their batch: by transfer, shared ones by reference. */
export interface TransferSender {
  /**
   * Hands buffers over, all of them or, where it throws, none (those that are not shared are detached by that). `own`: nobody else holds them, and they can be moved.
   * Answers with the index of the first on this channel: 0, then one more for each buffer.
   */
  send(buffers: readonly Beside[], own: boolean): number
  /** Whatever was handed over is on its way now: said before the batch that mentions it goes. */
  flush(): void
}

/** Receives them. */
export interface TransferReceiver {
  /** Gives the buffer with this index, once. */
  receive(index: number): Beside
}

export function writeInteger(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function readInteger(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0
}
