// A process that copies one topic to another until it is told to stop, or killed. Arguments: the broker, and as JSON `{ clientId, from, to, source }`, options of kafkaSource without the topic.

import kafkajs from 'kafkajs'
import { consume } from 'velo-stream'
import { kafkaSource } from 'velo-stream/kafka'

const [broker, plan] = process.argv.slice(2)
const { clientId, from, to, source } = JSON.parse(plan)
const { Kafka, logLevel } = kafkajs
const kafka = new Kafka({
  clientId,
  brokers: [broker],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 20, maxRetryTime: 500, retries: 30 },
})
const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false })
await producer.connect()
const controller = new AbortController()
process.on('disconnect', () => process.exit())
process.on('message', () => controller.abort())
let isReady = false
const fn = async function* (events) {
  for await (const event of events) {
    if (!isReady) process.send('ready')
    isReady = true
    yield event
  }
}
const sink = {
  write: (results) =>
    producer.send({ topic: to, messages: results.map((result) => ({ key: String(result.key), value: JSON.stringify(result) })) }),
}
process.send('started')
await consume(fn, { source: kafkaSource(kafka, { topic: from, ...source }), sink, signal: controller.signal })
await producer.disconnect()
process.disconnect()
