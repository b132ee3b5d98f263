// js/telemetry/socket: the process behind a local socket, for its user alone: what runs in it, its metrics, and the abort of a stream, as plain HTTP. Knows nothing of how streams work.
//
// The life of such a socket: where it lies, when it listens, and how it goes. It keeps no process alive.

import { lstatSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, resolve } from 'node:path'
import { runtime } from '../../index.js'
import { configError, flag, onlyKnown, text } from '../../kit/check.js'
import { type Exposed, type ExposeOptions, socketFolder, socketOf } from '../../kit/sight/exposed.js'
import { oversightOf } from '../../kit/sight/oversight.js'
import { answering } from './answers.js'
import { LONGEST, SocketPlace } from './place.js'

const FIELD = 'runtime.expose(options)'

/** Connections at once. */
const CONNECTIONS = 32
/** How long a request may take to come, ms. */
const REQUEST_MS = 5000
/** How often that is looked at, ms. */
const CHECK_MS = 1000
const HEADER_BYTES = 8192

/** Resolves when the socket is there; rejects with `VELO_CONFIG` where it cannot be. */
export async function expose(options: ExposeOptions = {}): Promise<Exposed> {
  onlyKnown(options, FIELD, ['path', 'readOnly'])
  const readOnly = flag(options.readOnly, `${FIELD}.readOnly`, false)
  if (options.path !== undefined) text(options.path, `${FIELD}.path`)
  if (process.platform === 'win32')
    throw configError(FIELD, 'a system whose sockets have an owner and a mode, which Windows is not', options)
  const path = options.path === undefined ? ownPlace() : resolve(options.path)
  if (Buffer.byteLength(path) > LONGEST) throw configError(`${FIELD}.path`, `a path of at most ${LONGEST} bytes`, path)
  oversightOf(runtime).keepChanges()
  const limits = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
  }
  const server = createServer(limits, answering(readOnly))
  server.maxConnections = CONNECTIONS
  server.unref()
  server.on('connection', (socket) => socket.unref())
  const place = new SocketPlace(path, `${FIELD}.path`)
  await place.take(server)
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= new Promise((settle) => {
      place.leave()
      server.close(() => settle())
      server.closeAllConnections()
    })
    return closing
  }
  return { path, close, [Symbol.asyncDispose]: close }
}

/** The socket of this process in the folder of the user, which nobody else may use. */
function ownPlace(): string {
  const path = socketOf(process.pid)
  const folder = dirname(path)
  try {
    mkdirSync(folder, { mode: 0o700, recursive: true })
  } catch (cause) {
    throw Object.assign(configError(`${FIELD}.path`, `a path, because the folder ${folder} cannot be made`, undefined), { cause })
  }
  // Another user may have been faster.
  const { uid, mode } = lstatSync(socketFolder())
  const isOwn = lstatSync(folder).isDirectory() && uid === process.getuid?.() && (mode & 0o077) === 0
  if (!isOwn) throw configError(`${FIELD}.path`, `a path, because the folder ${folder} is not for its user alone`, undefined)
  return path
}
