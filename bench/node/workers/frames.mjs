// 64 KB frames that are given away with `transfer` and come back. Owns: the frames, which go round like the buffers of a camera: one that has
// come back is filled and sent again, so nobody is measured on how fast memory can be had. Reads like an array, as far as the ways need it.
import { Digest, digestOf } from './kinds.mjs'

const SIZE = 65_536
const MARK = 97

export class Frames {
  #free = []
  #sent = 0
  #whole
  length

  /** `whole`: whether every byte of every result is looked at. */
  constructor(length, whole = false) {
    this.length = length
    this.#whole = whole
  }

  /** The next frame; its place must be asked for in order. */
  at(i) {
    if (i !== this.#sent++) throw new Error(`frame ${i} was asked for, but ${this.#sent - 1} is next`)
    const frame = this.#free.pop() ?? new Uint8Array(SIZE).fill(MARK)
    frame[0] = i
    frame[1] = i >> 8
    frame[SIZE - 1] = MARK ^ (i & 255)
    return frame
  }

  slice(from, to) {
    const batch = []
    for (let i = from; i < Math.min(to, this.length); i++) batch.push(this.at(i))
    return batch
  }

  /** Takes a result back, having looked at it: the function has changed the first byte by the place of the frame. */
  back(frame, i) {
    const right = frame.length === SIZE && frame[0] === 0 && frame[1] === ((i >> 8) & 255) && frame[SIZE - 1] === (MARK ^ (i & 255))
    if (!right || (this.#whole && !frame.subarray(2, SIZE - 1).every((byte) => byte === MARK)))
      throw new Error(`frame ${i} came back wrong`)
    this.#free.push(frame)
  }

  /** Starts over, keeping what is free. */
  again() {
    this.#sent = 0
    return this
  }
}

/** Like `checked` of kinds.mjs: every byte in a first turn, then enough of each frame to know it. */
export async function checkedFrames(length, ways) {
  const part = (frame) => frame[1] + frame[SIZE - 1]
  const marks = Array.from({ length }, (_, i) => ({ 1: (i >> 8) & 255, [SIZE - 1]: MARK ^ (i & 255) }))
  const contestants = {}
  for (const [name, way] of Object.entries(ways)) {
    const turn = async (frames) => {
      const digest = new Digest(part)
      await way(frames, (frame) => {
        frames.back(frame, digest.results)
        digest.take(frame)
      })
      return digest.answer
    }
    await turn(new Frames(length, true))
    const frames = new Frames(length)
    contestants[name] = () => turn(frames.again())
  }
  return { contestants, expected: digestOf(marks, part) }
}
