// The token that says who may look at a service: in a file, because words of a command line and the environment are seen by others.

import { readFileSync } from 'node:fs'
import { UsageError } from './failure.js'

/** What the one line of a file says, where one is given. Throws `UsageError`. */
export function tokenOf(file: string | undefined): string | undefined {
  if (file === undefined) return undefined
  const token = read(file).trim()
  // It must fit into a header.
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError(`${file}: expected a token of visible ASCII characters on one line`)
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`)
  }
}
