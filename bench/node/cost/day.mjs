// A day of streams on paper: when they come, how many there are at once. Owns: the simulation. Not here: what a stream takes (cost.mjs measures it).

export const DAY = 86_400

/** Random numbers of a seed, in 0 to 1. */
function random(seed) {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/**
 * So many streams of so many seconds in a day whose busiest hour has `peak` times the average of the day: each comes by itself, at a random moment. Answers how many there are at once, on average and at most.
 */
export function dayOf(streams, seconds, peak, seed = 1) {
  const draw = random(seed)
  const begun = new Uint32Array(DAY)
  for (let left = streams; left > 0; ) {
    const second = Math.floor(draw() * DAY)
    // More by day than by night: a cosine whose top is `peak` times its mean, cut at nothing.
    const weight = Math.max(0, 1 - (peak - 1) * Math.cos((2 * Math.PI * second) / DAY)) / peak
    if (draw() > weight) continue
    begun[second]++
    left--
  }
  let [open, most, sum] = [0, 0, 0]
  for (let second = 0; second < DAY + seconds; second++) {
    open += (begun[second] ?? 0) - (begun[second - seconds] ?? 0)
    most = Math.max(most, open)
    sum += open
  }
  return { average: sum / DAY, most }
}
