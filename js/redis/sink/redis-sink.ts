// Results as entries of a stream, in order.

import type { Joined, Sink } from '../../index.js'
import { configError, onlyKnown, record, text } from '../../kit/check.js'
import { codecOf, type EntryCodec, type FieldCodec } from '../client/codec.js'
import { type RedisClient, type Wire, wireOf } from '../client/wire.js'
import { type RedisSource, unique } from '../source/redis-source.js'
import { ADD, Appender, entryArgs, type MaxLength, trimming } from './appender.js'
import { acknowledging, Commits, joinable } from './commit.js'

/** Options of `redisSink`. */
export interface RedisSinkOptions {
  stream: string
  /** About how many entries the stream keeps, or exactly: `{ exact: n }`. Default: all. */
  maxlen?: MaxLength | undefined
  /** How values lie in entries. Default `'json'`. */
  codec?: EntryCodec | undefined
  /** The field of `'json'` and `'msgpack'`. Default `'data'`. */
  field?: string | undefined
}

/** KEYS: stream. ARGV: entries. */
const APPEND = acknowledging(`${ADD}
add(KEYS[key + 1], rest, {})
`)

/** @throws VeloError `VELO_CONFIG` */
export function checkMaxlen(maxlen: MaxLength | undefined, field: string): void {
  const length = typeof maxlen === 'object' && maxlen !== null ? maxlen.exact : maxlen
  if (length !== undefined && !(Number.isInteger(length) && length >= 0))
    throw configError(field, 'an integer from 0 up, or { exact: n }', maxlen)
}

class RedisSink<Out> implements Sink<Out> {
  readonly #wire: Wire
  readonly #stream: string
  readonly #codec: FieldCodec
  readonly #maxlen: MaxLength | undefined
  readonly #appender: Appender

  constructor(wire: Wire, stream: string, codec: FieldCodec, maxlen: MaxLength | undefined) {
    this.#wire = wire
    this.#stream = stream
    this.#codec = codec
    this.#maxlen = maxlen
    this.#appender = new Appender(wire, stream, unique(), maxlen)
  }

  async write(results: readonly Out[]): Promise<void> {
    await this.#appender.append(
      results.map((result) => this.#codec.encode(result)),
      false,
    )
  }

  joined(source: unknown): Joined<Out> | undefined {
    const partner = joinable(source, this.#wire, [this.#stream])
    return (
      partner && new JoinedAppends(new Commits(this.#wire, partner as RedisSource, this.#stream), this.#stream, this.#codec, this.#maxlen)
    )
  }
}

class JoinedAppends<Out> implements Joined<Out> {
  readonly #commits: Commits
  readonly #stream: string
  readonly #codec: FieldCodec
  readonly #trimming: ReturnType<typeof trimming>

  constructor(commits: Commits, stream: string, codec: FieldCodec, maxlen: MaxLength | undefined) {
    this.#commits = commits
    this.#stream = stream
    this.#codec = codec
    this.#trimming = trimming(maxlen)
  }

  async commit(results: readonly Out[], upTo: number): Promise<void> {
    const args = entryArgs(
      this.#trimming,
      results.map((result) => this.#codec.encode(result)),
    )
    await this.#commits.run(APPEND, upTo, [this.#stream], args)
  }
}

/**
 * Results as entries of a stream, in order, many at a time; no entry twice, however often connections are cut. In one Redis with the source of `consume` (the same client), results and
 * acknowledgements are one step.
 *
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range. `write` rejects with `VELO_ADAPTER`.
 */
export function redisSink<Out = unknown>(client: RedisClient, options: RedisSinkOptions): Sink<Out> {
  const field = 'redisSink(client, options)'
  const wire = wireOf(client, 'redisSink(client)')
  record(options, field)
  onlyKnown(options, field, ['stream', 'maxlen', 'codec', 'field'])
  text(options.stream, `${field}.stream`)
  checkMaxlen(options.maxlen, `${field}.maxlen`)
  return new RedisSink(wire, options.stream, codecOf(options.codec, options.field, field), options.maxlen)
}
