// What is said of events and results in messages: values in and out, and what is put aside. Owns nothing.

import type { Change, Coming, Encoder } from '../../durable/keyed/change.js'
import type { Hostable } from '../../durable/keyed/definition.js'
import { VeloError } from '../../kit/errors.js'
import type { PayloadCodec } from '../../kit/payload-codec.js'
import { decodeRecord, encodeRecord } from '../../workers/codec/late-record.js'
import { messageOf } from '../client/faults.js'
import type { OutgoingLike, RecordLike } from '../client/kafka-like.js'
import { RESERVED } from './changelog.js'
import type { Layout } from './layout.js'

/** An event with the message that it came in. */
export interface Arrived extends Coming {
  readonly message: RecordLike
}

/** Events that can have no session are put aside under this name. */
const NOBODY = RESERVED
const EMPTY = Buffer.alloc(0)
/** Characters of a key, and of what a header says of an error. */
const LONGEST = 1000

export class Words implements Encoder {
  readonly #codec: PayloadCodec
  readonly #layout: Layout
  readonly #partition: number
  readonly #hostable: Hostable

  constructor(codec: PayloadCodec, layout: Layout, partition: number, hostable: Hostable) {
    this.#codec = codec
    this.#layout = layout
    this.#partition = partition
    this.#hostable = hostable
  }

  /** An event as its function takes it; `error`: it cannot be worked on. Sequences are offsets and one, so that none is 0. */
  read(message: RecordLike): { event: Arrived; key: string; error?: unknown } {
    const [seq, at, payload] = [Number(message.offset) + 1, Number(message.timestamp), message.value ?? EMPTY]
    try {
      const key = keyOf(message.key)
      const bytes = encodeRecord(this.#codec.decode(payload), this.#hostable.def.options.codec)
      return { key, event: { seq, payload, reply: undefined, message, record: { at, end: false, bytes } } }
    } catch (error) {
      const event = { seq, payload, reply: undefined, message, record: { at, end: false, bytes: EMPTY } }
      return { key: isKey(message.key) ? message.key.toString() : NOBODY, event, error }
    }
  }

  encode(bytes: Uint8Array): Uint8Array {
    return this.#codec.encode(decodeRecord(bytes, this.#hostable.def.options.codec))
  }

  results({ session: { key }, results }: Change): OutgoingLike[] {
    return results.map(({ index, event, payload }) => ({
      key,
      value: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
      headers: { 'Velo-Index': String(index), 'Velo-Offset': String(event.seq - 1) },
    }))
  }

  /** The message as it came, and what was wrong. */
  deadLetter({ event, error }: NonNullable<Change['dead']>): OutgoingLike {
    const { key, value, headers, offset } = (event as Arrived).message
    const { events, groupId } = this.#layout
    const about = {
      'Velo-Topic': events,
      'Velo-Partition': String(this.#partition),
      'Velo-Offset': offset,
      'Velo-Group': groupId,
      'Velo-Error': messageOf(error).slice(0, LONGEST),
    }
    return { key, value, headers: { ...headers, ...about } }
  }
}

function isKey(key: Buffer | null): key is Buffer {
  return key !== null && key.length > 0 && key.length <= LONGEST && key[0] !== 0 && Buffer.from(key.toString()).equals(key)
}

function keyOf(key: Buffer | null): string {
  if (isKey(key)) return key.toString()
  throw new VeloError('VELO_CODEC', `kafka: the key of an event must be text of 1 to ${LONGEST} bytes that does not begin with NUL`)
}

/** Whether events may have it. */
export function isKeyText(key: unknown): boolean {
  return typeof key === 'string' && isKey(Buffer.from(key)) && key === Buffer.from(key).toString()
}
