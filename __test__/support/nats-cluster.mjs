// Three servers of NATS with JetStream that keep streams together, on free loopback ports.

import { jetstreamManager } from '@nats-io/jetstream'
import { freePort } from './free-port.mjs'
import { connection, startNats } from './nats-servers.mjs'
import { within } from './within.mjs'

const NAMES = ['a', 'b', 'c']

/** Resolves when they have a leader: streams can be made. */
export async function startNatsCluster() {
  const routes = await Promise.all(NAMES.map(() => freePort()))
  const urls = routes.map((port) => `nats-route://127.0.0.1:${port}`).join(', ')
  const servers = await Promise.all(
    NAMES.map((name, at) =>
      startNats({ lines: `server_name: ${name}\ncluster { name: velo, listen: "127.0.0.1:${routes[at]}", routes: [${urls}] }\n` }),
    ),
  )
  const cluster = {
    urls: servers.map(({ url }) => url),
    /** A connection that goes to whoever is there. */
    connect: (options) => connection(cluster.urls, options),
    named: (name) => servers[NAMES.indexOf(name)],
  }
  const client = await cluster.connect()
  const led = async () => {
    // Until it has one, no server answers such requests in time, or says that it cannot.
    for (let isLed = false; !isLed; )
      isLed = await jetstreamManager(client)
        .then(() => client.request('$JS.API.STREAM.NAMES', '', { timeout: 1000 }))
        .then((message) => message.json().error === undefined)
        .catch(() => false)
  }
  await within(60_000, led(), 'a leader of the cluster')
  return cluster
}
