// The function in the process of the generator itself.
import { streamFn } from '../../../dist/index.js'
import { gray } from '../gray.mjs'

const fn = streamFn(gray)

export function open(_target, onResult, fail) {
  const stream = fn.open()
  const reading = read(stream, onResult)
  reading.catch(fail)
  return { send: (frame) => stream.send(frame).catch(fail), end: () => stream.end(), close: () => reading }
}

async function read(stream, onResult) {
  for await (const result of stream) onResult(result)
}
