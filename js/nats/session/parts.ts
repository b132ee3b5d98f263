// What is too large for one message, in several: stored before the message that names them, so nobody sees half of it. Parts that nothing names are removed with those before them.

import type { Box, Stored, Terms } from './box.js'

/** Parts that are on their way at a time. */
const AT_ONCE = 4

export class Parts {
  readonly #box: Box

  constructor(box: Box) {
    this.#box = box
  }

  /** Their sequences; `undefined` where the terms are not true any more. */
  async put(subject: string, body: Uint8Array, { last, ttl }: Terms): Promise<number[] | undefined> {
    const seqs: (number | undefined)[] = []
    const { room } = this.#box
    for (let at = 0; at < body.length; at += room * AT_ONCE) {
      const some = Array.from({ length: AT_ONCE }, (_, i) => body.subarray(at + i * room, at + (i + 1) * room)).filter(
        (part) => part.length > 0,
      )
      // They stay a little longer than what names them.
      seqs.push(...(await Promise.all(some.map((part) => this.#box.put(subject, part, { last, ttl: ttl && ttl + 1000 })))))
      if (seqs.includes(undefined)) return undefined
    }
    return seqs as number[]
  }

  async get(seqs: readonly number[]): Promise<Buffer> {
    const parts: Stored[] = []
    for (let at = 0; at < seqs.length; at += AT_ONCE) {
      const some = await Promise.all(seqs.slice(at, at + AT_ONCE).map((seq) => this.#box.at(seq)))
      for (const part of some) {
        if (part === undefined) throw new Error('a part of what is kept is missing')
        parts.push(part)
      }
    }
    return Buffer.concat(parts.map(({ data }) => data))
  }

  /** By and by: nobody waits for that, and what stays goes with the next. */
  purge(subject: string, upTo: number): void {
    this.#box.purge(subject, upTo).catch(() => {})
  }
}
