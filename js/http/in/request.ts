// What the rest needs to know of a request, of Node or of fetch.

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { StreamHeaders } from '../../index.js'
import { clientGone, HttpError } from '../errors.js'
import { KnownBody, ReadableBody, type RequestBody, WebBody } from './body.js'

/** A request without its framework. */
export interface Asked {
  /** Of the request, in capitals. */
  readonly method: string
  readonly headers: StreamHeaders
  /** The body, or null where there is none. Asked for once. */
  body(): RequestBody | null
  /** Nobody will read the rest of the body: what comes of it holds up no other request. */
  readPast(): void
  /** What a framework made of the body, where it has read it and it is no longer bytes. */
  readonly parsed: { readonly value: unknown } | undefined
}

/** A request of Node. `body`: what a framework made of its body: a value or bytes if it has read it, or a stream to read in its place. */
export function nodeRequest(req: IncomingMessage, body: unknown = (req as { body?: unknown }).body): Asked {
  const { method = '', headers } = req
  const replaced = body instanceof Readable && body !== req ? body : undefined
  // Before anybody has read it, `body` is a default of the framework.
  const known =
    body !== undefined && !(body instanceof Readable) && (req.readableDidRead || req.readableEnded) && !isEmpty(req) ? body : undefined
  return {
    method,
    headers,
    parsed: known === undefined || isBytes(known) ? undefined : { value: known },
    body: () => {
      if (isBytes(known)) return new KnownBody(known)
      if (replaced !== undefined) return new ReadableBody(replaced, (cause) => unreadable(req, cause))
      return isEmpty(req) ? null : new ReadableBody(req)
    },
    readPast: () => void req.resume(),
  }
}

/** A request of fetch. */
export function webRequest(request: Request): Asked {
  return {
    method: request.method,
    headers: Object.fromEntries(request.headers),
    parsed: undefined,
    body: () => (request.body === null ? null : new WebBody(request.body)),
    // The connection belongs to the server around it.
    readPast: () => {},
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

/** What a hook of the framework made of the body has failed. */
function unreadable(req: IncomingMessage, cause: unknown): HttpError {
  return req.destroyed && !req.complete ? clientGone(cause) : new HttpError(400, 'the body cannot be read', cause)
}

function isBytes(value: unknown): value is Uint8Array | string {
  return typeof value === 'string' || value instanceof Uint8Array
}
