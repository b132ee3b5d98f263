// Headers of a message as the protocol has them. The client asks its headers to encode themselves and knows no more of them, so they are not made with its library.

import { VeloError } from '../../index.js'

/** What a client sends beside a payload. */
export class Headers {
  readonly #bytes: Uint8Array

  /** Names and values; of one line each. */
  constructor(lines: Iterable<readonly [string, string]>) {
    let text = 'NATS/1.0\r\n'
    for (const [name, value] of lines) text += `${clean(name, /^[!-9;-~]+$/)}: ${clean(value, /^[^\r\n]*$/)}\r\n`
    this.#bytes = Buffer.from(`${text}\r\n`)
  }

  get length(): number {
    return this.#bytes.length
  }

  encode(): Uint8Array {
    return this.#bytes
  }
}

/** Any text as a value of one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, 1000)
}

function clean(part: string, shape: RegExp): string {
  if (typeof part === 'string' && shape.test(part)) return part
  throw new VeloError(
    'VELO_CODEC',
    `nats: a header must be of one line, and its name without spaces and colons, got '${oneLine(String(part))}'`,
  )
}
