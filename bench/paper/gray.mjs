// The function of the paper: each frame to gray by the mean of R, G and B. Says when it received its first frame to the process that started this one.
import { now } from './clock.mjs'

/** R, G and B of every pixel become their mean. */
export function toGray(frame) {
  const result = new Uint8Array(frame.length)
  for (let at = 0; at < frame.length; at += 3) {
    const mean = ((frame[at] + frame[at + 1] + frame[at + 2]) / 3) | 0
    result[at] = mean
    result[at + 1] = mean
    result[at + 2] = mean
  }
  return result
}

export const received = () => process.send({ first: now() })

/** The function of one stream; `onFirst` is called with its first frame. */
export const grayOf = (onFirst) =>
  async function* gray(frames) {
    let isFirst = true
    for await (const frame of frames) {
      if (isFirst) onFirst()
      isFirst = false
      yield toGray(frame)
    }
  }
