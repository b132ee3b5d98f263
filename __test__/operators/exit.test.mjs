// Rule 18 for the timers of operators: one that nobody waits for keeps no process alive, and whoever waits gets what it is to bring. Every case is a
// process of its own.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { output } from '../support/child.mjs'

const prelude = `
  import { streamFn } from 'velo-stream'
  import { batch, chunk, keyed, map, window } from 'velo-stream/operators'
  async function* sums(events) { let sum = 0; for await (const { n } of events) sum += n; yield sum }
  const say = (...words) => console.log(words.join(' '))
  const start = performance.now()
  const passed = (ms) => performance.now() - start >= ms
  const NEVER = { idleTimeout: 0 }
`

/** Far less than any timer of these cases that could hold the process. */
const AT_ONCE = 12_000
const concurrency = 3

const says = async (body, expected) => assert.equal(await output(`${prelude}\n${body}`, { ms: AT_ONCE }), expected)

describe('nobody waits: the process ends at once', { concurrency }, () => {
  const idle = {
    'chunk({ maxWait })': `const stream = chunk({ maxWait: 60_000 }).with(NEVER).open(); await stream.send(1)`,
    'chunk({ maxWait }) behind a call that was left': `const source = { [Symbol.asyncIterator]: () => source, n: 0, next: () => source.n++ < 1 ? Promise.resolve({ value: 1 }) : new Promise(() => {}) }
      const results = chunk({ maxWait: 60_000, maxSize: 2 }).with(NEVER).open().feed(source)`,
    'batch({ maxWait })': `const stream = batch((all) => all, { maxWait: 60_000 }).with(NEVER).open(); await stream.send(1)`,
    'keyed({ idleTimeout })': `const stream = keyed(sums, { by: 'n', idleTimeout: 60_000 }).with(NEVER).open(); await stream.send({ n: 1 })`,
    'keyed(chunk({ maxWait }))': `const stream = keyed(chunk({ maxWait: 60_000 }), { by: 'n' }).with(NEVER).open(); await stream.send({ n: 1 })`,
    'window({ tumbling })': `const stream = window({ tumbling: 60_000 }).with(NEVER).open(); await stream.send(1)`,
    'a pipeline': `const stream = map(Number).pipe(chunk({ maxWait: 60_000 })).pipe(sums).with(NEVER).open(); await stream.send(1)`,
  }
  for (const [name, body] of Object.entries(idle)) test(name, () => says(`${body}\nsay('sent')`, 'sent'))
})

describe('somebody waits: the process stays for what the timer brings', { concurrency }, () => {
  const awaited = {
    'chunk({ maxWait })': [
      `const stream = chunk({ maxWait: 100 }).with(NEVER).open(); await stream.send(1); say(await stream.recv(), passed(100))`,
      '1 true',
    ],
    'a read that waited before the event came': [
      `const stream = chunk({ maxWait: 100 }).with(NEVER).open(); const read = stream.recv(); await stream.send(1); say(await read, passed(100))`,
      '1 true',
    ],
    'a loop over chunk({ maxWait })': [
      `const source = (async function* () { yield 1; await new Promise(() => {}) })()
      for await (const one of chunk({ maxWait: 50 }).with(NEVER)(source)) { say(one, passed(50)); break }`,
      '1 true',
    ],
    'keyed({ idleTimeout })': [
      `const stream = keyed(sums, { by: 'n', idleTimeout: 100 }).with(NEVER).open(); await stream.send({ n: 5 })
      const { key, value } = await stream.recv(); say(key, value, passed(100))`,
      '5 5 true',
    ],
    'keyed(chunk({ maxWait }))': [
      `const stream = keyed(chunk({ maxWait: 100 }), { by: 'n' }).with(NEVER).open(); await stream.send({ n: 5 })
      const { key, value } = await stream.recv(); say(key, value.length, passed(100))`,
      '5 1 true',
    ],
    'window({ tumbling })': [
      `const stream = window({ tumbling: 100 }).with(NEVER).open(); await stream.send(5); say((await stream.recv()).events)`,
      '5',
    ],
    'several timers, one after the other': [
      `const stream = chunk({ maxWait: 50 }).with(NEVER).open()
      for (const n of [1, 2, 3]) { await stream.send(n); say(await stream.recv()) }
      say(passed(150))`,
      '1\n2\n3\ntrue',
    ],
  }
  for (const [name, [body, expected]] of Object.entries(awaited)) test(name, () => says(body, expected))
})
