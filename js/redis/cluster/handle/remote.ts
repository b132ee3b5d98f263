// js/redis/cluster/handle: sessions that this process has open. Knows nothing of where they run.
//
// What the process that opened a session asks the server about it.

import { randomBytes } from 'node:crypto'
import type { StreamKey } from '../../../durable/journal.js'
import { ClosedError } from '../../../kit/errors.js'
import { silence } from '../../../kit/promises.js'
import type { StreamHeaders } from '../../../kit/types.js'
import type { SessionKeys } from '../../session/keys.js'
import { refusal, tagOf } from '../../session/keys.js'
import { ABORT, ENTER, ENTRY, RESULTS, TAKEN, TOUCH } from '../../session/scripts/lua-remote.js'
import type { Scripts } from '../../session/scripts/script.js'
import { ENLIST, GROUP, IS_LISTED } from '../lua-directory.js'
import type { Names } from '../names.js'
import type { Page } from './receiver.js'
import type { SenderLimits } from './sender.js'

/** What there is of a session when it is opened. */
export interface Entered {
  readonly isNew: boolean
  /** Index of the next event, and of the next result that nobody took. */
  readonly events: number
  readonly results: number
  readonly ended: boolean
  readonly isOver: boolean
}

/** How a session is opened. */
export interface Entering {
  readonly key: StreamKey
  readonly keys: SessionKeys
  readonly limits: SenderLimits
  /** What the function is told, where the session is new. */
  readonly headers?: StreamHeaders | undefined
  /** It is for a client, who reads in place of whoever sent before, and is kept as long as it is open. */
  readonly replaces?: boolean
}

/** What is told of its life. */
export interface RemoteOwner {
  /** Nothing is heard of it any more. */
  ended(): void
  /** The same; settles when the server knows. */
  left(): Promise<void>
}

/** ms that the end of a session is kept when everybody knows it. */
const KNOWN = 60_000
const PAGE_BYTES = 1 << 20

export class Remote {
  readonly key: StreamKey
  readonly keys: SessionKeys
  readonly token = randomBytes(6).toString('base64url')
  readonly scripts: Scripts
  readonly limits: SenderLimits
  readonly #names: Names
  readonly #entering: Entering
  readonly #owner: RemoteOwner
  readonly #seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
  #number = 0
  #touches: NodeJS.Timeout | undefined

  constructor(scripts: Scripts, names: Names, entering: Entering, owner: RemoteOwner) {
    this.scripts = scripts
    this.#names = names
    this.#entering = entering
    this.key = entering.key
    this.keys = entering.keys
    this.limits = entering.limits
    this.#owner = owner
  }

  /** Opens it. `undefined`: somebody else did after us. */
  async enter(): Promise<Entered | undefined> {
    const { headers, replaces } = this.#entering
    const told = headers === undefined ? '' : JSON.stringify(headers)
    const args = [this.token, Date.now(), this.#seed, this.limits.ttl, this.#number, this.keys.output, told, replaces === true ? 1 : 0]
    const answer = (await this.scripts.run(ENTER, this.keys.all, args)) as [Buffer, number, number, number, number, number, number]
    const [word, isNew, number, events, ended, results, isOver] = answer
    if (String(word) === 'journal') {
      const why =
        'a RedisJournal of an earlier version stores a durable stream of this prefix, function and id: open it there once, or use another prefix'
      throw refusal(this.key, why)
    }
    if (String(word) !== 'ok') return undefined
    this.#number = number
    // As long as its client is there, it is not forgotten.
    if (replaces === true) this.#touches ??= setInterval(() => silence(this.#touch()), this.limits.ttl / 3).unref()
    if (isOver === 0) await this.#enlist()
    return { isNew: isNew === 1, events, results, ended: ended === 1, isOver: isOver === 1 }
  }

  /** Whether somebody opened it after us: the one with this number. */
  isBehind(number: number): boolean {
    return this.#number > 0 && number > this.#number
  }

  async again(): Promise<number | undefined> {
    return (await this.enter())?.events
  }

  /** A server that lost its tail may not know of it any more, or not who opened it, or not that it is to be hosted: then it does again. `taken`: results. */
  async restore(taken: number): Promise<void> {
    const [word, entry] = (await this.scripts.run(ENTRY, this.keys.all, [this.token, this.#number, taken])) as [Buffer, Buffer]
    if (String(word) === 'gone') await this.enter()
    else if (String(word) === 'ok' && !(await this.#isListed(entry))) await this.#enlist()
  }

  async results(from: number, count: number): Promise<Page> {
    const answer = (await this.scripts.run(RESULTS, this.keys.all, [from, count, PAGE_BYTES])) as [Buffer, Buffer[], number, Buffer, Buffer]
    const [word, records, next, end, sender] = answer
    const id = this.key.id
    switch (String(word)) {
      case 'ok':
        return { records, next, end: end.length === 0 ? undefined : end, isOurs: String(sender) === this.token }
      case 'behind':
        throw new ClosedError('VELO_CLOSED', `session ${id}: this reader was too far behind: result ${from} is not kept any more`, {
          streamId: id,
        })
      default:
        throw refusal(this.key, 'it is not kept any more')
    }
  }

  async taken(results: number): Promise<void> {
    await this.scripts.run(TAKEN, this.keys.all, [this.token, results, KNOWN, this.keys.input])
  }

  async abort(end: Uint8Array): Promise<void> {
    clearInterval(this.#touches)
    await this.scripts.run(ABORT, this.keys.all, [this.token, end, KNOWN, this.keys.input, this.keys.output])
  }

  ended(): void {
    clearInterval(this.#touches)
    this.#owner.ended()
  }

  /** Its reader holds nothing back any more. */
  async leave(): Promise<void> {
    clearInterval(this.#touches)
    await this.scripts.run(TAKEN, this.keys.all, [this.token, '', KNOWN, this.keys.input]).catch(() => {})
    await this.#owner.left()
  }

  async #touch(): Promise<void> {
    await this.scripts.run(TOUCH, this.keys.all, [this.limits.ttl])
  }

  /** Whoever is listed twice is claimed once. */
  async #enlist(): Promise<void> {
    await this.scripts.run(ENLIST, this.#names.directory, [tagOf(this.key), this.#names.news])
  }

  /** Whether it was given to a worker, or given back by one. */
  async #isListed(entry: Buffer): Promise<boolean> {
    if (entry.length === 0) return false
    // Without workers there is no group yet.
    const answer = await this.scripts.run(IS_LISTED, this.#names.directory, [GROUP, entry]).catch(() => undefined)
    return (answer as [Buffer, number] | undefined)?.[1] === 1
  }
}
