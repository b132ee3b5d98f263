// A script of the server, sent by its hash: in full only where the server does not know it.

import { createHash } from 'node:crypto'
import { insist, messageOf } from './faults.js'
import type { Argument, Wire } from './wire.js'

export class Script {
  readonly #source: string
  readonly #hash: string

  constructor(source: string) {
    this.#source = source
    this.#hash = createHash('sha1').update(source).digest('hex')
  }

  /** Runs it until there is an answer: it must be one that may be repeated. */
  async run(wire: Wire, keys: readonly string[], args: readonly Argument[], waits = true): Promise<unknown> {
    const rest = [keys.length, ...keys, ...args]
    try {
      return await insist(wire, ['EVALSHA', this.#hash, ...rest], false, waits)
    } catch (error) {
      if (!messageOf(error).includes('NOSCRIPT')) throw error
      return insist(wire, ['EVAL', this.#source, ...rest], false, waits)
    }
  }
}

/** What decides on which server of a cluster a key lies: what stands in its first braces, or all of it. */
export function slotTag(key: string): string {
  const from = key.indexOf('{')
  const to = key.indexOf('}', from + 1)
  return from >= 0 && to > from + 1 ? key.slice(from + 1, to) : key
}

/** A key of ours beside one of the user's, on the same server of a cluster. */
export function beside(key: string, name: string): string {
  const tag = slotTag(key)
  // Braces in a tag would end it early; such a key has no neighbors, and needs none where there is no cluster.
  return tag.includes('}') ? `velo:${name}` : `velo:{${tag}}:${name}`
}
