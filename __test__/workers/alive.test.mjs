// Rule 18 where a function does something of its own when its stream is aborted: the process ends at once, as it does with the function on its own thread, unless
// somebody waits for a close. One that ends soon has its end. Every case is a process of its own, on both placements.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { output } from '../support/child.mjs'
import { prelude } from './functions/prelude.mjs'

/** Far more than a process takes to end, and far less than a minute. */
const AT_ONCE = 15_000
const MINUTE = 60_000
const lingers = new URL('functions/lingers.mjs', import.meta.url).href

const given = `
  import * as functions from '${lingers}'
  const places = {
    local: (name, options) => streamFn(functions[name], options),
    worker: (name, options) => streamFn('${lingers}', { placement: 'worker', export: name, ...options }),
  }
  const define = (name, options) => places[place](name, { idleTimeout: 0, closeTimeout: ${MINUTE}, ...options })
  const opened = async (name, options) => {
    const stream = define(name, options).open()
    await stream.send(1)
    if (await stream.recv() !== 1) throw new Error('it did not begin')
    return stream
  }
`

async function says(place, body, expected) {
  assert.equal(await output(`${prelude}\nconst place = '${place}'\n${given}\n${body}`, { ms: AT_ONCE }), expected)
}

for (const place of ['local', 'worker']) {
  describe(`nobody waits: the process ends at once (${place})`, { concurrency: 2 }, () => {
    const ends = {
      'an abort of a function that is stuck': `(await opened('stuck')).abort()`,
      'an abort of a function that is stuck in its finally': `(await opened('stuckInFinally')).abort()`,
      'an abort of many': `for (let i = 0; i < 50; i++) (await opened(i % 2 ? 'stuck' : 'stuckInFinally')).abort()`,
      'an abort by a signal': `
        const controller = new AbortController()
        const stream = define('stuck').open({ signal: controller.signal }); await stream.send(1); await stream.recv()
        controller.abort()`,
      'a run that was aborted': `
        const controller = new AbortController()
        const running = define('stuck').run([1, 2], { signal: controller.signal }).catch((error) => say(error.code))
        setImmediate(() => controller.abort())
        await running`,
      'an abort while a read waits': `
        const stream = await opened('stuck'); const reading = stream.recv().catch((error) => say(error.code)); stream.abort(); await reading`,
      'an abort of which somebody waits for the end alone': `const stream = await opened('stuckInFinally'); stream.abort(); stream.closed.then(() => say('ended'))`,
      'an abort of a pipeline': `
        const stream = define('passes').pipe(define('stuck')).pipe(define('passes')).open()
        await stream.send(1); await stream.recv(); stream.abort()`,
      'an abort before the start': `const stream = define('stuck').open(); stream.send(1).catch(() => {}); stream.abort()`,
    }
    for (const [name, body] of Object.entries(ends)) {
      const read = /error\.code/.test(body) ? 'VELO_ABORTED\n' : ''
      test(`rule 18: ${name}`, () => says(place, `${body}\nsay('end of script')`, `${read}end of script`))
    }
  })

  describe(`somebody waits: the process stays (${place})`, { concurrency: 2 }, () => {
    test('rule 18: a close of one that is stuck, until closeTimeout', () =>
      says(
        place,
        `const stream = await opened('stuckInFinally', { closeTimeout: 300 })
        const asked = performance.now()
        await stream.close()
        say((await stream.closed).detached, performance.now() - asked >= 300)`,
        'true true',
      ))

    test('rule 18: a close after an abort', () =>
      says(
        place,
        `const stream = await opened('stuckInFinally', { closeTimeout: 300 })
        const asked = performance.now()
        stream.abort()
        await stream.close()
        say((await stream.closed).detached, performance.now() - asked >= 300)`,
        'true true',
      ))
  })

  test(`rule 18: one that ends as it is told to has its end (${place})`, () =>
    says(
      place,
      `const stream = await opened('passes'); stream.abort(); say((await stream.closed).reason, (await stream.closed).detached)`,
      'aborted false',
    ))
}

test('rule 18: an abort of a function on a worker thread that computes for ever', () =>
  says('worker', `(await opened('computes')).abort(); say('end of script')`, 'end of script'))

test('rule 18: an abort beside one that computes for ever and was given up', () =>
  says(
    'worker',
    `runtime.configure({ workers: 1 })
    const other = await opened('stuck')
    const stream = await opened('computes', { closeTimeout: 1 })
    await stream.close()
    other.abort()
    say('end of script')`,
    'end of script',
  ))
