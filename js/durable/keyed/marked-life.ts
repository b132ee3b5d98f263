// One life of the function of a key, which tells after each event how many results there were.

import type { Checkpoint } from '../journal.js'
import { Life, type LifeOwner } from '../stream/life.js'

export interface MarkedOwner extends LifeOwner {
  /** It is through with so many events, and has yielded so many results. */
  marked(events: number, results: number): void
}

export class MarkedLife extends Life {
  readonly #owner: MarkedOwner

  constructor(...args: [...(ConstructorParameters<typeof Life> extends [...infer Rest, LifeOwner] ? Rest : never), MarkedOwner]) {
    super(...args)
    this.#owner = args[4]
  }

  override checkpoint(checkpoint: Checkpoint): void {
    this.#owner.marked(checkpoint.events, checkpoint.results)
    super.checkpoint(checkpoint)
  }
}
