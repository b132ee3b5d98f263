// How the record of an event goes to the function: behind the time at which it was accepted. Room for that is left when the event is encoded, so that nothing is copied.

import { shared } from '../../workers/codec/slab.js'

/** Bytes before the record: Unix ms, in the byte order of the machine, which both ends are on. */
export const HEAD = 8

const time = new Float64Array(1)
const bytesOfTime = new Uint8Array(time.buffer)

/** Writes the time into the room before a record. */
export function stamp(envelope: Uint8Array, at: number): Uint8Array {
  time[0] = at
  for (let index = 0; index < HEAD; index++) envelope[index] = bytesOfTime[index] as number
  return envelope
}

/** The same for a record without room before it. */
export function enveloped(at: number, record: Uint8Array): Uint8Array {
  const envelope = shared(HEAD + record.byteLength)
  envelope.set(record, HEAD)
  return stamp(envelope, at)
}

/** The time in it; the record begins at `HEAD`. */
export function timeOf(envelope: Uint8Array): number {
  for (let index = 0; index < HEAD; index++) bytesOfTime[index] = envelope[index] as number
  return time[0] as number
}
