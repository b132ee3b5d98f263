// Rule 16: promises of send, sendBatch, close and closed never crash the process when nobody handles them; those of run, recv and next are the caller's.
// Each case is a process of its own, with the default for unhandled rejections.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { child, output } from '../support/child.mjs'

const prelude = `
  import { streamFn } from 'velo-stream'
  const error = new Error('on purpose')
  async function* pass(events) { for await (const event of events) yield event }
  async function* fail() { throw error }
  async function* failClosing(events) { try { for await (const event of events) yield event } finally { throw error } }
  const turns = async (count = 10) => { for (let i = 0; i < count; i++) await new Promise(setImmediate) }
  const schema = (validate) => ({ '~standard': { version: 1, vendor: 'test', validate } })
  const options = { idleTimeout: 0 }
`
const postlude = `
  await turns()
  console.log('alive')
`

const floating = {
  'send after close': `const s = streamFn(pass).open(); await s.close(); s.send(1)`,
  'send after end': `const s = streamFn(pass).open(); s.end(); s.send(1)`,
  'send after abort': `const s = streamFn(pass).open(); s.abort(error); s.send(1)`,
  'send after a failure': `const s = streamFn(fail).open(); s.send(1); await s.closed; s.send(2)`,
  'send that waits when the stream closes': `const s = streamFn(pass, { buffer: 1 }).open(); for (let i = 0; i < 10; i++) s.send(i); await turns(); s.close()`,
  'send that waits when the stream aborts': `const s = streamFn(pass, { buffer: 1 }).open(); for (let i = 0; i < 10; i++) s.send(i); await turns(); s.abort(error)`,
  'send that waits when the function fails': `
    const s = streamFn(async function* (events) { for await (const e of events) { await turns(2); throw error } }, { buffer: 1 }).open()
    for (let i = 0; i < 10; i++) s.send(i)`,
  'send that waits when the function returns': `
    const s = streamFn(async function* (events) { for await (const e of events) { await turns(2); return } }, { buffer: 1 }).open()
    for (let i = 0; i < 10; i++) s.send(i)`,
  'sends beyond the bound': `const s = streamFn(pass, { buffer: 1 }).open(); for (let i = 0; i < 100; i++) s.send(i)`,
  'send with an aborted signal': `streamFn(pass).open().send(1, { signal: AbortSignal.abort() })`,
  'send with a signal that fires': `
    const c = new AbortController(); const s = streamFn(pass, { buffer: 1 }).open()
    for (let i = 0; i < 10; i++) s.send(i, { signal: c.signal }); await turns(); c.abort()`,
  'send with a wrong signal': `streamFn(pass).open().send(1, { signal: 7 })`,
  'send that the schema refuses': `streamFn(pass, { schema: schema(() => ({ issues: [{ message: 'no' }] })) }).open().send(1)`,
  'send that the schema refuses late': `streamFn(pass, { schema: schema(async () => ({ issues: [{ message: 'no' }] })) }).open().send(1)`,
  'send with a schema that throws': `streamFn(pass, { schema: schema(() => { throw error }) }).open().send(1)`,
  'send with a schema that rejects': `streamFn(pass, { schema: schema(async () => { throw error }) }).open().send(1)`,
  'send that leaves the line': `
    const fn = streamFn(pass, { maxConcurrent: 1, queue: 1 }); fn.open(); const s = fn.open(); s.send(1); s.sendBatch([1, 2]); s.close()`,
  'sendBatch after close': `const s = streamFn(pass).open(); await s.close(); s.sendBatch([1, 2])`,
  'sendBatch with no array': `streamFn(pass).open().sendBatch(1)`,
  'sendBatch that waits when the stream closes': `const s = streamFn(pass, { buffer: 1 }).open(); s.sendBatch([1, 2, 3, 4, 5, 6]); await turns(); s.close()`,
  'sendBatch that the schema refuses in part, late': `
    const s = streamFn(pass, { schema: schema(async (v) => v === 2 ? Promise.reject(error) : { issues: [{ message: 'no' }] }) }).open(); s.sendBatch([1, 2, 3])`,
  'trySend with an asynchronous schema that rejects': `
    const s = streamFn(pass, { schema: schema(async () => { throw error }) }).open(); try { s.trySend(1) } catch (e) { if (e.code !== 'VELO_CONFIG') throw e }`,
  'send and sendBatch under a feed': `const s = streamFn(pass).open(); s.feed([]); s.send(1); s.sendBatch([2])`,
  'close that rejects': `const s = streamFn(failClosing).open(); await s.send(1); s.close()`,
  'close that rejects, asked twice': `const s = streamFn(failClosing).open(); await s.send(1); s.close(); s.close()`,
  'a disposal that rejects': `const s = streamFn(failClosing).open(); await s.send(1); s[Symbol.asyncDispose]()`,
  'closed of a failed stream': `const s = streamFn(fail).open(); s.closed; s.send(1)`,
  'closed of an aborted stream': `const s = streamFn(pass).open(); s.closed; s.abort(error)`,
  'a failed stream that nobody asks': `const s = streamFn(fail).open(); s.send(1)`,
  'an aborted function that throws something of its own': `
    const s = streamFn(async function* (events) { try { for await (const e of events) yield e } finally { throw error } }).open(); await s.send(1); s.abort()`,
  'a detached function that throws at last': `
    let reject; const stuck = new Promise((_, no) => { reject = no })
    const s = streamFn(async function* (events) { for await (const e of events) { await stuck; yield e } }, { closeTimeout: 10 }).open()
    await s.send(1); await s.close(); reject(error)`,
  'a feed whose source throws, which nobody reads': `
    const s = streamFn(pass).open(); s.feed((async function* () { yield 1; throw error })())`,
  'a feed whose source fails to close': `
    const source = { [Symbol.asyncIterator]: () => source, next: async () => ({ value: 1, done: false }), return: async () => { throw error } }
    const s = streamFn(pass, { buffer: 1 }).open(); s.feed(source); await turns(2); s.close()`,
  'a run over a source that fails to close, handled': `
    const source = { [Symbol.asyncIterator]: () => source, next: async () => ({ value: 1, done: false }), return: async () => { throw error } }
    await streamFn(async function* (events) { for await (const e of events) return }).run(source).catch(() => {})`,
  'a source that rejects after the end': `
    let reject; const source = { [Symbol.asyncIterator]: () => source, next: () => new Promise((_, no) => { reject = no }) }
    const results = streamFn(pass)(source); const pending = results.next(); await turns(2); await results.return(); reject(error); await pending`,
  'a promise in a sync source that rejects after the end': `
    let reject; const results = streamFn(pass)([new Promise((_, no) => { reject = no })])
    const pending = results.next(); await turns(2); await results.return(); reject(error); await pending`,
  'a stage that fails while the pipeline closes': `
    const s = streamFn(failClosing).pipe(failClosing).pipe(pass).open(); await s.send(1); s.close()`,
  'a stage whose pull rejects after the abort': `
    let reject; const late = new Promise((_, no) => { reject = no })
    const s = streamFn(async function* (events) { for await (const e of events) { await late; yield e } }, { closeTimeout: 10 }).pipe(pass).open()
    await s.send(1); s.abort(); await turns(2); reject(error)`,
  'a run that is handled late': `const p = streamFn(pass).run([1]); await turns(3); await p`,
}

