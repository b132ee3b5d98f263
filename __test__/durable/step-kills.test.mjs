// Rule 30: steps side by side take the same way again, whenever the process is killed with -9. Each life of a stream is killed at a later point than the one before it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { servers, startServer } from '../support/redis-servers.mjs'
import { within } from '../support/within.mjs'

const VICTIM = fileURLToPath(new URL('./steps/victim.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'velo-steps-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

/** Runs one life; `undefined`: it was killed. */
async function life(args, notes, kill) {
  const env = {
    ...process.env,
    NODE_OPTIONS: undefined,
    NODE_TEST_CONTEXT: undefined,
    VELO_STEPS_NOTES: notes,
    VELO_STEPS_KILL: String(kill),
  }
  const child = spawn(process.execPath, [VICTIM, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => void (out += text))
  child.stderr.setEncoding('utf8').on('data', (text) => void (err += text))
  try {
    const [code, signal] = await within(60_000, new Promise((resolve) => child.on('close', (...how) => resolve(how))), `life ${kill}`)
    if (signal === 'SIGKILL') return undefined
    assert.equal(`${code} ${err}`, '0 ', `killed at ${kill}`)
    return JSON.parse(out)
  } finally {
    child.kill('SIGKILL')
  }
}

/** All lives of one stream: the results of the last one, and what was done to the world. */
async function lives(args, every) {
  const notes = join(folder, `notes-${++made}`)
  for (let kill = every; ; kill += every) {
    const results = await life(args, notes, kill)
    if (results !== undefined) return { results, kills: kill / every - 1, done: readFileSync(notes, 'utf8').trim().split('\n') }
  }
}

const owns = (item, ...values) => {
  for (const value of values) assert.ok(value.startsWith(`${item}.`), `${item} was given ${value}`)
}

const LISTS = [
  ['a', 'b', 'c'],
  ['d', 'e'],
]
const ONE_BY_ONE = [['a'], ['b'], ['c'], ['d'], ['e']]

const SCENARIOS = {
  chains: [
    LISTS,
    (results) => {
      for (const [item, ...values] of results.flat()) owns(item, ...values)
    },
  ],
  apart: [
    ONE_BY_ONE,
    (results) => {
      assert.equal(results[0].length, ONE_BY_ONE.length)
      for (const [item, ...values] of results[0]) owns(item, ...values)
    },
  ],
  race: [
    LISTS,
    (results) => {
      for (const [[winner, ...values]] of results) owns(winner, ...values)
    },
  ],
  arrivals: [
    LISTS,
    (results) => {
      assert.equal(results.length, LISTS.flat().length)
      for (const [[item, ...values]] of results) owns(item, ...values)
    },
  ],
  contest: [
    ONE_BY_ONE,
    ([order]) => {
      for (let at = 0; at < order.length; at += 2) owns(order[at].split('.')[0], order[at + 1])
    },
  ],
}

function killed(placement, store) {
  for (const [name, [lists, check]] of Object.entries(SCENARIOS))
    test(`${name}: every outcome belongs to its step (${placement})`, { timeout: 300_000 }, async (context) => {
      const { results, kills, done } = await lives([store(), placement, name, JSON.stringify(lists)], 3)
      context.diagnostic(`${kills} kills, ${done.length} steps executed`)
      assert.ok(kills > 1)
      check(results)
    })
}

for (const placement of ['local', 'worker'])
  describe(`steps of a process that is killed, journal in a folder (${placement})`, () =>
    killed(placement, () => join(folder, `${++made}`)))

const [kind] = servers.filter(({ program }) => program !== undefined)
if (kind !== undefined)
  describe(`steps of a process that is killed, ${kind.name}`, () => {
    let server
    let database = 0
    before(async () => {
      server = await startServer(kind)
    })
    for (const placement of ['local', 'worker']) killed(placement, () => `${server.url}/${++database}`)
  })
