// The place of a session among the streams of a server: a plain stream that only takes note of events. By it the limits of a function, its timers, signals and drains mean for a session what
// they mean for any stream.

import { Definition } from '../../../engine/definition.js'
import type { LeaseOptions } from '../../../engine/lease.js'
import { LiveMode } from '../../../engine/modes/live.js'
import type { Stage } from '../../../engine/stages/stage.js'
import type { Puller } from '../../../kit/iteration/pulled.js'
import { silence } from '../../../kit/promises.js'
import type { StreamContext, StreamEnd } from '../../../kit/types.js'

/** A client of this process, whom a session serves. */
export interface Front {
  /** By whose limits it is served. */
  readonly def: Definition
  readonly place: Place
  readonly puller: Puller | undefined
}

/** Whoever sends is somewhere else: silence is as it is with a source. */
const PULLED: Puller = { watch() {}, encode: (result) => result, holds: () => false }
/** Those that wait for their place, by their ids. */
const waiting = new Map<string, () => void>()

async function* place(events: AsyncIterable<unknown>, { id }: StreamContext): AsyncGenerator<never> {
  waiting.get(id)?.()
  for await (const _ of events);
}

const STAGE: Stage = { fn: place, name: 'place', schema: undefined }

/** Whose streams are the places of sessions that are opened by `def`. */
export function placesOf({ options, gates, given }: Definition): Definition {
  const { name } = options
  // Beside it the same process may host sessions, which are streams under that name.
  return new Definition([STAGE], { ...options, name: `${name} (front)`, context: undefined }, gates, given)
}

export class Place {
  /** Settles when it is there; never where it is gone before. */
  readonly taken: Promise<void>
  readonly #live: LiveMode

  /** Throws OverloadedError, or `VELO_CONFIG` for an id in use. */
  constructor(def: Definition, options: LeaseOptions & { id: string }) {
    const { id } = options
    this.#live = new LiveMode(def, options, PULLED)
    this.taken = new Promise((resolve) => void waiting.set(id, resolve))
    void this.ended.then(() => waiting.delete(id))
    void this.taken.then(() => waiting.delete(id))
    // A read starts it, as soon as there is room.
    void silence(this.#live.output.next())
  }

  get ended(): Promise<StreamEnd> {
    return this.#live.instance.whenEnded()
  }

  /** Settles when so many events were noted. */
  async note(events: number): Promise<void> {
    await this.#live.input.sendBatch(Array(events).fill(null)).catch(() => {})
  }

  /** `done`: by itself. */
  leave(done: boolean): void {
    if (done) this.#live.endInput()
    else void silence(this.#live.instance.close())
  }
}
