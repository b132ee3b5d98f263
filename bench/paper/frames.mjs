// The load of the paper: 20 distinct random images of 160 x 120 pixels, RGB. Owns: the images, and what each must become, computed on its own. Not here: the function that is measured (gray.mjs).

export const FRAME = 160 * 120 * 3
export const IMAGES = 20

/** Random bytes of a seed, by xorshift. */
export function images(seed = 2_603) {
  let state = seed
  return Array.from({ length: IMAGES }, () => {
    const bytes = Buffer.allocUnsafe(FRAME)
    for (let at = 0; at < FRAME; at++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      bytes[at] = state
    }
    return bytes
  })
}

/** Gray by the mean of the three, by another way than the function that is measured: from a table of all sums, a plane at a time. */
export function expected(image) {
  const means = Uint8Array.from({ length: 766 }, (_, sum) => Math.floor(sum / 3))
  const sums = new Uint16Array(FRAME / 3)
  for (let color = 0; color < 3; color++) for (let at = 0; at < sums.length; at++) sums[at] += image[3 * at + color]
  const gray = Buffer.alloc(FRAME)
  for (let color = 0; color < 3; color++) for (let at = 0; at < sums.length; at++) gray[3 * at + color] = means[sums[at]]
  return gray
}

/** The frame that is created for this turn: its own memory, as a camera gives it. */
export const created = (all, at) => Buffer.from(all[at % IMAGES])
