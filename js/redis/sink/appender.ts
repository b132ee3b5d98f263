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
 * Adds entries: of ARGV from `at` on how many words of trimming, these, then the name of the one field that all of them have and its values; or '', and of each entry how many fields and values, these.
 * Their ids go into `ids`.
 */
export const ADD = `
local function add(stream, at, ids)
  local words = tonumber(ARGV[at])
  local head = { 'XADD', stream }
  for n = at + 1, at + words do head[#head + 1] = ARGV[n] end
  head[#head + 1] = '*'
  local first, name = #head, ARGV[at + words + 1]
  at = at + words + 2
  if name ~= '' and words == 0 then
    local call = redis.call
    for n = at, #ARGV do ids[n - at + 1] = call('XADD', stream, '*', name, ARGV[n]) end
  elseif name ~= '' then
    head[first + 1] = name
    for n = at, #ARGV do
      head[first + 2] = ARGV[n]
      ids[n - at + 1] = redis.call(unpack(head))
    end
  else
    while at <= #ARGV do
      local count = tonumber(ARGV[at])
      for n = 1, count do head[first + n] = ARGV[at + n] end
      for n = #head, first + count + 1, -1 do head[n] = nil end
      ids[#ids + 1] = redis.call(unpack(head))
      at = at + count + 1
    end
  end
end
`

/** KEYS: stream, writer. ARGV: number of the batch, ms to remember, whether ids are wanted, entries. Answers the ids; of a batch that was there, none. */
const APPEND = new Script(`
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[1]) then return false end
${ADD}
local ids = {}
add(KEYS[1], 4, ids)
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if ARGV[3] == '1' then return ids end
return false
`)

/** As `add` takes them: names and values of each in turn. */
export function entryArgs(trimming: readonly Argument[], entries: readonly Argument[][]): Argument[] {
  const args: Argument[] = [trimming.length, ...trimming]
  const name = entries[0]?.[0]
  const isOne = typeof name === 'string' && name !== '' && entries.every((fields) => fields.length === 2 && fields[0] === name)
  args.push(isOne ? name : '')
  for (const fields of entries) {
    if (isOne) args.push(fields[1] as Argument)
    else args.push(fields.length, ...fields)
  }
  return args
}

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

  /** Appends these entries, names and values in turn. Called again only when it has settled. Answers their ids, where they are wanted; of a batch whose first answer was lost, none. */
  async append(entries: readonly Argument[][], wantsIds: boolean): Promise<string[]> {
    const ids: string[] = []
    for (let at = 0; at < entries.length; at += LOT) {
      const lot = entryArgs(this.#trimming, entries.slice(at, at + LOT))
      try {
        const args = [++this.#number, REMEMBERED, wantsIds ? 1 : 0, ...lot]
        // A sink waits until the server has memory again; a caller who wants ids wants to know now.
        const reply = await APPEND.run(this.#wire, [this.#stream, this.#writer], args, !wantsIds)
        if (Array.isArray(reply)) for (const id of reply) ids.push(String(id))
      } catch (error) {
        throw adapterError(`XADD ${this.#stream}`, error)
      }
    }
    return ids
  }
}
