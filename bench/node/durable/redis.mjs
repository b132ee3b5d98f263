// The peer in another process: the state of each stream in Redis, got and set again for every event. A real server on loopback, which keeps nothing on disk.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { freePort } from '../../../__test__/support/free-port.mjs'

/** A server and its client; or, as text, what is missing. */
export async function redisOnLoopback() {
  const { Redis } = await import('ioredis').catch(() => ({}))
  if (Redis === undefined) return 'MISSING: the package ioredis, so nothing is compared with Redis'
  const port = await freePort()
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn('redis-server', flags, { stdio: 'ignore' })
  const failed = await once(server, 'spawn').then(
    () => undefined,
    (error) => error,
  )
  if (failed !== undefined) return `MISSING: redis-server (${failed.code}), so nothing is compared with Redis`
  const client = new Redis({ port, host: '127.0.0.1' })
  // It tries again until the server listens.
  client.on('error', () => {})
  await client.ping()
  return {
    client,
    async close() {
      client.disconnect()
      const exited = once(server, 'exit')
      server.kill()
      await exited
    },
  }
}

/** So many sessions at once, each one event after the other. Answers the last sum of each. */
export function throughRedis(client, streams, rounds, events) {
  return Promise.all(
    Array.from({ length: streams }, async (_, at) => {
      const key = `session-${at}`
      await client.del(key)
      for (let round = 0; round < rounds; round++) {
        for (const { amount } of events) {
          const state = JSON.parse((await client.get(key)) ?? '{"sum":0}')
          state.sum += amount
          await client.set(key, JSON.stringify(state))
        }
      }
      return JSON.parse(await client.get(key)).sum
    }),
  )
}
