// Server-sent events to clients that come back: nothing is missed within the buffer, nothing comes twice; and what a disconnect, a stop and an end are.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { afterEach, describe, test } from 'node:test'
import fc from 'fast-check'
import { runtime, streamFn } from 'velo-stream'
import { stop } from 'velo-stream/http'
import { deferred, until } from '../support/deferred.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { kinds, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

/** Reads server-sent events as EventSource does, and may leave at any time. */
class Client {
  events = []
  id
  complete = false
  left = false
  #wake = () => {}

  static async connect(url, id) {
    const client = new Client()
    client.id = id
    const headers = { accept: 'text/event-stream', ...(id === undefined ? {} : { 'last-event-id': id }) }
    client.request = http.get(url, { headers, agent: false }).on('error', () => {})
    const [response] = await within(5000, once(client.request, 'response'), 'the response')
    client.response = response
    client.reading = new Promise((resolve) => response.on('close', resolve))
    let rest = ''
    response.setEncoding('utf8').on('error', () => {})
    response.on('data', (text) => {
      const blocks = (rest + text).split('\n\n')
      rest = blocks.pop()
      for (const block of blocks) client.#take(block)
    })
    response.on('end', () => {
      client.complete = response.complete && !client.left
    })
    return client
  }

  #take(block) {
    const fields = Object.fromEntries(
      block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trimStart()]),
    )
    if (fields.id !== undefined) this.id = fields.id
    if (fields.data !== undefined) this.events.push({ event: fields.event ?? 'message', data: fields.data })
    this.#wake()
  }

  /** Waits until so many events came. */
  async has(count) {
    const wait = async () => {
      while (this.events.length < count) {
        await new Promise((resolve) => {
          this.#wake = resolve
        })
      }
    }
    await within(5000, wait(), `${count} events`)
    return this
  }

  leave() {
    this.left = true
    this.request.destroy()
  }
}

const data = (...clients) => clients.flatMap(({ events }) => events.map((event) => JSON.parse(event.data)))

/** Yields numbers from 1 to `count`; the test lets each go. */
function counter(count, options) {
  const gates = Array.from({ length: count + 1 }, deferred)
  const seen = { aborted: deferred() }
  const fn = streamFn(async function* counter(_, ctx) {
    ctx.signal.addEventListener('abort', () => seen.aborted.resolve(ctx.signal.reason))
    for (let number = 1; number <= count; number++) {
      await gates[number].promise
      yield number
    }
  }, options)
  const allow = (upTo) => {
    for (let number = 1; number <= upTo; number++) gates[number].resolve()
  }
  return { fn, allow, seen }
}

async function using(kind, fn, options, work) {
  const server = await start(kind, fn, { out: 'sse', resume: true, onDisconnect: { graceMs: 5000 }, ...options })
  try {
    await work(server)
    await settled()
  } finally {
    await server.close()
  }
}

