// The bytes that wait in the streams of the process. Owns the part of this thread, and when it is reported. Not here: the sum and its bound, which the core keeps
// for all threads.

/** What the core keeps. */
export interface ByteLedger {
  /** So many bytes more, or fewer, on this thread. Answers the sum of the process. */
  buffer(bytes: number): number
  /** Sets the bound of the process, unless it is 0; answers it. */
  bound(bytes: number): number
}

/** Bytes that a thread may be ahead of what it has reported, or behind. */
const STEP = 64 << 10

let ledger: ByteLedger
let own = 0
let unreported = 0

/** Who keeps the sum: told once, when the core is loaded. */
export function reportBytesTo(core: ByteLedger): void {
  ledger = core
}

/** So many bytes more, or fewer, wait in the streams of this thread. */
export function addBytes(bytes: number): void {
  own += bytes
  unreported += bytes
  if (unreported >= STEP || unreported <= -STEP || (own === 0 && unreported !== 0)) bytesOfProcess()
}

/** The bytes of all threads. */
export function bytesOfProcess(): number {
  const bytes = unreported
  unreported = 0
  return ledger.buffer(bytes)
}

/** Reports what is not reported yet, if there is any. */
export function reportBytes(): void {
  if (unreported !== 0) bytesOfProcess()
}

/** Bytes from which on new streams are refused. */
export function boundOfProcess(): number {
  return ledger.bound(0)
}

/** Sets them, for all threads. */
export function limitBytes(bytes: number): void {
  ledger.bound(bytes)
}
