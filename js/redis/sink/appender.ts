// js/redis/sink: values on their way into streams. Knows nothing of reading.
//
// Appends entries in order, many at a time, each once: a batch has a number, and the server knows the last number of each writer, so that a batch that was sent again after a
// cut connection changes nothing.

import { adapterError } from '../client/faults.js'
import { beside, Script } from '../client/script.js'
import type { Argument, Wire } from '../client/wire.js'

/** Entries of one script: it blocks the server for less than a millisecond. */
export const LOT = 256
/** ms that the server remembers a writer after its last batch. */
export const REMEMBERED = 3_600_000

/**
 * KEYS: stream, writer. ARGV: number of the batch, ms to remember, words of trimming, those words ..., then each entry: how many fields and values, these.
 * Answers the ids; of a batch that was there, none.
 */
const APPEND = new Script(`
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[1]) then return false end
local at = 4 + ARGV[3]
local head = { 'XADD', KEYS[1] }
for word = 4, at - 1 do head[#head + 1] = ARGV[word] end
head[#head + 1] = '*'
local ids = {}
local first = #head
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  for word = 1, count do head[first + word] = ARGV[at + word] end
  for word = #head, first + count + 1, -1 do head[word] = nil end
  ids[#ids + 1] = redis.call(unpack(head))
  at = at + count + 1
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return ids
`)

/** How long a stream may become; exact trimming costs the server more. */
export type MaxLength = number | { readonly exact: number }

export function trimming(maxlen: MaxLength | undefined): Argument[] {
  if (maxlen === undefined) return []
  return typeof maxlen === 'number' ? ['MAXLEN', '~', maxlen] : ['MAXLEN', '=', maxlen.exact]
}

export class Appender {
  readonly #wire: Wire
  readonly #stream: string
  readonly #writer: string
  readonly #trimming: Argument[]
  #number = 0

  constructor(wire: Wire, stream: string, writer: string, maxlen: MaxLength | undefined) {
    this.#wire = wire
    this.#stream = stream
    this.#writer = beside(stream, `writer:${writer}`)
    this.#trimming = trimming(maxlen)
  }

  /** Appends these entries, names and values in turn. Called again only when it has settled. Answers their ids; of a batch whose first answer was lost, none. */
  async append(entries: readonly Argument[][]): Promise<string[]> {
    const ids: string[] = []
    for (let at = 0; at < entries.length; at += LOT) {
      const args: Argument[] = [++this.#number, REMEMBERED, this.#trimming.length, ...this.#trimming]
      for (const fields of entries.slice(at, at + LOT)) {
        args.push(fields.length)
        for (const field of fields) args.push(field)
      }
      try {
        const reply = await APPEND.run(this.#wire, [this.#stream, this.#writer], args)
        if (Array.isArray(reply)) for (const id of reply) ids.push(String(id))
      } catch (error) {
        throw adapterError(`XADD ${this.#stream}`, error)
      }
    }
    return ids
  }
}
