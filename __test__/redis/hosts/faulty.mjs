// A test with a front in this process and workers in processes of their own, over a client of ioredis; everything is ended with the test.

import { test } from 'node:test'
import { cluster } from 'velo-stream/redis'
import { within } from '../../support/within.mjs'
import { clients } from '../clients.mjs'
import { functions } from './trouble.mjs'
import { WorkerProcess } from './workers.mjs'

export const LIMIT = 30_000
const MODULE = new URL('trouble.mjs', import.meta.url).href
const [{ make, end }] = clients

export async function take(stream, count = 1) {
  const results = []
  while (results.length < count) results.push(await within(LIMIT, stream.recv()))
  return results
}

let made = 0

/** Declares tests on a server: `faulty(title, options of the cluster, run({ front, work, client, prefix }))`. */
export function faultyOn(server) {
  return (title, options, run) => {
    test(title, async () => {
      const client = await make(server().url)
      const all = { prefix: `f${made++}`, ...options }
      const front = cluster({ client, functions, ...all })
      const workers = []
      const work = async (env) => {
        const worker = await new WorkerProcess(server().url, 'ioredis', all, MODULE, env).start()
        workers.push(worker)
        return worker
      }
      try {
        await within(2 * LIMIT, run({ front, work, client, prefix: all.prefix }), title)
      } finally {
        for (const worker of workers) await worker.drop()
        await within(LIMIT, front.stop(), 'the front stops')
        await end(client)
      }
    })
  }
}
