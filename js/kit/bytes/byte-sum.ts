// The bytes that wait in the streams of the process. Owns the part of this thread, and when it is reported. Not here: the sum and its bound, which the core keeps
// for all threads.

import { builtin } from '../start/builtin.js'

/** What the core keeps. */
export interface ByteLedger {
  /** So many bytes more, or fewer, on this thread. Answers the sum of the process. */
  buffer(bytes: number): number
  /** Sets the bound of the process, unless it is 0; answers it. */
  bound(bytes: number): number
}

/** The largest part of the heap of a thread that its streams may take: parsed events lie there, and a full heap ends the process. */
const HEAP_SHARE = 1 / 4
/** Bytes that a thread may be ahead of what it has reported, or behind. */
const STEP = 64 << 10

let ledger: ByteLedger
let own = 0
let unreported = 0
/** Of `own`: messages that are not parsed, because they wait for room. They need no room themselves: streams that all have some would wait for each other. */
let unparsed = 0
/** Sum and bound of the process as of the last report. */
let total = 0
let bound = Number.POSITIVE_INFINITY
let heap = 0

/** Who keeps the sum: told once, when the core is loaded. */
export function reportBytesTo(core: ByteLedger): void {
  ledger = core
  bound = core.bound(0)
}

/** So many bytes more, or fewer, wait in the streams of this thread. */
export function addBytes(bytes: number): void {
  own += bytes
  unreported += bytes
  if (unreported >= STEP || unreported <= -STEP || (own === 0 && unreported !== 0)) bytesOfProcess()
}

/** N of the bytes that were added are of messages that wait unparsed. */
export function addUnparsed(bytes: number): void {
  unparsed += bytes
  addBytes(bytes)
}

/** The bytes of all threads. */
export function bytesOfProcess(): number {
  const bytes = unreported
  unreported = 0
  total = ledger.buffer(bytes)
  bound = ledger.bound(0)
  return total
}

/** Returns a message if the streams of the process, or of this thread, may take no more: then new streams are refused. */
export function overload(): string | undefined {
  const bytes = bytesOfProcess()
  if (bytes >= bound) return `${bytes} bytes wait in the streams of the process: its maxBufferedBytes is ${bound}`
  if (own - unparsed >= heapBytes())
    return `${own - unparsed} bytes wait in the streams of this thread: a quarter of its heap is ${heapBytes()}`
  return undefined
}

/** The most that one event may take. */
export function wholeBytes(): number {
  return Math.min(bound, heapBytes())
}

/**
 * What one stream may take while others wait too: a quarter of what is free. However many streams take all they may, some room is left, so that a client that has taken its
 * share leaves the others theirs (the dynamic thresholds of switches with shared memory, Choudhury and Hahne 1998).
 */
export function fairShare(): number {
  return freeBytes() / 4
}

/** Whether a stream in which nothing waits may take so much: its fair share, or what fits the first half of the room. If nothing waits at all, the first one may. */
export function fitsAlone(bytes: number): boolean {
  const free = freeBytes()
  return bytes <= free / 4 || free - bytes >= wholeBytes() / 2 || own <= unparsed
}

function freeBytes(): number {
  return Math.min(bound - total - unreported, heapBytes() - own) + unparsed
}

function heapBytes(): number {
  heap ||= Math.floor(builtin('node:v8').getHeapStatistics().heap_size_limit * HEAP_SHARE)
  return heap
}

/** Reports what is not reported yet, if there is any. */
export function reportBytes(): void {
  if (unreported !== 0) bytesOfProcess()
}

/** Sets them, for all threads. */
export function limitBytes(bytes: number): void {
  bound = ledger.bound(bytes)
}
