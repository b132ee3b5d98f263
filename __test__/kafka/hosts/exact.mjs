// A process that numbers the events of each key, results and offsets in one transaction, until it is told to stop, or killed. Arguments: the broker, and as JSON `{ clientId, from, to, source }`.

import kafkajs from 'kafkajs'
import { consume } from 'velo-stream'
import { kafkaSink, kafkaSource } from 'velo-stream/kafka'

const [broker, plan] = process.argv.slice(2)
const { clientId, from, to, source } = JSON.parse(plan)
const { Kafka, logLevel } = kafkajs
const kafka = new Kafka({
  clientId,
  brokers: [broker],
  logLevel: logLevel.NOTHING,
  retry: { initialRetryTime: 20, maxRetryTime: 500, retries: 30 },
})
const controller = new AbortController()
process.on('disconnect', () => process.exit())
process.on('message', () => controller.abort())
let isReady = false
const fn = async function* (events) {
  for await (const event of events) {
    if (!isReady) process.send('ready')
    isReady = true
    // Several results of one event, or none.
    for (let part = 0; part < event.n % 3; part++) yield { ...event, part }
  }
}
process.send('started')
const sink = kafkaSink(kafka, { topic: to, key: ({ key }) => key, transactional: true })
await consume(fn, { source: kafkaSource(kafka, { topic: from, ...source }), sink, signal: controller.signal })
process.disconnect()
