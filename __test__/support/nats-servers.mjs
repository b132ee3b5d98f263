// Real servers of NATS with JetStream for tests, on free loopback ports.
// `nats-server` is looked for where `node .ci/brokers.mjs` puts it, or on the path, or is what NATS_SERVER names.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import { leftover } from './leftovers.mjs'
import { has, onPath } from './programs.mjs'
import { ServerProcess, startServerProcess } from './server-process.mjs'

const brought = fileURLToPath(new URL('../../.brokers/bin/nats-server', import.meta.url))

/** Where it is; undefined where it is missing. */
export const program = process.env.NATS_SERVER ?? (existsSync(brought) ? brought : onPath('nats-server'))

class Server extends ServerProcess {
  constructor(port, folder, { jetstream = '', lines = '' }) {
    const config = join(folder, 'server.conf')
    writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(folder)} ${jetstream} }\n${lines}`)
    super([program, '-c', config], /Server is ready/)
    this.url = `nats://127.0.0.1:${port}`
  }
}

/** Starts a server, with further lines of its configuration, or of the part `jetstream` of it. */
export function startNats(options = {}) {
  return startServerProcess('velo-nats-', (port, folder) => new Server(port, folder, options))
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
