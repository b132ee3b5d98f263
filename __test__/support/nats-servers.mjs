// Real servers of NATS with JetStream for tests, each a process of its own on a free loopback port with a folder of its own, gone at the end of the file.
// `nats-server` is looked for where `node .ci/brokers.mjs` puts it, or on the path, or is what NATS_SERVER names.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import { leftover } from './leftovers.mjs'
import { has, onPath } from './programs.mjs'
import { freePort } from './redis-servers.mjs'
import { within } from './within.mjs'

const brought = fileURLToPath(new URL('../../.brokers/bin/nats-server', import.meta.url))

/** Where it is; undefined where it is missing. */
export const program = process.env.NATS_SERVER ?? (existsSync(brought) ? brought : onPath('nats-server'))

/** One server process, which can be killed and started again on the same port and folder. */
class Server {
  #config
  #child

  constructor(port, folder, jetstream) {
    this.#config = join(folder, 'server.conf')
    this.url = `nats://127.0.0.1:${port}`
    writeFileSync(this.#config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(folder)} ${jetstream} }\n`)
  }

  /** Resolves when it takes connections. */
  async start() {
    const child = spawn(program, ['-c', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    this.exited = new Promise((resolve) => child.on('exit', resolve).on('error', resolve))
    const said = []
    const ready = new Promise((resolve, reject) => {
      createInterface(child.stderr).on('line', (line) => {
        if (said.length < 100) said.push(line)
        if (/Server is ready/.test(line)) resolve()
      })
      this.exited.then((code) => reject(new Error(`the server ended with ${code}\n${said.join('\n')}`)))
    })
    await within(20_000, ready, 'the start of the server')
    return this
  }

  async kill() {
    this.#child.kill('SIGKILL')
    await within(10_000, this.exited, 'the end of the server')
  }
}

/** Starts a server, with further lines of the part `jetstream` of its configuration, and ends it with the test file. */
export async function startNats({ jetstream = '' } = {}) {
  for (let attempt = 1; ; attempt++) {
    const folder = mkdtempSync(join(tmpdir(), 'velo-nats-'))
    const server = new Server(await freePort(), folder, jetstream)
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

/** A connection that comes back for as long as it takes, closed at the end of the file. */
export async function connection(url, options = {}) {
  const made = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 0, ...options })
  leftover(() => made.close())
  return made
}

/** `body(server)` declares tests, where `server()` is the running one. Without a program that is named in the output, and is a failure under CI=true. */
export function describeNats(title, body, options = {}) {
  if (program === undefined) {
    test(`${title}: there is NATS`, (context) => {
      if (process.platform === 'linux') has(context, undefined, 'server of NATS')
      else context.diagnostic('NOT TESTED: servers of NATS run on Linux')
    })
    return
  }
  describe(title, () => {
    let server
    before(async () => {
      server = await startNats(options)
    })
    body(() => server)
  })
}
