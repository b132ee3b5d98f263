// Random pipelines on every path against the same generators nested by hand. fast-check prints the seed of a failure and the shortest pipeline
// that still differs.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { streamFn } from 'velo-stream'
import { outcome, turns } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { LIMIT, settings } from './script.mjs'

/** What a stage throws: it says which one it was. */
class StageError extends Error {
  constructor(stage) {
    super(`thrown by ${stage}`)
    this.stage = stage
  }
}

/** Stages by kind; `at` is the event at which something happens, `log` counts how often each `finally` ran. */
const kinds = {
  map: (name) =>
    async function* (events) {
      for await (const event of events) yield `${name}(${event})`
    },
  slowMap: (name) =>
    async function* (events) {
      for await (const event of events) {
        for (let i = 0; i < event.length % 4; i++) await null
        yield `${name}(${event})`
      }
    },
  filter: () =>
    async function* (events) {
      let n = 0
      for await (const event of events) if (n++ % 2 === 0) yield event
    },
  fan: (name) =>
    async function* (events) {
      for await (const event of events) for (let k = 0; k < 3; k++) yield `${name}${k}(${event})`
    },
  batch: (name) =>
    async function* (events) {
      let batch = []
      for await (const event of events) {
        if (batch.push(event) < 2) continue
        yield `${name}[${batch}]`
        batch = []
      }
      if (batch.length > 0) yield `${name}[${batch}]`
    },
  total: (name) =>
    async function* (events) {
      let n = 0
      for await (const event of events) n += event.length
      yield `${name}:${n}`
    },
  thrower: (_name, at, error) =>
    async function* (events) {
      let n = 0
      for await (const event of events) {
        if (n++ === at) throw error
        yield event
      }
    },
  returner: (name, at) =>
    async function* (events) {
      let n = 0
      if (at === 0) return
      for await (const event of events) {
        yield event
        if (++n === at) return
      }
      yield `${name} saw the end`
    },
  catcher: (name) =>
    async function* (events) {
      for (let round = 0; round < 2; round++) {
        try {
          for await (const event of events) yield event
        } catch (error) {
          yield `${name} caught: ${error.message}`
        }
      }
      yield `${name} goes on`
    },
  rethrower: () =>
    async function* (events) {
      try {
        for await (const event of events) yield event
      } catch (error) {
        yield 'before it is thrown again'
        throw error
      }
    },
  lateThrower: (_name, at, error) =>
    async function* (events) {
      for await (const event of events) yield event
      if (at % 2 === 0) throw error
    },
}

const stage = fc.record({ kind: fc.constantFrom(...Object.keys(kinds)), at: fc.nat(4) })
const pipeline = fc.record({
  stages: fc.array(stage, { minLength: 1, maxLength: 3 }),
  events: fc.array(fc.constantFrom('a', 'bb', 'ccc', 'dddd'), { maxLength: 8 }),
  /** The source throws before this event; beyond the last one it does not. */
  sourceFails: fc.option(fc.nat(8), { nil: undefined }),
  /** The consumer leaves after so many results. */
  most: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  buffer: fc.constantFrom(1, 2, 16, 256),
  nested: fc.boolean(),
})

const sourceError = new StageError('the source')

/** The functions of a pipeline, each with a `finally` that is logged; made anew for every use. */
function generators({ stages }) {
  const log = { started: new Set(), left: [] }
  const fns = stages.map(({ kind, at }, index) => {
    const name = `s${index}`
    const inner = kinds[kind](name, at, new StageError(name))
    const fn = async function* (events, ctx) {
      log.started.add(name)
      try {
        yield* inner(events, ctx)
      } finally {
        log.left.push(name)
      }
    }
    Object.defineProperty(fn, 'name', { value: name })
    return fn
  })
  return { fns, log }
}

function* syncSource({ events, sourceFails }) {
  for (const [n, event] of events.entries()) {
    if (n === sourceFails) throw sourceError
    yield event
  }
  if (sourceFails === events.length) throw sourceError
}

async function* asyncSource(how) {
  for (const event of syncSource(how)) yield event
}

async function collect(results, most = Number.POSITIVE_INFINITY) {
  const list = []
  try {
    for await (const result of results) if (list.push(result) === most) break
    return { list }
  } catch (error) {
    return { list, error }
  }
}

async function byHand(how) {
  const { fns, log } = generators(how)
  const results = fns.reduce((events, fn) => fn(events), asyncSource(how))
  return { ...(await collect(results, how.most)), log }
}

