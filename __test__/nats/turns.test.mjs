// Something of a partition is to be stored in the very moment in which what was stored before is through: it is stored, too.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { natsSessions } from 'velo-stream/nats'
import { connection, describeNats } from '../support/nats-servers.mjs'
import { Turns } from '../support/turns.mjs'
import { within } from '../support/within.mjs'
import { PATIENT } from './support.mjs'

describeNats('moments between two steps of a partition', (server) => {
  test('whatever comes between the end of one and the next look is stored', async () => {
    const client = await connection(server().url)
    const turns = new Turns()
    const seen = new Proxy(client, {
      get(target, name) {
        if (name === 'request') return (...args) => turns.answered(target.request(...args), args[2]?.headers !== undefined)
        const value = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const sessions = natsSessions(seen, { fn: turns.fn, stream: 'turns', partitions: 1 })
    await within(PATIENT, sessions.work(), 'work')
    assert.deepEqual(await turns.all((key, event) => sessions.ask(key, event)), [])
    await sessions.stop()
  })
})
