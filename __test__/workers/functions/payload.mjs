// Bytes that say which stream and event they belong to, made on one thread and checked on another.

import { random } from '../../support/random.mjs'

/** Random bytes, the same in every thread: a payload is a piece of them. */
const STOCK = new Uint8Array(1 << 21)
{
  const { below } = random(1)
  const words = new Uint32Array(STOCK.buffer)
  for (let i = 0; i < words.length; i++) words[i] = below(2 ** 32)
}

const MOST = 1 << 20

/** How many bytes: from none to 1 MB, mostly few. */
function size({ float, below }) {
  const kind = float()
  if (kind < 0.05) return 0
  if (kind < 0.7) return below(300)
  if (kind < 0.95) return below(8_000)
  if (kind < 0.998) return below(60_000)
  return below(MOST + 1)
}

/** Event `n` of stream `id`: its bytes follow from the two. */
export function payload(id, n) {
  const chance = random(id * 1_000 + n)
  const length = size(chance)
  const from = chance.below(STOCK.length - length)
  return { id, n, bytes: STOCK.slice(from, from + length) }
}

/** Whether it is that very event, byte for byte. */
export function isPayload({ id, n, bytes }, expectedId, expectedN) {
  if (id !== expectedId || n !== expectedN || !(bytes instanceof Uint8Array)) return false
  return Buffer.compare(bytes, payload(id, n).bytes) === 0
}

/** Checks every event and sends it back. Its first event says whose it is: no other may follow. `die` takes the thread along. */
export async function* checked(events) {
  let mine
  let next = 0
  for await (const event of events) {
    if (event.die === 'exit') process.exit(5)
    if (event.die === 'loop') for (;;);
    mine ??= event.id
    if (!isPayload(event, mine, next)) throw new Error(`stream ${mine} got event ${event.n} of stream ${event.id} instead of ${next}`)
    next++
    yield event
  }
}
