// Where entries go that nobody can work on: into a stream of their own, with what was wrong, and acknowledged in the same step.

import { adapterError, insist, messageOf } from '../client/faults.js'
import { Script } from '../client/script.js'
import type { Argument, Wire } from '../client/wire.js'
import type { Entry } from './entry.js'
import type { SourceSettings } from './options.js'

/** KEYS: stream, dead letters. ARGV: group, id, what the dead letter says. Once it is acknowledged it was put aside. */
const PUT = new Script(`
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return 1
`)

export class DeadLetters {
  readonly #wire: Wire
  readonly #settings: SourceSettings
  /** How many entries were put aside. */
  count = 0

  constructor(wire: Wire, settings: SourceSettings) {
    this.#wire = wire
    this.#settings = settings
  }

  /** Its own fields, and what was wrong. Throws that where there is no place for dead letters. */
  async put(entry: Entry, error: unknown): Promise<void> {
    const { group, deadLetter } = this.#settings
    if (deadLetter === undefined) throw error
    const { stream, id, fields, deliveries } = entry
    const about = { stream, id, group: group as string, deliveries: String(deliveries), error: messageOf(error) }
    const letter: Argument[] = [...fields, ...Object.entries(about).flatMap(([name, value]) => [`velo:${name}`, value])]
    try {
      await PUT.run(this.#wire, [stream, deadLetter], [group as string, id, ...letter])
    } catch (cause) {
      if (!/CROSSSLOT|non local key/i.test(messageOf(cause))) throw adapterError(`dead letter ${deadLetter}`, cause)
      // Servers that are two of a cluster: it may be there twice.
      await insist(this.#wire, ['XADD', deadLetter, '*', ...letter])
      await insist(this.#wire, ['XACK', stream, group as string, id])
    }
    this.count++
  }
}