const owned = {
  run: `streamFn(fail).run([1])`,
  'run refused': `const fn = streamFn(pass, { maxConcurrent: 1 }); fn.open(); fn.run([1])`,
  recv: `const s = streamFn(fail).open(); s.recv()`,
  'recv after close': `const s = streamFn(pass).open(); await s.close(); s.recv()`,
  recvBatch: `const s = streamFn(fail).open(); s.recvBatch(3)`,
  'next of a stream': `const s = streamFn(fail).open(); s[Symbol.asyncIterator]().next()`,
  'next of a call': `streamFn(fail)([1]).next()`,
  'next of a feed': `streamFn(fail).open().feed([1]).next()`,
}

// Four processes at a time: each is mostly start-up.
const concurrency = 4

describe('promises that may float', { concurrency }, () => {
  for (const [name, body] of Object.entries(floating)) {
    test(`rule 16: ${name}`, async () => {
      // A warning is no rejection.
      assert.equal(await output(`${prelude}\n${body}\n${postlude}`, { flags: ['--no-warnings'] }), 'alive')
    })
  }
})

describe("promises that are the caller's", { concurrency }, () => {
  for (const [name, body] of Object.entries(owned)) {
    test(`rule 16: ${name}`, async () => {
      const { code, signal, stdout, stderr } = await child(`${prelude}\n${body}\n${postlude}`)
      assert.deepEqual({ code, signal, stdout }, { code: 1, signal: null, stdout: '' }, stderr)
      assert.match(stderr, /on purpose|VELO_/)
    })
  }
})
