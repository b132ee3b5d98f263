// The clients that users bring, on a server of the test: `make(url)` gives one, `end(client)` ends it.

import { Redis } from 'ioredis'
import { createClient } from 'redis'

export const clients = [
  {
    name: 'ioredis',
    make: async (url) => {
      const client = new Redis(url, { maxRetriesPerRequest: null, lazyConnect: true })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    end: async (client) => client.disconnect(),
  },
  {
    name: 'node-redis',
    make: async (url) => {
      const client = createClient({ url, socket: { reconnectStrategy: (times) => Math.min(20 * times, 500) } })
      client.on('error', () => {})
      await client.connect()
      return client
    },
    end: async (client) => client.destroy(),
  },
]
