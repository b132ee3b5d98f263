// Scene changes of a motion JPEG video: its bytes in, the changes out, each as soon as its picture has come.

import { decode } from 'jpeg-js'
import { streamFn } from 'velo-stream'

const FRAMES_PER_SECOND = 10
const LEVELS = 32
const OTHER = 0.35 // part of the picture whose brightness is another one

// The bytes FF D9 end a picture; inside one, an encoder never writes them.
const END_OF_IMAGE = Buffer.from([0xff, 0xd9])

async function* pictures(chunks) {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(END_OF_IMAGE); end !== -1; end = rest.indexOf(END_OF_IMAGE)) {
      yield rest.subarray(0, end + 2)
      rest = rest.subarray(end + 2)
    }
  }
}

async function* changes(jpegs) {
  let before
  let frame = 0
  for await (const jpeg of jpegs) {
    const now = histogram(decode(jpeg, { useTArray: true }))
    const differs = before === undefined ? 0 : difference(before, now)
    if (differs > OTHER) yield { seconds: frame / FRAMES_PER_SECOND, differs: Math.round(differs * 100) }
    before = now
    frame++
  }
}

/** Part of the picture at each level of brightness. */
function histogram({ data }) {
  const levels = new Float64Array(LEVELS)
  const pixels = data.length / 4
  for (let at = 0; at < data.length; at += 4) {
    const brightness = 0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2]
    levels[Math.floor((brightness * LEVELS) / 256)] += 1 / pixels
  }
  return levels
}

function difference(one, other) {
  let sum = 0
  for (let level = 0; level < LEVELS; level++) sum += Math.abs(one[level] - other[level])
  return sum / 2
}

export const sceneChanges = streamFn(pictures, { name: 'sceneChanges' }).pipe(changes)
