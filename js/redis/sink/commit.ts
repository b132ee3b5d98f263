// Results and acknowledgements in one step: a script that stores nothing where an entry is not pending with this consumer any more, and nothing twice.

import { AdapterError } from '../../index.js'
import { adapterError, messageOf } from '../client/faults.js'
import { beside, Script, slotTag } from '../client/script.js'
import type { Argument, Wire } from '../client/wire.js'
import { byStream } from '../source/entry.js'
import { RedisSource, unique } from '../source/redis-source.js'
import { REMEMBERED } from './appender.js'

/**
 * What every such script begins with. KEYS: writer, then the streams of the entries. ARGV: number of the step, ms to remember, group, consumer, then for each stream: how many ids, these.
 * The ids of a stream mostly are all that is pending with this consumer between the first and the last of them: then one command checks them. It costs a third of one for each.
 * Leaves in `rest` where the rest of ARGV begins, in `key` the number of the last key of its own.
 */
const CHECK_FIRST = `
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
local function owned(stream, at, count)
  local pending = redis.call('XPENDING', stream, ARGV[3], ARGV[at + 1], ARGV[at + count], count, ARGV[4])
  for n = 1, count do if not pending[n] or pending[n][1] ~= ARGV[at + n] then return false end end
  return true
end
local at, key = 6, 1
for stream = 1, tonumber(ARGV[5]) do
  key = key + 1
  local count = tonumber(ARGV[at])
  if not owned(KEYS[key], at, count) then
    for n = at + 1, at + count do
      if #redis.call('XPENDING', KEYS[key], ARGV[3], ARGV[n], ARGV[n], 1, ARGV[4]) == 0 then
        return redis.error_reply('VELOFENCED ' .. ARGV[n])
      end
    end
  end
  at = at + count + 1
end
local rest = at
`
/** And what each ends with. What comes first may fail where this does not: then nothing is acknowledged. */
const ACK_LAST = `
at, key = 6, 1
for stream = 1, tonumber(ARGV[5]) do
  key = key + 1
  local count = tonumber(ARGV[at])
  for n = at + 1, at + count, 1000 do
    redis.call('XACK', KEYS[key], ARGV[3], unpack(ARGV, n, math.min(n + 999, at + count)))
  end
  at = at + count + 1
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

/** A script that does what `body` says, and then acknowledges. */
export function acknowledging(body: string): Script {
  return new Script(`${CHECK_FIRST}${body}${ACK_LAST}`)
}

/** Steps of one source and one sink. */
export class Commits {
  readonly #wire: Wire
  readonly #source: RedisSource
  readonly #writer: string
  #number = 0

  /** `key`: one that lies where the sink writes. */
  constructor(wire: Wire, source: RedisSource, key: string) {
    this.#wire = wire
    this.#source = source
    this.#writer = beside(key, `writer:${unique()}`)
  }

  /** Runs `script` with `keys` and `args` behind those of its own; every event before number `upTo` is done. */
  async run(script: Script, upTo: number, keys: readonly string[], args: readonly Argument[]): Promise<void> {
    const { group, consumer } = this.#source.settings
    const done = byStream(this.#source.before(upTo))
    const acks: Argument[] = [...done.values()].flatMap((ids) => [ids.length, ...ids])
    const all = [++this.#number, REMEMBERED, group as string, consumer, done.size, ...acks, ...args]
    try {
      await script.run(this.#wire, [this.#writer, ...done.keys(), ...keys], all)
    } catch (error) {
      if (messageOf(error).includes('VELOFENCED')) throw fenced(error)
      throw adapterError('results and acknowledgements', error)
    }
    this.#source.forget(upTo)
  }
}

function fenced(cause: unknown): AdapterError {
  const message = `redis: results were not stored: entries were taken over by another consumer meanwhile, because this one was not heard of for reclaimAfter (${messageOf(cause)})`
  return new AdapterError('VELO_ADAPTER', message, { adapter: 'redis', cause })
}

/** The source, where a script can reach its streams and these keys in one step. */
export function joinable(source: unknown, wire: Wire, keys: readonly string[]): RedisSource | undefined {
  if (!(source instanceof RedisSource) || source.settings.group === undefined || source.wire.client !== wire.client) return undefined
  const tags = new Set([...source.settings.streams, ...keys].map(slotTag))
  return wire.isCluster && tags.size > 1 ? undefined : source
}