for (const kind of kinds) {
  describe(kind, () => {
    afterEach(() => settled())

    test('a client that comes back gets what it missed, and the stream goes on', async () => {
      const { fn, allow } = counter(9)
      await using(kind, fn, {}, async ({ url }) => {
        allow(3)
        const first = await (await Client.connect(url)).has(3)
        first.leave()
        allow(6)
        const second = await (await Client.connect(url, first.id)).has(3)
        second.leave()
        allow(9)
        const third = await (await Client.connect(url, second.id)).has(3)
        await within(5000, third.reading, 'the end')
        assert.deepEqual(data(first, second, third), [1, 2, 3, 4, 5, 6, 7, 8, 9])
        assert.equal(third.complete, true)
      })
    })

    test('after the end 204 says that nothing follows; one that missed the end gets it', async () => {
      const { fn, allow } = counter(3)
      await using(kind, fn, { end: 'end' }, async ({ url }) => {
        allow(3)
        const first = await Client.connect(url)
        await within(5000, first.reading, 'the end')
        assert.deepEqual(first.events.at(-1), { event: 'end', data: '' })
        const again = await Client.connect(url, first.id)
        assert.equal(again.response.statusCode, 204)
        const late = await Client.connect(url, first.id.replace(/\d+$/, '1'))
        await within(5000, late.reading, 'the rest')
        assert.deepEqual(
          late.events.map((event) => event.data),
          ['2', '3', ''],
        )
      })
    })

    test('a stream that failed is told to who comes back, once', async () => {
      const failing = streamFn(async function* failing() {
        yield 1
        throw new Error('no')
      })
      const errors = []
      await using(kind, failing, { onError: (error) => errors.push(error.message) }, async ({ url }) => {
        const first = await Client.connect(url)
        await within(5000, first.reading, 'the end')
        assert.deepEqual(
          first.events.map(({ event }) => event),
          ['message', 'error'],
        )
        const back = await Client.connect(url, first.id.replace(/\d+$/, '1'))
        await within(5000, back.reading, 'the end')
        assert.deepEqual(
          back.events.map(({ event }) => event),
          ['error'],
        )
        assert.equal((await Client.connect(url, back.id)).response.statusCode, 204)
        assert.deepEqual(errors, ['no'])
      })
    })

    test('a client that does not come back within graceMs is given up: the stream is aborted, and 410 tells who comes later', async () => {
      const { fn, allow, seen } = counter(3)
      await using(kind, fn, { onDisconnect: { graceMs: 30 } }, async ({ url }) => {
        allow(1)
        const first = await (await Client.connect(url)).has(1)
        first.leave()
        await within(5000, seen.aborted.promise, 'the abort')
        allow(3)
        await settled()
        const late = await Client.connect(url, first.id)
        assert.equal(late.response.statusCode, 410)
      })
    })

    test('stop() is not a disconnect: the stream is aborted, its client told, and nobody can resume it', async () => {
      const { fn, allow, seen } = counter(3)
      await using(kind, fn, {}, async ({ url }) => {
        allow(1)
        const first = await (await Client.connect(url)).has(1)
        const id = first.response.headers['velo-stream']
        assert.equal(stop(id), true)
        assert.equal(stop(id), false)
        await within(5000, seen.aborted.promise, 'the abort')
        allow(3)
        await within(5000, first.reading, 'the end')
        assert.equal(first.events.at(-1).event, 'error')
        assert.equal(JSON.parse(first.events.at(-1).data).message, 'the stream was stopped')
        assert.equal((await Client.connect(url, first.id)).response.statusCode, 410)
      })
    })

    test('two connections of one client: the later one takes over', async () => {
      const { fn, allow } = counter(4)
      await using(kind, fn, {}, async ({ url }) => {
        allow(2)
        const first = await (await Client.connect(url)).has(2)
        const second = await Client.connect(url, first.id)
        await within(5000, first.reading, 'the end of the first')
        assert.equal(first.complete, false)
        allow(4)
        await second.has(2)
        await within(5000, second.reading, 'the end')
        assert.deepEqual(data(first, second), [1, 2, 3, 4])
      })
    })

    test('while nobody is there the function rests after its buffer, and nothing is lost', async () => {
      const { fn, allow } = counter(200, { buffer: 4 })
      await using(kind, fn, { resume: { buffer: 64 } }, async ({ url, responses }) => {
        allow(1)
        const first = await (await Client.connect(url)).has(1)
        first.leave()
        // From here on the server knows; what is yielded before is written, and kept like all that is.
        await until(5000, () => responses.size === 0, 'the disconnect')
        allow(200)
        const second = await Client.connect(url, first.id)
        await within(5000, second.reading, 'the end')
        assert.deepEqual(
          data(first, second),
          Array.from({ length: 200 }, (_, index) => index + 1),
        )
      })
    })

    test('what is no longer kept cannot be resumed: 410', async () => {
      const { fn, allow } = counter(9)
      await using(kind, fn, { resume: { buffer: 2 } }, async ({ url }) => {
        allow(5)
        const first = await (await Client.connect(url)).has(5)
        const old = await Client.connect(url, first.id.replace(/\d+$/, '1'))
        assert.equal(old.response.statusCode, 410)
        allow(9)
        await within(5000, first.reading, 'the end')
        assert.deepEqual(data(first), [1, 2, 3, 4, 5, 6, 7, 8, 9])
      })
    })

    test('an id of somebody else, or of another function, resumes nothing', async () => {
      const { fn, allow } = counter(2)
      const other = counter(2)
      await using(kind, fn, {}, async ({ url }) => {
        await using(kind, other.fn, {}, async (elsewhere) => {
          allow(1)
          const first = await (await Client.connect(url)).has(1)
          assert.equal((await Client.connect(elsewhere.url, first.id)).response.statusCode, 410)
          assert.equal((await Client.connect(url, 'counter-1:5')).response.statusCode, 410)
          allow(2)
          await within(5000, first.reading, 'the end')
        })
      })
    })

    test('only its owner resumes a stream', async () => {
      const { fn, allow } = counter(2)
      const owner = (req) => new URL(req.url, 'http://localhost').searchParams.get('me') ?? undefined
      await using(kind, fn, { owner }, async ({ url }) => {
        allow(1)
        const first = await (await Client.connect(`${url}?me=ana`)).has(1)
        first.leave()
        for (const asks of ['?me=eve', '?me=', '']) assert.equal((await Client.connect(`${url}${asks}`, first.id)).response.statusCode, 410)
        const back = await Client.connect(`${url}?me=ana`, first.id)
        allow(2)
        await within(5000, back.reading, 'the end')
        assert.deepEqual(data(first, back), [1, 2])
      })
    })
  })
}

