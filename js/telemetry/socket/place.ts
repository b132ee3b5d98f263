// The place of a socket in the file system. It is made in a folder of its own that nobody else may enter, and moved to its path when its mode is 0600: there is no moment at which
// somebody else could connect. What lies at the path is replaced only where no process answers there.

import { type BigIntStats, chmodSync, linkSync, lstatSync, mkdtempSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs'
import { request, type Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { VeloError } from '../../index.js'
import { configError } from '../../kit/check.js'

/** What the address of a socket can hold everywhere, bytes. */
export const LONGEST = 103
/** Begins the name of the folder a socket is made in. Short, because the name of the socket in it is bounded as well. */
const FOLDER = '.v'
/** How many characters are put behind it. */
const RANDOM = 6
const SOCKET = 's'
/** How long a process that has the socket may take to say its id, ms. */
const ASK_MS = 1000
/** How often somebody else may be faster before this one gives up. */
const TRIES = 5

export class SocketPlace {
  readonly #path: string
  readonly #field: string
  /** Of the socket, once it is at its path. */
  #inode: bigint | undefined

  constructor(path: string, field: string) {
    this.#path = path
    this.#field = field
  }

  /** Lets the server listen there. Rejects with `VELO_CONFIG`, and then nothing is left behind. */
  async take(server: Server): Promise<void> {
    const folder = this.#folder()
    const made = join(folder, SOCKET)
    try {
      await listening(server, made)
      chmodSync(made, 0o600)
      await this.#move(made, folder)
      this.#inode = looked(this.#path)?.ino
      process.once('exit', this.#remove)
    } catch (error) {
      server.close()
      if (error instanceof VeloError) throw error
      throw Object.assign(this.#refused(`a path where a socket can be made (${(error as Error).message})`), {
        cause: error,
      })
    } finally {
      emptied(folder)
    }
  }

  leave(): void {
    process.off('exit', this.#remove)
    this.#remove()
  }

  #folder(): string {
    try {
      // Its mode is 0700.
      const folder = mkdtempSync(join(dirname(this.#path), FOLDER))
      if (Buffer.byteLength(join(folder, SOCKET)) <= LONGEST) return folder
      rmdirSync(folder)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw Object.assign(this.#refused(`a path in a folder that can be written to (${code})`), { cause })
    }
    const below = join('/', FOLDER, '/', SOCKET).length + RANDOM
    throw this.#refused(`a path in a folder with a name of at most ${LONGEST - below} bytes`)
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
  async #staleInode(): Promise<bigint | undefined> {
    const there = looked(this.#path)
    if (there === undefined) return undefined
    if (!there.isSocket()) throw this.#refused('a path where there is nothing, or a socket that nobody uses')
    if (!(await answers(this.#path))) return there.ino
    const pid = await pidAt(this.#path)
    throw this.#refused(`a path that no process uses (${pid === undefined ? 'another one' : `process ${pid}`} answers there)`)
  }

  /** False where it was another one by now, which is put back. */
  #takeAway(inode: bigint, aside: string): boolean {
    try {
      renameSync(this.#path, aside)
    } catch {
      return false
    }
    if (looked(aside)?.ino === inode) return true
    placed(aside, this.#path)
    return false
  }

  readonly #remove = (): void => {
    if (this.#inode === undefined || looked(this.#path)?.ino !== this.#inode) return
    unlinkSync(this.#path)
    this.#inode = undefined
  }

  #refused(expected: string): VeloError {
    return configError(this.#field, expected, this.#path)
  }
}

/**
 * What lies at a path. In big integers, because Node.js resolves links by the mode of whatever was last looked at in small ones: after a socket it takes each path for
 * a real one, and loads modules that are linked into `node_modules` a second time.
 */
function looked(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

/** Takes a folder of sockets away, without a look at them: see `looked`. */
function emptied(folder: string): void {
  for (const name of readdirSync(folder)) unlinkSync(join(folder, name))
  rmdirSync(folder)
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
    if (looked(path) !== undefined) return false
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
