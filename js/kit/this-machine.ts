// Whether it is this machine itself that asks: by a loopback address, by one of its own names, and not through a proxy. Not here: who else may.

import type { IncomingHttpHeaders } from 'node:http'

interface Asking {
  readonly httpVersion?: string | undefined
  readonly socket: { readonly remoteAddress?: string | undefined }
  readonly headers: IncomingHttpHeaders
}

/** The names of a machine for itself. */
export const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** What proxies write, beside names that begin with `x-forwarded-`. */
const FORWARDED = ['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'x-original-host', 'true-client-ip', 'cf-connecting-ip']

function isForwarded(name: string): boolean {
  return name.startsWith('x-forwarded-') || FORWARDED.includes(name)
}

export const isLoopback = (address = ''): boolean => address === '::1' || /^(?:::ffff:)?127\./.test(address)

/** The name and port that are asked for. */
export function hostOf(headers: IncomingHttpHeaders): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined)
}

/** The name alone, in small letters; `undefined` without one, empty if it is none. */
export function hostnameOf(headers: IncomingHttpHeaders): string | undefined {
  const host = hostOf(headers)
  if (host === undefined) return undefined
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
}

/** The name may be that of a page elsewhere, whose owner lets it lead here: so it must be one of `names`. */
export function isOfThisMachine({ socket, headers, httpVersion }: Asking, names: readonly string[] = LOOPBACK): boolean {
  if (!isLoopback(socket.remoteAddress) || Object.keys(headers).some(isForwarded)) return false
  // nginx adds no header unless it is told to, but asks as no browser does.
  if (httpVersion === '1.0') return false
  return names.includes(hostnameOf(headers) ?? '')
}
