// The same running average as a Web `TransformStream`.

export function averageTransformStream() {
  let total = 0
  let count = 0
  const sizes = { highWaterMark: 256 }
  return new TransformStream({ transform: (event, controller) => controller.enqueue((total += event) / ++count) }, sizes, sizes)
}

/** Written to as its `ready` allows, read with a reader. */
export async function throughTransformStream(events) {
  const { readable, writable } = averageTransformStream()
  const writing = writeAll(writable.getWriter(), events)
  const reader = readable.getReader()
  const results = []
  for (let read = await reader.read(); !read.done; read = await reader.read()) results.push(read.value)
  await writing
  return results
}

async function writeAll(writer, events) {
  for (const event of events) {
    if (writer.desiredSize <= 0) await writer.ready
    void writer.write(event)
  }
  await writer.close()
}
