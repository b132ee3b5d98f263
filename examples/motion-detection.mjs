// A yard camera sends motion JPEG at ten frames a second: when did something move?
// Three stages: bytes to frames, frames to brightness, brightness to motions. What they remember (the frame begun, the empty yard)
// are local variables.
//
// $ node examples/motion-detection.mjs examples/videos/yard.mjpeg
// expect: motion from 2.1 s to 4.9 s, at most 4.1 % of the picture
// expect: motion from 8.1 s to 9.9 s, at most 2.5 % of the picture

import { createReadStream } from 'node:fs'
import { decode } from 'jpeg-js'
import { streamFn } from 'velo-stream'

const FRAMES_PER_SECOND = 10
const DIFFERENT = 24 // of 255 levels of brightness: more than the noise of the camera
const MOVING = 0.003 // part of the picture
const QUIET_FRAMES = 5 // so many quiet frames end a motion

// The bytes FF D9 end a picture; inside one, an encoder never writes them.
const END_OF_IMAGE = Buffer.from([0xff, 0xd9])

const frames = streamFn(async function* frames(chunks) {
  let rest = Buffer.alloc(0)
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(END_OF_IMAGE); end !== -1; end = rest.indexOf(END_OF_IMAGE)) {
      yield rest.subarray(0, end + 2)
      rest = rest.subarray(end + 2)
    }
  }
})

async function* brightness(jpegs) {
  for await (const jpeg of jpegs) {
    const { width, height, data } = decode(jpeg, { useTArray: true })
    const gray = new Float32Array(width * height)
    for (let i = 0; i < gray.length; i++) gray[i] = 0.3 * data[4 * i] + 0.59 * data[4 * i + 1] + 0.11 * data[4 * i + 2]
    yield gray
  }
}

async function* motion(pictures) {
  let empty // the yard as it looks with nobody in it
  let frame = 0
  let current // the motion that goes on
  for await (const picture of pictures) {
    empty ??= picture.slice()
    const moving = compare(picture, empty)
    const time = frame++ / FRAMES_PER_SECOND
    if (moving > MOVING) {
      current ??= { from: time, to: time, peak: 0 }
      current.to = time
      current.peak = Math.max(current.peak, moving)
    } else if (current && time - current.to >= QUIET_FRAMES / FRAMES_PER_SECOND) {
      yield current
      current = undefined
    }
  }
  if (current) yield current // the recording ended in the middle of it
}

/** The part of the picture that differs. Where nothing moves, the empty yard follows the daylight. */
function compare(picture, empty) {
  let different = 0
  for (let i = 0; i < picture.length; i++) {
    const change = picture[i] - empty[i]
    if (Math.abs(change) > DIFFERENT) different++
    else empty[i] += 0.05 * change
  }
  return different / picture.length
}

const detect = frames.pipe(brightness).pipe(motion)
const recording = createReadStream(process.argv[2] ?? new URL('videos/yard.mjpeg', import.meta.url))
for await (const { from, to, peak } of detect(recording)) {
  console.log(`motion from ${from.toFixed(1)} s to ${to.toFixed(1)} s, at most ${(100 * peak).toFixed(1)} % of the picture`)
}
