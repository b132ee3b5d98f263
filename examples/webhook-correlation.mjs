// A payment provider answers by webhook: sooner or later, twice, before we have noted the request, or never.
// The stream pairs requests with callbacks by id. When nothing has come for a while its input ends, and the function sums up what is
// missing.
//
// expect: p-1 answered after 120 ms
// expect: p-3 answered after 40 ms
// expect: p-2 answered after 310 ms
// expect: no answer to p-4
// expect: nobody asked for p-9
// expect: ended: idle

import { streamFn } from 'velo-stream'

const correlate = streamFn(
  async function* correlate(hooks) {
    const waiting = new Map()
    const paired = new Set()
    for await (const hook of hooks) {
      const other = waiting.get(hook.id)
      if (paired.has(hook.id) || other?.kind === hook.kind) continue // delivered twice
      if (!other) {
        waiting.set(hook.id, hook)
        continue
      }
      waiting.delete(hook.id)
      paired.add(hook.id)
      yield `${hook.id} answered after ${Math.abs(hook.at - other.at)} ms`
    }
    // The input has ended: after idleTimeout by itself, or because the caller said end().
    for (const { id, kind } of waiting.values()) yield kind === 'request' ? `no answer to ${id}` : `nobody asked for ${id}`
  },
  { idleTimeout: 100 },
)

const hooks = [
  { id: 'p-1', kind: 'request', at: 0 },
  { id: 'p-2', kind: 'request', at: 10 },
  { id: 'p-1', kind: 'callback', at: 120 },
  { id: 'p-3', kind: 'callback', at: 130 },
  { id: 'p-3', kind: 'request', at: 90 },
  { id: 'p-1', kind: 'callback', at: 200 },
  { id: 'p-4', kind: 'request', at: 210 },
  { id: 'p-9', kind: 'callback', at: 220 },
  { id: 'p-2', kind: 'callback', at: 320 },
]

const stream = correlate.open()
try {
  for (const hook of hooks) await stream.send(hook)
  // No end(): the silence ends the stream, and the wait for it keeps the process alive.
  for await (const line of stream) console.log(line)
  console.log(`ended: ${(await stream.closed).reason}`)
} finally {
  await stream.close()
}
