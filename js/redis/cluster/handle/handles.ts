// Sessions that this process has open, for its users and for clients that it serves.

import type { Definition } from '../../../engine/definition.js'
import type { LeaseOptions } from '../../../engine/lease.js'
import { ClosedError, TimeoutError } from '../../../kit/errors.js'
import type { Puller } from '../../../kit/iteration/pulled.js'
import { silence } from '../../../kit/promises.js'
import type { StreamHeaders } from '../../../kit/types.js'
import { adapterError, isRefusal, messageOf } from '../../client/faults.js'
import { keysOf, tagOf } from '../../session/keys.js'
import type { Scripts } from '../../session/scripts/script.js'
import type { Hostable } from '../definition.js'
import type { Names } from '../names.js'
import type { Audience, Seat } from './audience.js'
import { Place } from './place.js'
import { closed, movedOn } from './refusals.js'
import { type Entering, Remote } from './remote.js'
import { RemoteLive } from './remote-live.js'
import type { SenderLimits } from './sender.js'

/** What is told to no function of another process: with it that one could act as the client. */
const SECRETS = ['authorization', 'cookie', 'proxy-authorization']

/** On its way to be open. */
interface Opening {
  readonly remote: Remote
  readonly seat: Seat
}

export class Handles {
  readonly #scripts: Scripts
  readonly #audience: Audience
  readonly #prefix: string
  readonly #names: Names
  readonly #limits: SenderLimits

  constructor(scripts: Scripts, audience: Audience, prefix: string, names: Names, limits: SenderLimits) {
    this.#scripts = scripts
    this.#audience = audience
    this.#prefix = prefix
    this.#names = names
    this.#limits = limits
  }

  get count(): number {
    return this.#audience.lives.length
  }

  /** Rejects with what the server says; `VELO_CLOSED` where somebody else opened it meanwhile, `VELO_TIMEOUT` where the server does not answer. */
  async open(hostable: Hostable, id: string): Promise<RemoteLive> {
    const opening = this.#opening(hostable, id, {})
    const live = new RemoteLive(opening.remote, hostable)
    await this.#enter(live, opening)
    return live
  }

  /** For a client of this process: at once, whatever the server says, which its reads and sends are told. Throws OverloadedError, or `VELO_CONFIG` for an id in use. */
  serve(hostable: Hostable, def: Definition, options: LeaseOptions & { id: string }, puller: Puller | undefined): RemoteLive {
    const { id, headers } = options
    const opening = this.#opening(hostable, id, { headers: withoutSecrets(headers), replaces: true })
    const place = new Place(def, options)
    const live = new RemoteLive(opening.remote, hostable, { def, place, puller })
    const gone = place.ended.then((end) => Promise.reject(closed(id, end)))
    void silence(
      Promise.race([place.taken, gone]).then(
        () => this.#enter(live, opening),
        (error) => live.fail(error),
      ),
    )
    return live
  }

  /** All of them; the sessions live. */
  async close(): Promise<void> {
    await Promise.all(this.#audience.lives.map((live) => live.close()))
  }

  /** Throws `VELO_CHECKPOINT` for an id that cannot be one. */
  #opening({ name }: Hostable, id: string, more: Pick<Entering, 'headers' | 'replaces'>): Opening {
    const key = { function: name, id }
    tagOf(key)
    const keys = keysOf(this.#prefix, key)
    const seat: Seat = { live: undefined }
    const left = (): Promise<void> => this.#audience.giveUp(keys.output, seat)
    const owner = { ended: () => void silence(left()), left }
    return { remote: new Remote(this.#scripts, this.#names, { key, keys, limits: this.#limits, ...more }, owner), seat }
  }

  /** First hear of it, then look: so nothing is missed. */
  async #enter(live: RemoteLive, { remote, seat }: Opening): Promise<void> {
    const { output } = remote.keys
    try {
      await this.#audience.take(output, seat)
      const entered = await remote.enter()
      if (entered === undefined) throw movedOn(live.id)
      seat.live = live
      live.begin(entered)
    } catch (cause) {
      await this.#audience.giveUp(output, seat)
      const error = notOpened(live.id, cause)
      live.fail(error)
      throw error
    }
  }
}

function notOpened(id: string, cause: unknown): unknown {
  if (cause instanceof ClosedError || (cause as { code?: unknown }).code === 'VELO_CHECKPOINT') return cause
  if (isRefusal(cause)) return adapterError(`session ${id}`, cause)
  return new TimeoutError('VELO_TIMEOUT', `session ${id}: ${messageOf(cause)}`, { streamId: id, cause })
}

function withoutSecrets(headers: StreamHeaders | undefined): StreamHeaders | undefined {
  if (headers === undefined) return undefined
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRETS.includes(name.toLowerCase())))
}
