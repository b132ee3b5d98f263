// What a journey did to the world by `ctx.run`: each effect by its key, what was done, and what its function was told. Once it was told, it is not done again, and is
// told the same.

/** A function tries an effect so often in one opening at most. */
const TRIES = 2

export class Effects {
  /** Effects told, and times that one was begun again before it was. */
  counts = { effects: 0, again: 0 }
  #wrong
  #known = new Map()
  /** How often each was begun, by its key and opening. */
  #begun = new Map()

  constructor(wrong) {
    this.#wrong = wrong
  }

  did(a, key, value) {
    const effect = this.#known.get(key) ?? { done: [], told: undefined }
    this.#known.set(key, effect)
    if (effect.told !== undefined) this.#wrong(`${key} was done again, after it was told that ${effect.told} came of it`)
    const here = this.#begun.get(`${a}/${key}`) ?? 0
    this.#begun.set(`${a}/${key}`, here + 1)
    if (effect.done.length > 0 && here === 0) this.counts.again++
    if (here >= TRIES) this.#wrong(`${key} was done more than ${TRIES} times in one opening`)
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

  /** What was begun and not told may be begun again. */
  restart() {
    this.#begun.clear()
  }

  forget() {
    this.#known.clear()
    this.#begun.clear()
  }
}
