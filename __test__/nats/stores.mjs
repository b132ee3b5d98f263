// Where streams of killed processes are kept: in a stream of JetStream.

import { connect } from '@nats-io/transport-node'
import { durable } from 'velo-stream/durable'
import { NatsJournal } from 'velo-stream/nats'

export async function open({ url, stream, maxBytes, retain }) {
  const client = await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 20, reconnectJitter: 0 })
  const stores = [new NatsJournal(client, { stream }), new NatsJournal(client, { stream, maxBytes })]
  const journals = { forgetting: durable(stores[0]), retaining: durable(stores[0], { retain }), bounded: durable(stores[1]) }
  const close = async () => {
    for (const store of stores) await store.close()
    await client.close()
  }
  return { journals, close }
}
