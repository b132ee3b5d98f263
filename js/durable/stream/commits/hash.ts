// A 32-bit hash of a result: MurmurHash3 (A. Appleby, public domain), which tells results of a replay that differ from those given out before.

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

export function hashOf(bytes: Uint8Array): number {
  const { length } = bytes
  const words = length & ~3
  let hash = 0
  for (let at = 0; at < words; at += 4) {
    hash ^= mixed(
      (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24),
    )
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let at = length - 1; at >= words; at--) tail = (tail << 8) | (bytes[at] as number)
  if (words < length) hash ^= mixed(tail)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

function mixed(word: number): number {
  const product = Math.imul(word, C1)
  return Math.imul((product << 15) | (product >>> 17), C2)
}
