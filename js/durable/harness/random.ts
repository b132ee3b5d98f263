// The generator behind `ctx.random()`: sfc32 (C. Doty-Humphrey, PractRand), 128 bits of state, which a checkpoint keeps.

export class Random {
  readonly #state: Uint32Array

  /** `state`: four words, from `seeded` or `position`. */
  constructor(state: readonly number[]) {
    this.#state = Uint32Array.from(state)
  }

  /** The state for a seed, an integer below 2^53. The first numbers depend on few bits of the seed and are passed over. */
  static seeded(seed: number): number[] {
    const random = new Random([seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1])
    for (let round = 0; round < 12; round++) random.next()
    return random.position
  }

  get position(): number[] {
    return [...this.#state]
  }

  /** From 0 up to 1, in steps of 2^-32. */
  next(): number {
    const state = this.#state
    const [a, b, c, d] = state as unknown as [number, number, number, number]
    const sum = (a + b + d) >>> 0
    state[0] = b ^ (b >>> 9)
    state[1] = c + (c << 3)
    state[2] = ((c << 21) | (c >>> 11)) + sum
    state[3] = d + 1
    return sum / 2 ** 32
  }
}
