// What the rest needs to know of a request, of Node or of fetch.

import type { IncomingMessage } from 'node:http'
import type { StreamHeaders } from '../index.js'
import { type Body, KnownBody, ReadableBody, WebBody } from './body.js'

/** A request without its framework. */
export interface Asked {
  readonly headers: StreamHeaders
  /** The body, or null where there is none. Asked for once. */
  body(): Body | null
  /** What a framework made of the body, where it has read it and it is no longer bytes. */
  readonly parsed: { readonly event: unknown } | undefined
}

/** A request of Node. `body`: what a framework made of its body, if it has read it. */
export function nodeRequest(req: IncomingMessage, body: unknown = (req as { body?: unknown }).body): Asked {
  const { headers } = req
  // Before anybody has read it, `body` is a default of the framework.
  const known = body !== undefined && body !== req && (req.readableDidRead || req.readableEnded) && !isEmpty(req) ? body : undefined
  return {
    headers,
    parsed: known === undefined || isBytes(known) ? undefined : { event: known },
    body: () => {
      if (isBytes(known)) return new KnownBody(known)
      return isEmpty(req) ? null : new ReadableBody(req)
    },
  }
}

/** A request of fetch. */
export function webRequest(request: Request): Asked {
  return {
    headers: Object.fromEntries(request.headers),
    parsed: undefined,
    body: () => (request.body === null ? null : new WebBody(request.body)),
  }
}

/** A header, the first where it was sent more than once, empty where it was not. */
export function header({ headers }: Asked, name: string): string {
  const value = headers[name]
  return (typeof value === 'object' ? value[0] : value) ?? ''
}

/** Whether the headers say that no body follows. */
function isEmpty(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers
  if (req.httpVersionMajor >= 2) return (req as { stream?: { endAfterHeaders?: boolean } }).stream?.endAfterHeaders === true
  return coding === undefined && (length === undefined || length === '0')
}

function isBytes(value: unknown): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array
}
