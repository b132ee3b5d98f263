// Which web pages may ask for a stream. A browser says which page asks; other clients say nothing, and what they say proves nothing.

import type { IncomingMessage } from 'node:http'
import { hostOf, isLoopback, LOOPBACK } from '../../kit/this-machine.js'
import type { Settings } from '../options.js'
import { isAllowed } from './cors.js'
import type { Refusal } from './reply.js'

export const OTHER_ORIGIN: Refusal = { status: 403, code: 'FORBIDDEN_ORIGIN', message: 'pages of this origin may not ask here' }

/** Whether the page that asks, if one does, may. */
export async function originAllowed(
  req: IncomingMessage,
  { origins, cors, hosts }: Pick<Settings, 'origins' | 'cors' | 'hosts'>,
): Promise<boolean> {
  const { origin, 'sec-fetch-site': site } = req.headers
  if (origins === '*') return true
  // A page of another origin may ask without naming it, as for an image; one that a user opens by hand says `none`.
  if (origin === undefined) return cors === '*' || (site !== 'cross-site' && site !== 'same-site')
  if (isAllowed(cors, origin)) return true
  if (typeof origins === 'function') return (await origins(origin, req)) === true
  if (origins !== undefined) return origins.includes(origin)
  if (!URL.canParse(origin) || new URL(origin).host !== hostOf(req.headers)) return false
  // The name itself may be the page's: that it leads here is no proof that it is ours.
  const names = hosts ?? (isLoopback(req.socket.localAddress) ? LOOPBACK : undefined)
  return names === undefined || names.includes(new URL(origin).hostname)
}
