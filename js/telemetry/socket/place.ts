// The place of a socket in the file system. It is made in a folder of its own that nobody else may enter, and moved to its path when its mode is 0600: there is no moment at which
// somebody else could connect. What lies at the path is replaced only where no process answers there.

import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, unlinkSync } from 'node:fs'
import { request, type Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'

/** What the address of a socket can hold everywhere, bytes. */
export const LONGEST = 103
/** How long a process that has the socket may take to say its id, ms. */
const ASK_MS = 1000
/** How often somebody else may be faster before this one gives up. */
const TRIES = 5

export class SocketPlace {
  readonly #path: string
  readonly #field: string
  /** Of the socket, once it is at its path. */
  #inode: number | undefined

  constructor(path: string, field: string) {
    this.#path = path
    this.#field = field
  }

  /** Lets the server listen there. Rejects with `VELO_CONFIG`, and then nothing is left behind. */
  async take(server: Server): Promise<void> {
    const folder = this.#folder()
    const made = join(folder, 's')
    try {
      await listening(server, made)
      chmodSync(made, 0o600)
      await this.#move(made, folder)
      this.#inode = lstatSync(this.#path).ino
      process.once('exit', this.#remove)
    } catch (error) {
      server.close()
      if (error instanceof VeloError) throw error
      throw Object.assign(this.#refused(`a path where a socket can be made (${(error as Error).message})`), {
        cause: error,
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  leave(): void {
    process.off('exit', this.#remove)
    this.#remove()
  }

  #folder(): string {
    try {
      // Short, because the name of the socket in it is bounded as well. Its mode is 0700.
      const folder = mkdtempSync(join(dirname(this.#path), '.v'))
      if (Buffer.byteLength(join(folder, 's')) <= LONGEST) return folder
      rmSync(folder, { recursive: true })
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw Object.assign(this.#refused(`a path in a folder that can be written to (${code})`), { cause })
    }
    throw this.#refused(`a path in a folder with a name of at most ${LONGEST - '/.vXXXXXX/s'.length} bytes`)
  }

  /** To its path, unless somebody answers there. */
  async #move(made: string, folder: string): Promise<void> {
    for (let tries = 0; tries < TRIES; tries++) {
      const stale = await this.#staleInode()
      if (stale !== undefined && !this.#takeAway(stale, join(folder, `old${tries}`))) continue
      if (placed(made, this.#path)) return
    }
    throw this.#refused('a path that others leave alone')
  }

  /** What lies there and belongs to nobody; `undefined` where nothing does. Rejects where it is in use. */
  async #staleInode(): Promise<number | undefined> {
    const there = lstatSync(this.#path, { throwIfNoEntry: false })
    if (there === undefined) return undefined
    if (!there.isSocket()) throw this.#refused('a path where there is nothing, or a socket that nobody uses')
    if (!(await answers(this.#path))) return there.ino
    const pid = await pidAt(this.#path)
    throw this.#refused(`a path that no process uses (${pid === undefined ? 'another one' : `process ${pid}`} answers there)`)
  }

  /** False where it was another one by now, which is put back. */
  #takeAway(inode: number, aside: string): boolean {
    try {
      renameSync(this.#path, aside)
    } catch {
      return false
    }
    if (lstatSync(aside).ino === inode) return true
    placed(aside, this.#path)
    return false
  }

  readonly #remove = (): void => {
    if (this.#inode === undefined || lstatSync(this.#path, { throwIfNoEntry: false })?.ino !== this.#inode) return
    unlinkSync(this.#path)
    this.#inode = undefined
  }

  #refused(expected: string): VeloError {
    return configError(this.#field, expected, this.#path)
  }
}

/** Puts a socket at a path. False where something is there. */
function placed(from: string, path: string): boolean {
  try {
    linkSync(from, path)
    return true
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    // There are file systems without links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(code)) throw error
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false
    renameSync(from, path)
    return true
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Exclusive: a process of a cluster has its own.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Whether a process listens there. One that takes nobody in because it is busy does. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'))
  })
}

/** The id of the process that answers there, as it says. */
function pidAt(socketPath: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/overview', timeout: ASK_MS }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
        if (body.length > 2 ** 24) asked.destroy()
      })
      response.once('close', () => resolve(pidOf(body)))
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => resolve(undefined))
    asked.end()
  })
}

function pidOf(body: string): number | undefined {
  try {
    const { pid } = (JSON.parse(body) as { process: { pid: unknown } }).process
    return Number.isSafeInteger(pid) ? (pid as number) : undefined
  } catch {
    return undefined
  }
}
