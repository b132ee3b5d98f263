// Workers on sessions of keys, and what they must have given: each event once and in order.

import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { natsSessions, natsSource } from 'velo-stream/nats'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'
import { chain } from './hosts/function.mjs'
import { PATIENT, range } from './support.mjs'

const HOST = fileURLToPath(new URL('./hosts/host.mjs', import.meta.url))
export const QUICK = { partitions: 4, lease: 600 }

/** A process that works, killed at the end of the file. */
export async function host(url, options) {
  const child = fork(HOST, [String(url), JSON.stringify({ ...QUICK, ...options })], { execArgv: [] })
  leftover(() => child.kill('SIGKILL'))
  await within(PATIENT, once(child, 'message'), 'the start of a host')
  return {
    child,
    async metrics() {
      child.send('metrics')
      const [metrics] = await within(PATIENT, once(child, 'message'), 'metrics')
      return metrics
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      await within(PATIENT, once(child, 'exit'), 'the end of a host')
    },
    async stop() {
      child.send('stop')
      await within(PATIENT, once(child, 'exit'), 'the end of a host')
    },
  }
}

export async function working(client, options) {
  const sessions = natsSessions(client, { fn: chain, ...QUICK, ...options })
  leftover(() => sessions.stop())
  await within(PATIENT, sessions.work(), 'work')
  return sessions
}

/** Reads results until there are so many; by key, in the order of the stream. */
export async function resultsOf(client, { stream, count }) {
  const byKey = new Map()
  const read = async () => {
    let seen = 0
    const source = natsSource(client, { stream, subject: `${stream}.out.>`, from: 'all', entries: true })
    for await (const { value, headers } of source) {
      assert.equal(value.wrong, undefined, JSON.stringify(value))
      const list = byKey.get(value.key) ?? []
      byKey.set(value.key, list)
      list.push({ ...value, index: Number(headers['Velo-Index']) })
      if (++seen === count) return byKey
    }
  }
  return within(PATIENT, read(), `${count} results`)
}

/** Each key has given what it was to give, once and in order. */
export function assertWhole(byKey, keys, count) {
  assert.deepEqual([...byKey.keys()].sort(), [...keys].sort())
  for (const list of byKey.values()) {
    assert.deepEqual(
      list.map(({ n, index }) => [n, index]),
      range(count).map((n) => [n, n]),
    )
    assert.equal(list.at(-1).sum, (count * (count - 1)) / 2)
  }
}

export const keysOf = (count) => range(count).map((n) => `k${n}`)
