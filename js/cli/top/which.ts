// Whose streams are meant: those of a service, of a socket, or of a process by its id.

import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { SOCKET_SUFFIX, socketFolder, socketOf } from '../../kit/sight/exposed.js'
import { UsageError } from '../failure.js'
import { TopClient } from './client.js'

export interface Target {
  readonly pid: string | undefined
  readonly url: string | undefined
  readonly socket: string | undefined
  readonly token: string | undefined
}

/** Throws `UsageError` where it is not clear. */
export async function clientOf({ pid, url, socket, token }: Target): Promise<TopClient> {
  if ([pid, url, socket].filter((one) => one !== undefined).length > 1) throw new UsageError('a pid, --url and --socket exclude each other')
  if (token !== undefined && url === undefined) throw new UsageError('--token-file needs --url')
  if (url !== undefined) return TopClient.atUrl(url, token)
  if (socket !== undefined) return TopClient.atSocket(await found(socket))
  if (pid === undefined) return TopClient.atSocket(await only())
  if (!/^[1-9]\d{0,9}$/.test(pid)) throw new UsageError(`expected the id of a process, got ${pid}`)
  return TopClient.atSocket(await found(socketOf(Number(pid))))
}

const HINT = 'a process makes a socket by runtime.expose(), and velo serve by --expose <path>; --url asks a service'

async function found(path: string): Promise<string> {
  const failure = await refused(path)
  if (failure === undefined) return path
  const says = failure === 'ENOENT' ? 'there is no socket' : failure === 'ECONNREFUSED' ? 'the process of this socket is gone' : failure
  throw new UsageError(`${path}: ${says}; ${HINT}`)
}

/** The only one that is there. */
async function only(): Promise<string> {
  const all = named()
  const there = (await Promise.all(all.map(async (path) => ((await refused(path)) === undefined ? [path] : [])))).flat()
  const [first, ...others] = there
  if (first === undefined) throw new UsageError(`nothing to look at in ${socketFolder()}: ${HINT}`)
  if (others.length === 0) return first
  const pids = there.map((path) => path.slice(socketFolder().length + 1, -SOCKET_SUFFIX.length))
  throw new UsageError(`which process? ${pids.join(', ')}`)
}

function named(): string[] {
  try {
    const names = readdirSync(socketFolder()).filter((name) => /^\d+\.sock$/.test(name))
    return names.map((name) => join(socketFolder(), name))
  } catch {
    return []
  }
}

/** Why nobody answers there; `undefined` where somebody does. */
function refused(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
  })
}
