// The function in the process of the generator itself, which has had one stream, as a warm server has.
import { streamFn } from '../../../dist/index.js'
import { images } from '../frames.mjs'
import { grayOf, received } from '../gray.mjs'

let onFirst = () => {}
const fn = streamFn(grayOf(() => onFirst()))
await read(warming(), () => {})
onFirst = received

function warming() {
  const stream = fn.open()
  void stream.sendBatch(images()).then(() => stream.end())
  return stream
}

export function open(_target, onResult, fail) {
  const stream = fn.open()
  const reading = read(stream, onResult)
  reading.catch(fail)
  return { send: (frame) => stream.send(frame).catch(fail), end: () => stream.end(), close: () => reading }
}

async function read(stream, onResult) {
  for await (const result of stream) onResult(result)
}
