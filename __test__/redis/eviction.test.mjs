// A server that evicts keys when its memory is full: sessions would lose parts silently, so whoever hosts some is warned.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { child } from '../support/child.mjs'
import { describeServers, startServer } from '../support/redis-servers.mjs'

const PROGRAM = `
  import { once } from 'node:events'
  import { Redis } from 'ioredis'
  import { streamFn } from 'velo-stream'
  import { cluster } from 'velo-stream/redis'
  const client = new Redis(process.argv[1])
  const fn = streamFn(async function* fn(events) { yield* events })
  const warned = process.argv[2] === 'noeviction' ? undefined : once(process, 'warning')
  process.on('warning', ({ message }) => console.log(message))
  const clusters = ['a', 'b'].map((prefix) => cluster({ client, functions: { fn }, prefix }))
  for (const own of clusters) await own.work()
  await warned
  for (const own of clusters) await own.stop()
  client.disconnect()
`

describeServers('eviction', ({ kind }) => {
  for (const policy of ['noeviction', 'allkeys-lru', 'volatile-ttl']) {
    test(`${policy}: ${policy === 'noeviction' ? 'no warning' : 'one warning'}`, async () => {
      const server = await startServer(kind, { args: ['--maxmemory-policy', policy] })
      const { code, stdout, stderr } = await child(PROGRAM, { args: [server.url, policy] })
      assert.equal(code, 0, stderr)
      const said = stdout.trim()
      if (policy === 'noeviction') assert.equal(said, '')
      else assert.match(said, new RegExp(`^the server of the cluster has maxmemory-policy ${policy}: .*; set noeviction$`))
      await server.stop()
    })
  }
})
