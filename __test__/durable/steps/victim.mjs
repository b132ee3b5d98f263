// One run of a stream of steps, in a process of its own, which may be killed at any point of it: `victim.mjs <folder or address of Redis> <placement> <function> <lists of items>`.
// Prints the results of a run that comes to the end.

import { streamFn } from 'velo-stream'
import { durable, journal } from 'velo-stream/durable'
import * as functions from '../support/step-functions.mjs'

const [store, placement, name, given] = process.argv.slice(2)
const MODULE = new URL('../support/step-functions.mjs', import.meta.url)

/** What the option `durable` takes, and how to leave the store. */
async function opened() {
  if (!store.startsWith('redis:')) return { kept: journal(store, { sync: 'process' }), close: () => {} }
  const [{ Redis }, { RedisJournal }] = [await import('ioredis'), await import('velo-stream/redis')]
  const client = new Redis(store)
  const inRedis = new RedisJournal(client)
  const close = async () => {
    await inRedis.close()
    client.disconnect()
  }
  return { kept: durable(inRedis), close }
}

const { kept, close } = await opened()
const fn =
  placement === 'worker'
    ? streamFn(MODULE, { name, placement, export: name, durable: kept })
    : streamFn(functions[name], { name, durable: kept })
const lists = JSON.parse(given)
const results = await fn.run((from) => lists.slice(from), { id: 'a' })
console.log(JSON.stringify(results))
await close()
