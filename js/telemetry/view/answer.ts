// The view as an answer to a request: which path means what, what of a query is wrong, and how that is said. Plain data in and out; the paths are behind whatever base somebody
// mounts it under. Not here: who may ask.

import { VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'
import { overview } from './overview.js'
import { abortStream, type ListOptions, listStreams, streamDetail } from './streams.js'

/** A request, as far as it is looked at. */
export interface ViewRequest {
  readonly method: string
  /** Path behind the base, and query: `/streams?sort=ageMs`. */
  readonly url: string
}

/** An answer: a status of HTTP, and a body to be said as JSON. */
export interface ViewAnswer {
  readonly status: number
  readonly body: object
  readonly headers?: Readonly<Record<string, string>>
}

/** Options of `viewAnswer`. */
export interface ViewAnswerOptions {
  /** Refuses to abort streams. Default true. */
  readonly readOnly?: boolean | undefined
}

/** Streams in one answer. */
const MOST = 10_000
/** The longest path and query. */
const LONGEST_URL = 4096

/**
 * Answers `GET /overview`, `GET /streams`, `GET /streams/<id>` and `POST /streams/<id>/abort`: what `velo top --url` asks. Who may ask is for the caller to find out before.
 *
 * @example
 * app.use('/admin', onlyOperators, (req, res) => {
 *   const { status, body, headers } = viewAnswer({ method: req.method, url: req.url })
 *   res.status(status).set(headers ?? {}).json(body)
 * })
 */
export function viewAnswer({ method, url }: ViewRequest, { readOnly = true }: ViewAnswerOptions = {}): ViewAnswer {
  if (url.length > LONGEST_URL) return refusal(414, 'URI_TOO_LONG', `a path and query of at most ${LONGEST_URL} characters`)
  const [path = '', query] = url.split('?', 2)
  const [, stream, abort] = /^\/streams\/([^/]+)(\/abort)?\/?$/.exec(path) ?? []
  const id = stream === undefined ? undefined : decoded(stream)
  const isKnown = id !== undefined || /^\/(?:overview|streams)\/?$/.test(path)
  if (!isKnown) return refusal(404, 'NOT_FOUND', 'try /overview, /streams, /streams/<id>, or POST /streams/<id>/abort')
  const methods = abort === undefined ? ['GET', 'HEAD'] : ['POST']
  if (!methods.includes(method)) {
    return { ...refusal(405, 'METHOD_NOT_ALLOWED', `use ${methods[0]}`), headers: { allow: methods.join(', ') } }
  }
  try {
    if (id === undefined) return path.startsWith('/overview') ? found(overview()) : found(listStreams(listOptions(query)))
    if (abort !== undefined && readOnly) return refusal(403, 'READ_ONLY', 'streams cannot be aborted here')
    if (abort !== undefined) return abortStream(id) ? found({ aborted: id }) : unknown()
    const detail = streamDetail(id)
    return detail === undefined ? unknown() : found(detail)
  } catch (error) {
    if (error instanceof VeloError && error.code === 'VELO_CONFIG') return refusal(400, error.code, error.message)
    throw error
  }
}

const NO_STORE = { 'cache-control': 'no-store' }

const found = (body: object): ViewAnswer => ({ status: 200, body, headers: NO_STORE })
const refusal = (status: number, code: string, message: string): ViewAnswer => ({ status, body: { error: { code, message } } })
const unknown = () => refusal(404, 'NO_STREAM', 'no live stream has this id')

/** The options of a list, whose values are texts in a query. */
function listOptions(query = ''): ListOptions {
  const options: Record<string, string | number> = Object.create(null)
  for (const [name, value] of new URLSearchParams(query)) {
    if (Object.hasOwn(options, name)) throw configError(`listStreams(options).${name}`, 'it once', value)
    if (name === 'limit' || name === 'offset') options[name] = /^\d+$/.test(value) ? Number(value) : Number.NaN
    else options[name] = value
  }
  if (Number(options.limit) > MOST) throw configError('listStreams(options).limit', `at most ${MOST} here`, options.limit)
  return options
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
