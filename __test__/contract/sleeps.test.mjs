// No test sleeps: what it waits for is an event, inside a limit. Timers that are no waits are listed here, each with its reason.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, text } from '../support/sources.mjs'

const own = '__test__/contract/sleeps.test.mjs'

/** How many timers a file starts, and what for. */
const ALLOWED = {
  '__test__/support/within.mjs': [1, 'bounds a wait'],
  '__test__/support/child.mjs': [1, 'kills a process that does not end'],
  '__test__/support/bridge.mjs': [1, 'gives up a thread that does not answer'],
  '__test__/workers/functions/obey.mjs': [1, 'a function whose own timer keeps its thread waiting'],
  '__test__/workers/isolates.test.mjs': [1, 'terminates at a random moment; the exit is awaited'],
  '__test__/durable/kills/lane.mjs': [1, 'kills at a random moment; the exit is awaited'],
  '__test__/operators/broadcast.test.mjs': [1, 'whether a timer fires at all is what is tested'],
  '__test__/behavior/rule-18-exit.test.mjs': [2, 'a timer of the user, which goes on or ends the process'],
  '__test__/kafka/rebalance.test.mjs': [1, 'a function that is slow is the fault'],
  '__test__/nats/hosts/function.mjs': [1, 'a function that is slow is the fault'],
  '__test__/redis/chaos/chaos.mjs': [1, 'faults come at random moments, and sessions send at a pace of their own'],
  '__test__/redis/hosts/trouble.mjs': [1, 'a function that is slow is the fault'],
  '__test__/redis/hosts/worker.mjs': [1, 'a process that exits on its own is the fault'],
  '__test__/websocket/browser.test.mjs': [1, 'the next turn of a page'],
}

/** A call of the global; a fake clock has its own, as a method or the definition of one. */
const TIMER = /(?<![\w.$])setTimeout\((?!callback, ms\) \{)/g
/** Pauses under other names. */
const PAUSES = [
  /import \{[^}]*\b(setTimeout|setInterval|scheduler)\b[^}]*\} from 'node:timers\/promises'/,
  /\bscheduler\.wait\(/,
  /promisify\(setTimeout\)/,
]

const scripts = files(/^__test__\/.*\.(mjs|js|ts)$/).filter((name) => name !== own)

test('no test waits by a timer', () => {
  const found = scripts.map((name) => [name, text(name).match(TIMER)?.length ?? 0]).filter(([, timers]) => timers > 0)
  assert.deepEqual(
    found.filter(([name, timers]) => timers !== ALLOWED[name]?.[0]),
    [],
    'wait for an event inside within(ms, ...), or for afterIdle(ms)',
  )
  assert.deepEqual(
    Object.keys(ALLOWED).filter((name) => !found.some(([other]) => other === name)),
    [],
    'these start no timer any more',
  )
})

test('nor by a pause under another name', () => {
  assert.deepEqual(
    scripts.filter((name) => PAUSES.some((pause) => pause.test(text(name)))),
    [],
  )
})

test('such waits are found', () => {
  const sleeps = ['await new Promise((resolve) => setTimeout(resolve, 5))', 'await setTimeout(5)', 'setTimeout(paused.resolve, 50)']
  for (const sleep of sleeps) assert.equal(sleep.match(TIMER)?.length, 1, sleep)
  const [imported] = PAUSES
  assert.match("import { setTimeout as delay } from 'node:timers/promises'", imported)
  assert.doesNotMatch("import { setImmediate as turn } from 'node:timers/promises'", imported)
  for (const timer of ['clock.setTimeout(resolve, 5)', 'setTimeout(callback, ms) {']) assert.equal(timer.match(TIMER), null, timer)
})
