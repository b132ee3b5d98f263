// Real brokers of Kafka for tests, each alone, on free loopback ports.

import { createServer } from 'node:net'
import { before, describe, test } from 'node:test'
import kafkajs from 'kafkajs'
import { brokerOf, clusterId, program, READY } from '../../.ci/kafka-broker.mjs'
import { has } from './programs.mjs'
import { ServerProcess, startServerProcess } from './server-process.mjs'
import { within } from './within.mjs'

const { Kafka, logLevel } = kafkajs

class Broker extends ServerProcess {
  constructor(port, controller, folder, config, id) {
    // After a kill it looks through its logs first.
    super(brokerOf(port, controller, folder, config, id), READY, 60_000)
    this.address = `127.0.0.1:${port}`
    this.controller = controller
    this.id = id
  }
}

/** Starts a broker, with further settings. */
export async function startKafka(config = {}) {
  const controller = await freePort()
  return startServerProcess('velo-kafka-', (port, folder) => new Broker(port, controller, folder, config, clusterId()))
}

/** Starts a second broker in the cluster of one, with further settings. */
export function startSecond({ controller, id }, config = {}) {
  return startServerProcess('velo-kafka-', (port, folder) => {
    const own = { 'process.roles': 'broker', 'node.id': 2, listeners: `PLAINTEXT://127.0.0.1:${port}` }
    return new Broker(port, controller, folder, { ...own, ...config }, id)
  })
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A client as a user makes it, which keeps quiet. */
export function clientOf(server, options = {}) {
  return new Kafka({
    clientId: 'test',
    brokers: [server.address],
    logLevel: logLevel.NOTHING,
    // Brokers of tests come back soon.
    retry: { initialRetryTime: 20, maxRetryTime: 500, retries: 30 },
    ...options,
  })
}

/** Makes topics; resolves when the broker knows of them, for which the client waits only now and then. */
export async function makeTopics(admin, topics) {
  await admin.createTopics({ topics, waitForLeaders: false })
  const look = async () => {
    for (;;) {
      try {
        return await admin.fetchTopicMetadata({ topics: topics.map(({ topic }) => topic) })
      } catch (error) {
        if (!['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(error.type)) throw error
      }
    }
  }
  await within(30_000, look(), 'topics')
}

/** The topics that this code makes are there before it runs. */
export async function topicsOf(code, server) {
  const topics = [...code.matchAll(/topic: '([\w-]+)', numPartitions: (\d+)/g)]
  const admin = clientOf(server).admin()
  await admin.connect()
  await makeTopics(
    admin,
    topics.map(([, topic, count]) => ({ topic, numPartitions: Number(count) })),
  )
  await admin.disconnect()
}

/** `body(server)` declares tests, where `server()` is the running one. Without a broker that is named in the output, and is a failure under CI=true. */
export function describeKafka(title, body, config = {}) {
  if (program === undefined) {
    test(`${title}: there is Kafka`, (context) => {
      if (process.platform === 'linux') has(context, undefined, 'broker of Kafka')
      else context.diagnostic('NOT TESTED: brokers of Kafka run on Linux')
    })
    return
  }
  describe(title, () => {
    let server
    before(async () => {
      server = await startKafka(config)
    })
    body(() => server)
  })
}