test('clients that leave anywhere miss nothing and get nothing twice', async () => {
  const plan = fc.record({ count: fc.integer({ min: 1, max: 60 }), leaves: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 5 }) })
  const fn = streamFn(async function* numbers(events) {
    for await (const count of events) {
      for (let number = 1; number <= count; number++) {
        if (number % 7 === 0) await new Promise(setImmediate)
        yield number
      }
    }
  })
  let count = 0
  const made = await start('node:http', fn, { out: 'sse', resume: { buffer: 512 }, onDisconnect: { graceMs: 5000 }, events: () => [count] })
  const checking = fc.assert(
    fc.asyncProperty(plan, async ({ count: wanted, leaves }) => {
      count = wanted
      const clients = []
      let id
      for (const after of [...leaves.sort((a, b) => a - b), Number.POSITIVE_INFINITY]) {
        const client = await Client.connect(made.url, id)
        if (client.response.statusCode === 204) break
        clients.push(client)
        const got = data(...clients).length
        if (after === Number.POSITIVE_INFINITY || after >= wanted) await within(5000, client.reading, 'the end')
        else if (after > got) await client.has(after - data(...clients.slice(0, -1)).length)
        client.leave()
        await within(5000, client.reading, 'the end of a client that left')
        id = client.id
        if (client.complete) break
      }
      assert.deepEqual(
        data(...clients),
        Array.from({ length: wanted }, (_, index) => index + 1),
      )
    }),
    { numRuns: 60 },
  )
  await checking.finally(() => made.close())
  await settled()
})

test('streams that are over are not kept for ever', async () => {
  const one = streamFn(async function* one() {
    yield 1
  })
  const made = await start('node:http', one, { out: 'sse', resume: true, onDisconnect: { graceMs: 20 } })
  const client = await Client.connect(made.url)
  await within(5000, client.reading, 'the end')
  const gone = async () => (await Client.connect(made.url, client.id)).response.statusCode === 410
  const limit = Date.now() + 5000
  while (!(await gone())) assert.ok(Date.now() < limit, 'it is still kept')
  await made.close()
  await until(5000, () => runtime.snapshot().streamsOpen === 0, 'streams are open')
})

test('a source that events gives goes on while its client is away', async () => {
  const steps = Array.from({ length: 12 }, () => deferred())
  async function* ticks() {
    for (const [n, step] of steps.entries()) {
      await step.promise
      yield n
    }
  }
  const through = streamFn(async function* through(events) {
    for await (const event of events) yield event
  })
  const server = await start('node:http', through, { events: () => ticks(), out: 'sse', resume: true })
  const client = await Client.connect(server.url)
  for (const step of steps.slice(0, 4)) step.resolve()
  await until(10_000, () => client.events.length === 4, 'four results')
  client.leave()
  await until(10_000, () => server.responses.size === 0, 'the end of the response')
  for (const step of steps.slice(4, 6)) step.resolve()
  const back = await Client.connect(server.url, client.id)
  for (const step of steps.slice(6)) step.resolve()
  await within(10_000, back.reading, 'the end')
  assert.equal(back.response.statusCode, 200)
  assert.equal(client.events.length + back.events.length, 12)
  await server.close()
  await settled()
})

noUnhandledRejections('rule 16')
