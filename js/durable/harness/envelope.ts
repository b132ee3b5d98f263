// How the record of an event goes to a function on another thread: behind the time at which it was accepted.

import { shared } from '../../workers/codec/bytes/slab.js'

/** Bytes before the record: Unix ms, in the byte order of the machine, which both threads are on. */
export const HEAD = 8

const time = new Float64Array(1)
const bytesOfTime = new Uint8Array(time.buffer)

export function enveloped(at: number, record: Uint8Array): Uint8Array {
  const envelope = shared(HEAD + record.byteLength)
  envelope.set(record, HEAD)
  time[0] = at
  for (let index = 0; index < HEAD; index++) envelope[index] = bytesOfTime[index] as number
  return envelope
}

/** The time in it; the record begins at `HEAD`. */
export function timeOf(envelope: Uint8Array): number {
  for (let index = 0; index < HEAD; index++) bytesOfTime[index] = envelope[index] as number
  return time[0] as number
}
