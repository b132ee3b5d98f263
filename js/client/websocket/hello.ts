// The first frame of a connection of a server that lets clients come back: `{"velo":{"token":"...","received":n}}`. The same frame comes now and then while the client is
// connected, where it asks for it: nobody else knows the token, so no result can pass for it.

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

/**
 * The address of a connection, which goes on with a stream where there is a token. `acks`: the client wants to hear what has arrived, and refusals as close codes; `refusals`: those alone.
 */
export function addressOf(base: string, token: string | undefined, last: number, acks: boolean, refusals: boolean): string {
  if (token !== undefined) {
    const url = new URL(base)
    url.searchParams.set('resume', token)
    url.searchParams.set('last', String(last))
    return acks ? `${url.href}&acks=1` : url.href
  }
  // As it was given: the query may be signed, or none of names and values.
  const more = acks ? 'acks=1' : refusals ? 'refusals=1' : undefined
  return more === undefined ? base : `${base}${base.includes('?') ? '&' : '?'}${more}`
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
