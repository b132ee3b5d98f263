// Numbers that look random and are the same for the same seed: mulberry32.

/** A generator with `float()` in [0, 1), `below(n)`: an integer in [0, n), and `pick(list)`. */
export function random(seed) {
  let state = seed >>> 0
  const float = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (n) => Math.floor(float() * n)
  return { float, below, pick: (list) => list[below(list.length)] }
}
