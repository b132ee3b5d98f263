// A journal whose process dies at a certain step: what was done until then is on its shelf, and nothing is answered any more. Owns the moment of death.

import { never } from '../../support/deferred.mjs'
import { MemoryJournal } from './memory-journal.mjs'

const STEPS = ['open', 'append', 'commit']

export class MortalJournal extends MemoryJournal {
  #left
  #answersLast
  /** Called as it dies. */
  onDeath = () => {}
  isDead = false

  /** Dies at step `steps` (opens, appends and commits count): that one is done, and answered only if `answersLast` is true. */
  constructor(shelf, steps, answersLast) {
    super({ shelf })
    this.#left = steps
    this.#answersLast = answersLast
    for (const name of ['open', 'append', 'read', 'commit', 'discard', 'unfinished']) {
      const does = MemoryJournal.prototype[name]
      this[name] = async (...given) => {
        if (this.isDead) return never()
        const done = does.apply(this, given)
        if (STEPS.includes(name) && --this.#left === 0) {
          this.isDead = true
          this.onDeath()
          if (!this.#answersLast) {
            done.catch(() => {})
            return never()
          }
        }
        return done
      }
    }
  }
}
