// The matrix of rule 21: every way to put events through a stream function, with each feature off and on. A test written once against a
// path runs on all of them.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, test } from 'node:test'
import { ClosedError, streamFn } from 'velo-stream'
import { asyncSource, readableSource, syncSource, webSource } from './counted.mjs'
import { within } from './within.mjs'

/** Holds `path.store` while a path with AsyncLocalStorage runs. */
export const storage = new AsyncLocalStorage()

const BATCH = 64

const plainSchema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const lateSchema = { '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value }) } }

const features = [
  { name: '' },
  { name: 'signal', signal: true },
  { name: 'AsyncLocalStorage', store: true },
  { name: 'schema', schema: plainSchema },
  { name: 'asynchronous schema', schema: lateSchema },
  { name: 'signal, AsyncLocalStorage and schema', signal: true, store: true, schema: plainSchema },
]

async function* pass(events) {
  for await (const event of events) yield event
}

const isClosed = (error) => error instanceof ClosedError && error.code === 'VELO_CLOSED'

async function run(fn, source, options) {
  try {
    return { results: await fn.run(source, options), failure: null }
  } catch (error) {
    return { results: null, failure: { error } }
  }
}

async function collect(iterable) {
  const results = []
  try {
    for await (const result of iterable) results.push(result)
    return { results, failure: null }
  } catch (error) {
    return { results, failure: { error } }
  }
}

async function live(fn, events, options, send, read) {
  const stream = fn.open(options)
  const sending = (async () => {
    const progress = { sent: 0 }
    try {
      await send(stream, events, progress)
      stream.end()
      return { sent: progress.sent, sendFailure: null }
    } catch (error) {
      return { sent: progress.sent, sendFailure: { error } }
    }
  })()
  const [sent, got] = await Promise.all([sending, read(stream)])
  return { ...sent, ...got, stream, end: await stream.closed }
}

async function sendEach(stream, events, progress) {
  for (const event of events) {
    await stream.send(event)
    progress.sent++
  }
}

async function sendBatches(stream, events, progress) {
  let batch = []
  const flush = async () => {
    try {
      await stream.sendBatch(batch)
    } catch (error) {
      progress.sent += error.accepted
      throw error
    }
    progress.sent += batch.length
    batch = []
  }
  for (const event of events) {
    batch.push(event)
    if (batch.length === BATCH) await flush()
  }
  if (batch.length > 0) await flush()
}

async function recvEach(stream) {
  const results = []
  for (;;) {
    try {
      results.push(await stream.recv())
    } catch (error) {
      return { results, failure: isClosed(error) ? null : { error } }
    }
  }
}

async function recvBatches(stream) {
  const results = []
  for (;;) {
    try {
      const batch = await stream.recvBatch(BATCH)
      if (batch.length === 0) return { results, failure: null }
      results.push(...batch)
    } catch (error) {
      return { results, failure: { error } }
    }
  }
}

async function feed(fn, source, options) {
  const stream = fn.open(options)
  const got = await collect(stream.feed(source))
  return { ...got, stream, end: await stream.closed }
}

const pulled = (how, make) => async (fn, events, options, fail) => {
  const source = make(events, { fail })
  const got = await how(fn, source, options)
  return { ...got, source: source.counts ?? source }
}
const ofArray = (events) => [...events]
const ofPromises = (events, { fail } = {}) =>
  syncSource(
    (function* () {
      for (const event of events) yield Promise.resolve(event)
      if (fail) yield Promise.reject(fail.error)
    })(),
  )
const called = (fn, source, options) => collect(fn(source, options))
const liveBy = (send, read) => (fn, events, options) => live(fn, events, options, send, read)

// `source`: a source is pulled; it can throw (`throws`), counts what is done to it (`counts`), and need not end (`endless`).
const PULLED = { source: true, throws: true, counts: true, endless: true }
const sourced = [
  { name: 'run(array)', source: true, go: pulled(run, ofArray), whole: true },
  { name: 'run(sync iterable)', ...PULLED, go: pulled(run, syncSource), whole: true },
  { name: 'run(sync iterable of promises)', source: true, throws: true, endless: true, go: pulled(run, ofPromises), whole: true },
  { name: 'run(async iterator)', ...PULLED, go: pulled(run, asyncSource), whole: true },
  { name: 'run(Readable)', ...PULLED, noEmpty: true, go: pulled(run, readableSource), whole: true },
  { name: 'run(ReadableStream)', ...PULLED, go: pulled(run, webSource), whole: true },
  { name: 'fn(array)', source: true, go: pulled(called, ofArray) },
  { name: 'fn(async iterator)', ...PULLED, go: pulled(called, asyncSource) },
  { name: 'fn(Readable)', ...PULLED, noEmpty: true, go: pulled(called, readableSource) },
  { name: 'feed(array)', source: true, live: true, go: pulled(feed, ofArray) },
  { name: 'feed(async iterator)', ...PULLED, live: true, go: pulled(feed, asyncSource) },
]
const sent = [
  { name: 'send and recv', live: true, endless: true, go: liveBy(sendEach, recvEach) },
  { name: 'send and for await', live: true, endless: true, go: liveBy(sendEach, collect) },
  { name: 'sendBatch and recvBatch', live: true, endless: true, go: liveBy(sendBatches, recvBatches) },
]
const byName = Object.fromEntries([...sourced, ...sent].map((base) => [base.name, base]))
const staged = [
  ['run(array)', 2],
  ['run(async iterator)', 2],
  ['fn(async iterator)', 2],
  ['send and for await', 2],
  ['run(sync iterable)', 3],
  ['run(async iterator)', 3],
  ['fn(async iterator)', 3],
  ['feed(async iterator)', 3],
  ['send and recv', 3],
  ['sendBatch and recvBatch', 3],
].map(([name, stages]) => ({ ...byName[name], name: `${name}, pipe of ${stages}`, stages }))

/** The paths without the features: `{ name, stages, source, throws, counts, endless, live, whole, noEmpty }`. */
export const paths = [...sourced, ...sent, ...staged].map((base) => ({ stages: 1, ...base }))

/**
 * One path with its features. `define` makes the stream function: `fn` alone, before a stage that passes everything on, or between two.
 * `drive` puts events through it and says `{ results, failure, source?, stream?, end?, sent?, sendFailure? }`: what the caller got (`results`
 * is null where `run` rejected), and what was thrown at it (`{ error }` or null).
 */
function withFeature(base, feature) {
  const { name, go, ...traits } = base
  const store = feature.store ? { path: name } : undefined
  return {
    ...traits,
    name: feature.name === '' ? name : `${name}, with ${feature.name}`,
    plain: feature.name === '',
    store,
    schema: feature.schema,
    define(fn, options = {}) {
      const all = feature.schema === undefined ? options : { ...options, schema: feature.schema }
      if (base.stages === 1) return streamFn(fn, all)
      if (base.stages === 2) return streamFn(fn, all).pipe(pass)
      return streamFn(pass, all).pipe(fn).pipe(streamFn(pass))
    },
    drive(fn, events, { fail, ms = 10_000 } = {}) {
      const options = feature.signal ? { signal: new AbortController().signal } : undefined
      const start = () => go(fn, events, options, fail)
      return within(ms, store === undefined ? start() : storage.run(store, start), name)
    },
  }
}

/**
 * Runs the same tests on every path to which they apply: `describePaths(name, (path, test) => { ... }, { only, plain })`. `only` chooses
 * paths, `plain` leaves the features out.
 */
export function describePaths(name, body, { only = () => true, plain = false } = {}) {
  const chosen = paths.filter(only)
  assert.ok(chosen.length > 0, `${name}: no path applies`)
  describe(name, () => {
    for (const base of chosen) {
      for (const feature of plain ? features.slice(0, 1) : features) {
        const path = withFeature(base, feature)
        body(path, (title, check) => test(`${title} (${path.name})`, check))
      }
    }
  })
}
