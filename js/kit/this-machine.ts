// Whether it is this machine itself that asks: by a loopback address, by one of its own names, and not through a proxy. Not here: who else may.

import type { IncomingHttpHeaders } from 'node:http'

interface Asking {
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
}

/** The names of a machine for itself. */
export const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** What proxies write. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

export const isLoopback = (address = ''): boolean => address === '::1' || /^(?:::ffff:)?127\./.test(address)

/** The name and port that are asked for. */
export function hostOf(headers: IncomingHttpHeaders): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined)
}

/** The name may be that of a page elsewhere, whose owner lets it lead here: so it must be one of `names`. */
export function isOfThisMachine({ socket, headers }: Asking, names: readonly string[] = LOOPBACK): boolean {
  if (!isLoopback(socket.remoteAddress) || FORWARDED.some((name) => headers[name] !== undefined)) return false
  const host = `http://${hostOf(headers) ?? ''}`
  return URL.canParse(host) && names.includes(new URL(host).hostname)
}
