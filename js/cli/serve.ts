// `velo serve`: a folder of stream functions as a service, until a signal ends it.

import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Durable, runtime } from '../index.js'
import { isOfClient } from '../kit/sight/failure-report.js'
import { createServer, type ServerOptions } from '../server/index.js'
import { described, Exit, UsageError } from './failure.js'
import { say } from './terminal.js'

/** What the command line says. */
export interface ServeOptions {
  readonly functions: string
  readonly host: string
  readonly port: number
  readonly worker: boolean
  readonly envelope: boolean
  /** The folder of a journal. */
  readonly durable: string | undefined
  readonly maxStreams: number
  readonly maxPerClient: number
  readonly origins: readonly string[] | undefined
  readonly cors: readonly string[]
  readonly admin: boolean
  readonly adminToken: string | undefined
  readonly dashboard: boolean
  /** Path of a local socket. */
  readonly expose: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsCert: string | undefined
  readonly http2: boolean
  readonly grace: number
  readonly readyDelay: number
  readonly json: boolean
}

/** Serves until SIGTERM or SIGINT; the process is then at its end, and so are its streams. */
export async function serve(options: ServeOptions): Promise<number> {
  const tell = (event: string, message: string, more: Record<string, unknown> = {}) => {
    if (options.json) process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)
    else say(message)
  }
  const durable = options.durable === undefined ? undefined : await journalIn(options.durable)
  const server = createServer({
    ...served(options),
    durable,
    onError: (error, { function: name, id, request: { method, url } }) => {
      if (isOfClient(error)) return
      const message = described(error)
      tell('error', `${method} ${url}: ${id === undefined ? '' : `stream ${id} of ${name} failed: `}${message}`, {
        url,
        function: name,
        stream: id,
        message,
      })
    },
  })
  let code: number = Exit.ok
  const stopping = (signal: NodeJS.Signals) => {
    // The second signal is the server's to hear.
    if (code !== Exit.ok) return
    code = signal === 'SIGINT' ? Exit.interrupted : Exit.terminated
    tell('draining', `${signal}: no new streams, ${runtime.snapshot().streamsOpen} are open`, { signal })
  }
  // The process and its streams end together, so it is closed by the end of the process.
  if (options.expose !== undefined) await exposed(options.expose)
  await listen(server, options)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stopping)
  const { url, functions } = server
  const board = options.dashboard ? { dashboard: `${url}/dashboard` } : {}
  tell('listening', `serving ${functions.join(', ')} on ${url}/fn/<name>${options.dashboard ? `, ${url}/dashboard` : ''}`, {
    url,
    functions,
    ...board,
  })
  await server.closed
  // Streams whose client left them to finish are still there.
  await runtime.drain({ deadline: options.grace })
  await durable?.close()
  tell('stopped', 'stopped')
  // SIGTERM is how a service is meant to end.
  return code === Exit.terminated ? Exit.ok : code
}

function served({
  functions,
  worker,
  envelope,
  maxStreams,
  maxPerClient,
  origins,
  cors,
  admin,
  adminToken,
  dashboard,
  http2,
  grace,
  readyDelay,
  tlsKey,
  tlsCert,
}: ServeOptions): ServerOptions {
  if ((tlsKey === undefined) !== (tlsCert === undefined)) throw new UsageError('--tls-key and --tls-cert need each other')
  if (http2 && tlsKey === undefined) throw new UsageError('--http2 needs --tls-key and --tls-cert')
  const tls = tlsKey === undefined || tlsCert === undefined ? undefined : { key: read(tlsKey), cert: read(tlsCert) }
  const placement = worker ? 'worker' : 'local'
  return {
    functions,
    placement,
    envelope,
    maxConcurrent: maxStreams,
    maxPerClient,
    origins,
    cors: corsOf(cors),
    admin: adminOf(admin, adminToken),
    dashboard: dashboard && boardOf(adminToken),
    tls,
    http2,
    grace,
    readyDelay,
    signals: true,
  }
}

/** Loaded only where it is asked for. */
async function journalIn(folder: string): Promise<Durable & { close(): Promise<void> }> {
  const { journal } = await import('../durable/index.js')
  return journal(folder)
}

/** Whoever has the token; without one, this machine. */
function adminOf(admin: boolean, token: string | undefined): ServerOptions['admin'] {
  if (token === undefined) return admin && { readOnly: false }
  const isRight = sameAs(`Bearer ${token}`)
  return { readOnly: false, authorize: ({ headers }) => isRight(headers.authorization ?? '') }
}

/** The same. A browser asks for a name and a password: the password is the token. */
function boardOf(token: string | undefined): ServerOptions['dashboard'] {
  if (token === undefined) return { readOnly: false }
  const isRight = sameAs(token)
  const given = (authorization = '') => {
    const [, scheme = '', text = ''] = /^(basic|bearer) +(\S+)$/i.exec(authorization) ?? []
    // A name has no colon in it.
    return scheme.toLowerCase() === 'bearer'
      ? text
      : Buffer.from(text, 'base64')
          .toString()
          .replace(/^[^:]*:/, '')
  }
  return {
    readOnly: false,
    challenge: 'Basic realm="velo-stream", charset="UTF-8"',
    authorize: ({ headers }) => isRight(given(headers.authorization)),
  }
}

/** Compares in a time that says nothing of where a difference lies. */
function sameAs(expected: string): (text: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const right = digest(expected)
  return (text) => timingSafeEqual(digest(text), right)
}

async function exposed(path: string): Promise<void> {
  try {
    await runtime.expose({ path })
  } catch (error) {
    throw new UsageError(`--expose ${path}: ${(error as Error).message}`)
  }
}

/** Whose pages may call. */
function corsOf(origins: readonly string[]): ServerOptions['cors'] {
  if (origins.length === 0) return undefined
  return origins.includes('*') ? '*' : origins
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(`${file}: ${(error as Error).message}`)
  }
}

async function listen(server: ReturnType<typeof createServer>, { host, port, tlsKey, tlsCert, durable }: ServeOptions): Promise<void> {
  try {
    await server.listen(port, host)
  } catch (error) {
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (code === 'VELO_CHECKPOINT') throw new UsageError(`--durable ${durable}: ${message}`)
    if (syscall === 'getaddrinfo') throw new UsageError(`--host ${host}: there is no such address (${code})`)
    if (syscall === 'listen' || syscall === 'bind') throw new UsageError(`cannot listen on ${host}:${port}: ${code}`)
    // What OpenSSL says of keys and certificates, which Node.js reads as the server is made.
    if (tlsKey !== undefined && code?.startsWith('ERR_OSSL')) throw new UsageError(`--tls-key ${tlsKey}, --tls-cert ${tlsCert}: ${message}`)
    throw error
  }
}
