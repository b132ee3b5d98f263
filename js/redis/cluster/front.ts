// The streams of a function that a server serves, as sessions of a cluster: what the option `durable` takes, so that whatever serves durable streams serves them.

import { randomUUID } from 'node:crypto'
import { DURABILITY, type Durability, type Durable } from '../../api/keeping/durability.js'
import type { Live } from '../../api/live.js'
import type { Definition } from '../../engine/definition.js'
import type { LeaseOptions } from '../../engine/lease.js'
import type { Stage } from '../../engine/stages/stage.js'
import { configError } from '../../kit/check.js'
import type { Puller } from '../../kit/iteration/pulled.js'
import type { UnfinishedStream } from '../../kit/types.js'
import type { Hostable } from './definition.js'
import type { Handles } from './handle/handles.js'
import { placesOf } from './handle/place.js'

/** `handles` throws `VELO_CLOSED` when the cluster was stopped. */
export function frontOf(hostable: Hostable, handles: () => Handles): Durable {
  return { [DURABILITY]: new ServedSessions(hostable, handles) }
}

class ServedSessions implements Durability {
  readonly #hostable: Hostable
  readonly #handles: () => Handles
  readonly #places = new WeakMap<Definition, Definition>()

  constructor(hostable: Hostable, handles: () => Handles) {
    this.#hostable = hostable
    this.#handles = handles
  }

  stages(stages: readonly Stage[]): readonly Stage[] {
    return stages
  }

  open(def: Definition, options: LeaseOptions, puller: Puller | undefined): Live {
    let places = this.#places.get(def)
    if (places === undefined) this.#places.set(def, (places = placesOf(def)))
    const id = options.id ?? `${this.#hostable.name}-${randomUUID()}`
    return this.#handles().serve(this.#hostable, places, { ...options, id }, puller)
  }

  run(): Promise<never> {
    return Promise.reject(onlyOpen('run(source)'))
  }

  call(): never {
    throw onlyOpen('fn(source)')
  }

  /** Whose clients are away, other fronts may know: what is abandoned expires. */
  async unfinished(): Promise<UnfinishedStream[]> {
    return []
  }

  async discard(): Promise<boolean> {
    return false
  }
}

function onlyOpen(field: string): Error {
  return configError(field, 'open() for a function that a cluster serves', undefined)
}
