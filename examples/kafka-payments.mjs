// Payments of cards arrive in a topic of Kafka, whoever writes them there. Each card has a session in whichever process has its partition, and every payment gets its verdict in another topic: what a card has
// spent lately is its state, which is in Kafka too. A worker is killed on the way: another one goes on, and no payment is counted twice.
//
// Needs a broker, at KAFKA_BROKER where it is not localhost:9092, and npm install kafkajs.
//
// expect: amber: 10 payments, 7 accepted for 280, 3 refused
// expect: birch: 10 payments, 5 accepted for 275, 5 refused
// expect: coral: 10 payments, 10 accepted for 55, 0 refused
// expect: a worker was killed on the way: true
// stderr: ^(.* TimeoutNegativeWarning: .*\n.*\n.*\n)*$
//
// From Node.js 24 on kafkajs makes each process warn once of a TimeoutNegativeWarning, which is harmless.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import kafkajs from 'kafkajs'
import { streamFn } from 'velo-stream'
import { kafkaSessions } from 'velo-stream/kafka'

const LIMIT = 300

const card = streamFn(
  async function* card(payments, ctx) {
    for await (const { id, amount } of payments) {
      const accepted = ctx.state.spent + amount <= LIMIT
      if (accepted) ctx.state.spent += amount
      yield { card: ctx.id, id, amount, accepted }
    }
  },
  { state: { initial: () => ({ spent: 0 }), version: 1 } },
)

const kafka = new kafkajs.Kafka({ brokers: [process.env.KAFKA_BROKER ?? 'localhost:9092'], logLevel: kafkajs.logLevel.NOTHING })
const cards = kafkaSessions(kafka, { events: 'payments', results: 'verdicts', groupId: 'cards', fn: card, sessionTimeout: 6000 })

if (process.argv[2] === 'worker') {
  process.on('disconnect', () => process.exit())
  await cards.work()
  process.send('ready')
} else {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [
      { topic: 'payments', numPartitions: 4 },
      { topic: 'verdicts', numPartitions: 1 },
    ],
  })
  await admin.disconnect()
  const worker = async () => {
    const child = fork(fileURLToPath(import.meta.url), ['worker'])
    await once(child, 'message')
    return child
  }
  const workers = [await worker(), await worker()]

  // Verdicts are read as they come. A transaction that was never finished, of the worker that is killed, shows none.
  const all = []
  let done
  const verdicts = new Promise((resolve) => {
    done = resolve
  })
  const reader = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 100 })
  await reader.connect()
  await reader.subscribe({ topics: ['verdicts'], fromBeginning: true })
  await reader.run({
    eachMessage: async ({ message }) => {
      all.push(JSON.parse(message.value))
      if (all.length === 30) done()
    },
  })

  // What the cards pay: any program may, with a message whose key is the card.
  const amounts = { amber: 40, birch: 55, coral: undefined }
  for (let id = 1; id <= 10; id++) {
    for (const [name, amount] of Object.entries(amounts)) await cards.send(name, { id, amount: amount ?? id })
    if (id === 5) workers[0].kill('SIGKILL')
  }

  await verdicts
  for (const name of Object.keys(amounts)) {
    const own = all.filter(({ card }) => card === name)
    const accepted = own.filter((verdict) => verdict.accepted)
    const sum = accepted.reduce((sum, { amount }) => sum + amount, 0)
    console.log(`${name}: ${own.length} payments, ${accepted.length} accepted for ${sum}, ${own.length - accepted.length} refused`)
  }
  console.log(`a worker was killed on the way: ${workers[0].killed}`)
  workers[1].kill()
  await reader.disconnect()
  await cards.stop()
}
