// How the benches use a live stream: every event sent, every result read. Works with any build of velo-stream.

/** `send` awaited on one side, `for await` on the other. */
export async function throughStream(fn, events, options) {
  const stream = fn.open(options)
  const sending = sendAll(stream, events)
  const results = []
  for await (const result of stream) results.push(result)
  await sending
  return results
}

/** The same as one writes to a `Writable`: nobody waits while there is room. */
export async function throughTrySend(fn, events) {
  const stream = fn.open()
  const sending = trySendAll(stream, events)
  const results = []
  for await (const result of stream) results.push(result)
  await sending
  return results
}

/** The same in batches. */
export async function throughBatches(fn, events, size) {
  const stream = fn.open()
  const sending = sendBatches(stream, events, size)
  const results = []
  for (let batch = await stream.recvBatch(size); batch.length > 0; batch = await stream.recvBatch(size)) {
    for (const result of batch) results.push(result)
  }
  await sending
  return results
}

/** One event in, its result out, then the next. */
export async function pingPong(fn, events, options) {
  const stream = fn.open(options)
  const results = []
  for (const event of events) {
    await stream.send(event)
    results.push(await stream.recv())
  }
  await stream.close()
  return results
}

async function sendAll(stream, events) {
  for (const event of events) await stream.send(event)
  stream.end()
}

async function trySendAll(stream, events) {
  for (const event of events) if (!stream.trySend(event)) await stream.send(event)
  stream.end()
}

async function sendBatches(stream, events, size) {
  for (let i = 0; i < events.length; i += size) await stream.sendBatch(events.slice(i, i + size))
  stream.end()
}
