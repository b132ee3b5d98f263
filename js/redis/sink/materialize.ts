// Results as hashes: an online store. A hash keeps the id of the entry that its newest result came from, and older ones change nothing.

import { AdapterError, type Joined, type Sink, VeloError } from '../../index.js'
import { callable, duration, onlyKnown } from '../../kit/check.js'
import { adapterError, insist } from '../client/faults.js'
import { Script } from '../client/script.js'
import { type Argument, type RedisClient, type Wire, wireOf } from '../client/wire.js'
import type { RedisSource } from '../source/redis-source.js'
import { acknowledging, Commits, joinable } from './commit.js'

/** Options of `materialize`. */
export interface MaterializeOptions<Out> {
  /** Key of the hash of a result. */
  key: (result: Out) => string
  /** What is set there; other fields stay. */
  fields: (result: Out) => Readonly<Record<string, string | number | boolean | Uint8Array>>
  /** ms after which a hash that was not set again expires. From 1. Default: never. */
  ttl?: number | undefined
  /** ms after which the fields that were set expire, each by itself. Needs Redis 7.4 or Valkey 9. From 1. Default: never. */
  fieldTtl?: number | undefined
  /**
   * The id of the entry that a result came from, which the hash keeps (`entries: true` gives it to the function). Default: the member `id` of a result where that is one, else the last entry of the
   * step with which it is stored; without a source in the same Redis, none, and the last write stays.
   */
  id?: ((result: Out) => string | undefined) | undefined
}

/** The field of a hash with the id. */
export const ID_FIELD = 'velo:id'
const ENTRY_ID = /^\d+-\d+$/

/** Sets one hash: `args` from `at` on are id ('' for none), ttl, ttl of fields (0 for none), how many names and values, these. */
const SET = `
local function set(hash, args, at)
  local id, ttl, fieldTtl, count = args[at], tonumber(args[at + 1]), tonumber(args[at + 2]), tonumber(args[at + 3])
  if id ~= '' then
    local kept = redis.call('HGET', hash, '${ID_FIELD}')
    if kept then
      local ms, number = string.match(kept, '^(%d+)-(%d+)$')
      local newMs, newNumber = string.match(id, '^(%d+)-(%d+)$')
      ms, number, newMs, newNumber = tonumber(ms), tonumber(number), tonumber(newMs), tonumber(newNumber)
      if ms and (newMs < ms or (newMs == ms and newNumber < number)) then return at + 4 + count end
    end
    redis.call('HSET', hash, '${ID_FIELD}', id)
  end
  for n = at + 4, at + 3 + count, 1000 do redis.call('HSET', hash, unpack(args, n, math.min(n + 999, at + 3 + count))) end
  if ttl > 0 then redis.call('PEXPIRE', hash, ttl) end
  if fieldTtl > 0 then
    for n = at + 4, at + 3 + count, 2 do redis.call('HPEXPIRE', hash, fieldTtl, 'FIELDS', 1, args[n]) end
  end
  return at + 4 + count
end
`
const SET_ALL = new Script(`${SET}
local at = 1
for n = 1, #KEYS do at = set(KEYS[n], ARGV, at) end
return 1
`)
const COMMIT_ALL = acknowledging(`${SET}
at = rest
for n = key + 1, #KEYS do at = set(KEYS[n], ARGV, at) end
`)

class Materialize<Out> implements Sink<Out> {
  readonly #wire: Wire
  readonly #options: MaterializeOptions<Out>
  /** Fields that expire are known to the server. */
  #isChecked = false

  constructor(wire: Wire, options: MaterializeOptions<Out>) {
    this.#wire = wire
    this.#options = options
  }

  async write(results: readonly Out[]): Promise<void> {
    await this.#check()
    const sets = results.map((result) => this.#set(result, ''))
    try {
      if (!this.#wire.isCluster)
        await SET_ALL.run(
          this.#wire,
          sets.map(([key]) => key),
          sets.flatMap(([, args]) => args),
        )
      // Each key may lie elsewhere; those of one key stay in their order.
      else for (const [key, args] of sets) await SET_ALL.run(this.#wire, [key], args)
    } catch (error) {
      throw adapterError('HSET', error)
    }
  }

  joined(source: unknown): Joined<Out> | undefined {
    const partner = this.#wire.isCluster ? undefined : joinable(source, this.#wire, [])
    if (partner === undefined) return undefined
    const commits = new Commits(this.#wire, partner as RedisSource, (partner as RedisSource).settings.streams[0] as string)
    return {
      commit: async (results, upTo) => {
        await this.#check()
        const last = (partner as RedisSource).before(upTo).at(-1)?.id ?? ''
        const sets = results.map((result) => this.#set(result, last))
        await commits.run(
          COMMIT_ALL,
          upTo,
          sets.map(([key]) => key),
          sets.flatMap(([, args]) => args),
        )
      },
    }
  }

  /** A server that knows no such fields would refuse in the middle of a step. */
  async #check(): Promise<void> {
    if (this.#isChecked || this.#options.fieldTtl === undefined) return
    const [about] = (await insist(this.#wire, ['COMMAND', 'INFO', 'HPEXPIRE'])) as [unknown]
    if (about === null || about === undefined)
      throw new AdapterError('VELO_ADAPTER', 'redis: materialize(options).fieldTtl needs a server with HPEXPIRE: Redis 7.4 or Valkey 9', {
        adapter: 'redis',
      })
    this.#isChecked = true
  }

  #set(result: Out, usual: string): [string, Argument[]] {
    const { key, fields, ttl, fieldTtl, id } = this.#options
    const own = id === undefined ? (result as { id?: unknown } | null)?.id : id(result)
    const isId = typeof own === 'string' && ENTRY_ID.test(own)
    if (id !== undefined && own !== undefined && !isId)
      throw new VeloError(
        'VELO_EVENT',
        `redis: materialize(options).id: expected the id of an entry, as 1526919030474-0, got ${String(own)}`,
      )
    const values = Object.entries(fields(result)).flatMap(([name, value]) => [name, typeof value === 'boolean' ? String(value) : value])
    return [key(result), [isId ? (own as string) : usual, ttl ?? 0, fieldTtl ?? 0, values.length, ...values]]
  }
}

/**
 * A sink that sets the fields of hashes, all of a batch in one round trip: the newest features of each key, say. An older entry never overwrites a newer one, because the hash keeps the id (in its
 * field `velo:id`), so delivering one again changes nothing.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. `write` rejects with `VELO_ADAPTER`.
 */
export function materialize<Out>(client: RedisClient, options: MaterializeOptions<Out>): Sink<Out> {
  const field = 'materialize(client, options)'
  const wire = wireOf(client, 'materialize(client)')
  onlyKnown(options, field, ['key', 'fields', 'ttl', 'fieldTtl', 'id'])
  callable(options.key, `${field}.key`)
  callable(options.fields, `${field}.fields`)
  if (options.id !== undefined) callable(options.id, `${field}.id`)
  duration(options.ttl, `${field}.ttl`, 1, 0)
  duration(options.fieldTtl, `${field}.fieldTtl`, 1, 0)
  return new Materialize(wire, options)
}
