// The same running average as a `stream.Transform` in object mode, written to with respect for its drain.
import { once } from 'node:events'
import { Readable, Transform } from 'node:stream'

export function averageTransform() {
  let total = 0
  let count = 0
  return new Transform({
    objectMode: true,
    highWaterMark: 256,
    transform(event, _encoding, done) {
      done(null, (total += event) / ++count)
    },
  })
}

/** Fed from an iterable and read with `for await`, as it stands in most programs. */
export async function pulledTransform(source) {
  const results = []
  for await (const result of Readable.from(source, { highWaterMark: 256 }).pipe(averageTransform())) results.push(result)
  return results
}

/** Written to by hand, read with `for await`: both sides feel the pressure of the other. */
export async function writtenTransform(events) {
  const transform = averageTransform()
  const writing = writeAll(transform, events)
  const results = []
  for await (const result of transform) results.push(result)
  await writing
  return results
}

/** Written to by hand, read as `data` events: the cheapest way there is. The reader cannot make anybody wait. */
export async function eventedTransform(events) {
  const transform = averageTransform()
  const results = []
  transform.on('data', (result) => results.push(result))
  const ended = once(transform, 'end')
  await writeAll(transform, events)
  await ended
  return results
}

async function writeAll(transform, events) {
  for (const event of events) if (!transform.write(event)) await once(transform, 'drain')
  transform.end()
}
