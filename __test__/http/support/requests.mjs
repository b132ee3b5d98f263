// Requests of fetch whose bodies come in the chunks that a test wants.

/** `body` in pieces of `size` bytes. */
export function chunksOf(body, size) {
  const chunks = []
  for (let at = 0; at < body.length; at += size) chunks.push(body.subarray(at, at + size))
  return chunks
}

/** `body` cut at these places, modulo its length. */
export function cut(body, places) {
  const sorted = [...new Set(places.map((place) => place % (body.length + 1)))].sort((a, b) => a - b)
  return [0, ...sorted].map((start, index) => body.subarray(start, sorted[index] ?? body.length)).filter((chunk) => chunk.length > 0)
}

/** A request with this body: an iterable of chunks, or null for one that never says anything. */
export function request(chunks, headers = {}, init = {}) {
  const iterator = chunks === null ? null : (chunks[Symbol.asyncIterator]?.() ?? chunks[Symbol.iterator]())
  const body = new ReadableStream({
    async pull(controller) {
      if (iterator === null) return new Promise(() => {})
      const { value, done } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(new Uint8Array(value))
    },
  })
  return new Request('http://test/', { method: 'POST', body, headers, duplex: 'half', ...init })
}
