// A client of Kafka for commands that need one, with the library of the user's.

import type { KafkaLike } from '../../kafka/index.js'
import { UsageError } from '../failure.js'
import { missing } from './broker.js'

interface Library {
  readonly default: { readonly Kafka: new (options: object) => KafkaLike; readonly logLevel: { readonly NOTHING: number } }
}

/** What `--kafka` says. */
export interface Address {
  readonly brokers: readonly string[]
  readonly ssl: boolean
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: string } | undefined
}

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512']
/** ms for a connection over a network that is slow. */
const PATIENCE = 3000

/** Fails where nobody answers. */
export async function connected(text: string): Promise<KafkaLike> {
  const { brokers, ssl, sasl } = addressOf(text)
  // By a name that the compiler does not follow: the client is the user's, or missing.
  const name: string = 'kafkajs'
  const library = (await import(name).catch(missing)) as Library | undefined
  if (library === undefined) throw new UsageError('--kafka needs a client beside velo-stream: npm install kafkajs')
  quiet()
  const { Kafka, logLevel } = library.default
  const options = { clientId: 'velo', brokers, ssl, sasl, logLevel: logLevel.NOTHING, connectionTimeout: PATIENCE }
  // Each of them is asked once; a client at work tries longer.
  const admin = new Kafka({ ...options, retry: { initialRetryTime: 50, retries: brokers.length - 1 } }).admin()
  try {
    await admin.connect()
  } catch (error) {
    throw new UsageError(`--kafka ${brokers.join(',')}: ${(error as Error).message}`)
  } finally {
    await admin.disconnect()
  }
  return new Kafka(options)
}

/** `host:port,host:port`, or `kafkas://user:password@host:port,host:port?mechanism=plain`: with a name SASL, with `kafkas` TLS. */
export function addressOf(text: string): Address {
  const { scheme, user, password, hosts = '', mechanism = 'plain' } = ADDRESS.exec(text)?.groups ?? {}
  const brokers = hosts.split(',').filter((host) => host !== '')
  if (brokers.length === 0 || !brokers.every((host) => BROKER.test(host)))
    throw new UsageError('--kafka: expected host:port,host:port or kafka(s)://user:password@host:port,host:port')
  if (!MECHANISMS.includes(mechanism)) throw new UsageError(`--kafka: expected one of ${MECHANISMS.join(', ')}, got mechanism=${mechanism}`)
  const sasl = user === undefined ? undefined : { mechanism, username: decoded(user), password: decoded(password ?? '') }
  return { brokers, ssl: scheme === 'kafkas', sasl }
}

/** The client sets timers to moments that are long over, of which Node.js 24 warns on stderr: with `--json` there is one line there. */
function quiet(): void {
  const emit = process.emitWarning
  process.emitWarning = (...warning: readonly unknown[]) => {
    if (warning[1] !== 'TimeoutNegativeWarning' || new Error().stack?.includes('kafkajs') !== true) Reflect.apply(emit, process, warning)
  }
}

const ADDRESS =
  /^(?:(?<scheme>kafkas?):\/\/)?(?:(?<user>[^:@/]+)(?::(?<password>[^@]*))?@)?(?<hosts>[^@/?]*)\/?(?:\?mechanism=(?<mechanism>.*))?$/
const BROKER = /^(?:[\w.-]+|\[[\da-f:]+\]):\d{1,5}$/i

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new UsageError('--kafka: the name or password is not percent-encoded')
  }
}
