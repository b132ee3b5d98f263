// A connection to a server of NATS, with the client of the user's.

import type { NatsLike } from '../../nats/index.js'
import { UsageError } from '../failure.js'
import { missing } from './broker.js'

export type Connection = NatsLike & { close(): Promise<void> }

/** Fails where nobody answers. */
export async function connected(url: string): Promise<Connection> {
  // By a name that the compiler does not follow: its declarations do not pass the checks of this project.
  const name: string = '@nats-io/transport-node'
  const client = (await import(name).catch(missing)) as { connect(options: object): Promise<Connection> } | undefined
  if (client === undefined) throw new UsageError('--nats needs a client beside velo-stream: npm install @nats-io/transport-node')
  try {
    return await client.connect({ ...login(url), maxReconnectAttempts: -1 })
  } catch (error) {
    throw new UsageError(`--nats ${url.replace(/\/\/.*@/, '//')}: ${(error as Error).message}`)
  }
}

/** The client takes names and passwords beside the address. */
function login(url: string): object {
  const { username, password, host } = new URL(url)
  if (username === '') return { servers: host }
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)]
  return pass === '' ? { servers: host, token: user } : { servers: host, user, pass }
}
