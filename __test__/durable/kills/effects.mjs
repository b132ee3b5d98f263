// What a journey did to the world by `ctx.run`: each effect by its key, what was done, and what its function was told. Once it was told, it is not done again, and is
// told the same.

/** Attempts of an effect in one life of a function at most. */
const TRIES = 2

export class Effects {
  /** Effects told, and times that one was begun again before it was. */
  counts = { effects: 0, again: 0 }
  #wrong
  #known = new Map()
  /** How often each was begun, by its key and opening. */
  #begun = new Map()
  /** The current opening, and the lives of the function in it: another one begins when its thread dies. */
  #opening
  #lives = 1

  constructor(wrong) {
    this.#wrong = wrong
  }

  did(a, key, value) {
    const effect = this.#known.get(key) ?? { done: [], told: undefined }
    this.#known.set(key, effect)
    if (effect.told !== undefined) this.#wrong(`${key} was done again, after it was told that ${effect.told} came of it`)
    if (a !== this.#opening) {
      this.#opening = a
      this.#lives = 1
    }
    const here = this.#begun.get(`${a}/${key}`) ?? 0
    this.#begun.set(`${a}/${key}`, here + 1)
    if (effect.done.length > 0 && here === 0) this.counts.again++
    if (here >= TRIES * this.#lives) this.#wrong(`${key} was done more than ${TRIES} times in one life`)
    effect.done.push(value)
  }

  told(key, value) {
    const effect = this.#known.get(key)
    if (effect === undefined || !effect.done.includes(value.replace('!', '')))
      return this.#wrong(`${key} came to ${value}, which was never done`)
    if (effect.told === undefined) this.counts.effects++
    else if (effect.told !== value) this.#wrong(`${key} came to ${value}, after ${effect.told} was told`)
    effect.told = value
  }

  /** Whether that was told of some effect. */
  knows(value) {
    return [...this.#known.values()].some(({ told }) => told === value)
  }

  /**
   * What was begun and not told may be begun again. A stage on another thread goes on with its attempts until it learns of the death, so those of both lives are counted
   * together.
   */
  restart() {
    this.#lives++
  }

  forget() {
    this.#known.clear()
    this.#begun.clear()
  }
}
