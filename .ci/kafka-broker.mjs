// How a broker of Kafka is started that is alone (KRaft) and belongs to tests or a bench: on loopback, small, and quick to be there. Its libraries are where `node .ci/kafka.mjs` puts them, or in the folder that
// KAFKA_LIBS names.

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const brought = fileURLToPath(new URL('../.brokers-kafka/libs', import.meta.url))
const libs = process.env.KAFKA_LIBS ?? (existsSync(brought) ? brought : undefined)
const java = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'java'))
  .find((file) => existsSync(file))

/** The program; undefined where it or its libraries are missing. */
export const program = libs === undefined ? undefined : java

/** What it says when it takes connections. */
export const READY = /Kafka Server started/

const SIMPLE = '-Dorg.slf4j.simpleLogger'
const LOGS = [`${SIMPLE}.defaultLogLevel=error`, `${SIMPLE}.log.kafka.server.KafkaRaftServer=info`]
const JVM = ['-Xms128m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...LOGS, '-cp', `${libs}/*`]

/** A name for a cluster of brokers. */
export const clusterId = () => randomBytes(16).toString('base64url')

/** Makes its storage in `folder`; answers the command that starts it there, on these two ports. */
export function brokerOf(port, controller, folder, config = {}, id = clusterId()) {
  const file = join(folder, 'server.properties')
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(folder, 'logs'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    ...config,
  }
  writeFileSync(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  execFileSync(java, [...JVM, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', file], { stdio: 'pipe' })
  return [java, ...JVM, 'kafka.Kafka', file]
}
