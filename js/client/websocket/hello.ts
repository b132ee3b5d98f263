// The first frame of a connection of a server that lets clients come back: `{"velo":{"token":"...","received":n}}`.

import type { Frame } from './frame.js'

export interface Hello {
  readonly token: string
  /** Messages that the server has taken, over all connections. */
  readonly received: number
}

/** The hello of a server, or undefined for any other message. */
export function helloOf(frame: Frame): Hello | undefined {
  // A result of that beginning would have to be an object with the one key `velo`.
  if (typeof frame !== 'string' || !frame.startsWith('{"velo":{')) return undefined
  try {
    const { velo, ...others } = JSON.parse(frame)
    const { token, received } = velo
    const isOne = typeof token === 'string' && Number.isSafeInteger(received) && received >= 0 && Object.keys(others).length === 0
    return isOne ? { token, received } : undefined
  } catch {
    return undefined
  }
}

/** The address of a connection, which goes on with a stream where there is a token. */
export function addressOf(base: string, token: string | undefined, last: number): string {
  if (token === undefined) return base
  const url = new URL(base)
  url.searchParams.set('resume', token)
  url.searchParams.set('last', String(last))
  return url.href
}

/** As WebSocket has it: `ws:` or `wss:`, and no fragment. In a page it may be relative. */
export function baseOf(url: string | URL): string | undefined {
  const page = (globalThis as { location?: { href?: string } }).location?.href
  try {
    const { href } = new URL(url, page)
    const made = new URL(href.replace(/^http/, 'ws'))
    made.hash = ''
    return made.protocol === 'ws:' || made.protocol === 'wss:' ? made.href : undefined
  } catch {
    return undefined
  }
}