/** The pipeline as a stream function: left to right, or the later stages put together first. */
function piped(how) {
  const { fns, log } = generators(how)
  const options = { buffer: how.buffer }
  const [first, ...rest] = fns
  if (how.nested && rest.length === 2) return { fn: streamFn(first, options).pipe(streamFn(rest[0]).pipe(rest[1])), log }
  return { fn: rest.reduce((fn, next) => fn.pipe(next), streamFn(first, options)), log }
}

/**
 * Every way to put events through; `source` where the source may fail, `part` where the consumer may leave early, `ahead` where the function runs
 * ahead of it, so that leaving may meet an error the consumer had not come to yet.
 */
const paths = {
  'run(sync)': { source: true, drive: async ({ fn }, how) => whole(await outcome(fn.run(syncSource(how)))) },
  'run(async)': { source: true, drive: async ({ fn }, how) => whole(await outcome(fn.run(asyncSource(how)))) },
  'run(array)': { drive: async ({ fn }, how) => whole(await outcome(fn.run(how.events))) },
  'fn(sync)': { source: true, part: true, drive: ({ fn }, how) => collect(fn(syncSource(how)), how.most) },
  'fn(async)': { source: true, part: true, drive: ({ fn }, how) => collect(fn(asyncSource(how)), how.most) },
  'feed(sync)': { source: true, part: true, ahead: true, drive: ({ fn }, how) => collect(fn.open().feed(syncSource(how)), how.most) },
  'feed(async)': { source: true, part: true, ahead: true, drive: ({ fn }, how) => collect(fn.open().feed(asyncSource(how)), how.most) },
  'send and iterate': {
    part: true,
    ahead: true,
    async drive({ fn }, how) {
      const stream = fn.open()
      // Not awaited: what is refused because the stream has ended is nobody's business here.
      for (const event of how.events) void stream.send(event)
      stream.end()
      return ended(stream, await collect(stream, how.most))
    },
  },
  'sendBatch and recvBatch': {
    async drive({ fn }, how) {
      const stream = fn.open()
      const end = () => stream.end()
      void stream.sendBatch(how.events).then(end, end)
      const list = []
      for (;;) {
        const { value, error } = await outcome(stream.recvBatch(3))
        if (value === undefined) return ended(stream, { list, error })
        if (value.length === 0) return ended(stream, { list })
        list.push(...value)
      }
    },
  },
}

const whole = ({ value, error }) => (value === undefined ? { error } : { list: value })

async function ended(stream, got) {
  return { ...got, end: await within(LIMIT, stream.closed, 'closed') }
}

describe('rules 1, 6, 10, 11, 12 and 21: a pipeline is its generators nested', () => {
  for (const [path, { source, part, ahead, drive }] of Object.entries(paths)) {
    test(path, { timeout: 600_000 }, async () => {
      const property = fc.asyncProperty(pipeline, async (random) => {
        const how = { ...random, ...(source ? {} : { sourceFails: undefined }), ...(part ? {} : { most: undefined }) }
        const wanted = await byHand(how)
        const used = piped(how)
        const got = await within(LIMIT, drive(used, how), path)
        await turns(2)

        // run() either resolves with everything or rejects.
        if (got.list !== undefined) assert.deepEqual(got.list, wanted.list)
        const leftAhead = ahead && got.list.length === how.most
        if (leftAhead) assert.ok(got.error === undefined || got.error instanceof StageError)
        else assert.equal(got.error?.stage, wanted.error?.stage)
        if (got.error?.stage === sourceError.stage) assert.equal(got.error, sourceError)
        assert.deepEqual(used.log.left.toSorted(), [...used.log.started].sort(), 'every stage that started has left, once')
        for (const name of wanted.log.started) assert.ok(used.log.started.has(name), `${name} started`)

        const { streamsOpen, eventsOut, dropped } = used.fn.metrics
        assert.equal(streamsOpen, 0)
        if (got.list !== undefined) assert.equal(eventsOut, got.list.length + dropped.results, 'yielded = read + dropped')
        if (got.end === undefined) return
        if ('error' in got) {
          assert.equal(got.end.reason, 'failed')
          assert.equal(got.end.error, got.error)
          assert.equal(got.end.stage, how.stages.length > 1 ? got.error.stage : undefined)
        } else if (how.most === undefined || wanted.list.length < how.most) {
          assert.equal(got.end.reason, 'done')
        }
      })
      await fc.assert(property, settings(1 / 4))
    })
  }
})

noUnhandledRejections('rule 16')
