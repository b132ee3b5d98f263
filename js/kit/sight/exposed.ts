// What `runtime.expose()` takes and gives, and where the sockets of processes lie that say no path: whoever looks for them must know it, too.

import { tmpdir, userInfo } from 'node:os'
import { isAbsolute, join } from 'node:path'

/** Options of `runtime.expose`. */
export interface ExposeOptions {
  /** Where the socket shall be. Default: named by the id of the process, where `velo top <pid>` finds it. */
  path?: string | undefined
  /** Refuses to abort streams. Default false. */
  readOnly?: boolean | undefined
}

/** A process that can be looked at. */
export interface Exposed extends AsyncDisposable {
  /** Where the socket is. */
  readonly path: string
  /** Ends it and removes the socket. */
  close(): Promise<void>
}

/** Suffix of the sockets in the folder. */
export const SOCKET_SUFFIX = '.sock'

/** The folder of the user for sockets that are named by the id of their process. */
export function socketFolder(env: NodeJS.ProcessEnv = process.env): string {
  const { XDG_RUNTIME_DIR: own } = env
  if (own !== undefined && isAbsolute(own)) return join(own, 'velo-stream')
  return join(tmpdir(), `velo-stream-${process.getuid?.() ?? userInfo().username}`)
}

/** The socket of a process in it. */
export function socketOf(pid: number): string {
  return join(socketFolder(), `${pid}${SOCKET_SUFFIX}`)
}
