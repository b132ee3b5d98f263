// The examples: each prints exactly its `// expect:` lines, and the two upload servers answer real clients, quick, slow and gone ones.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runtime } from 'velo-stream'
import { program as kafka } from '../.ci/kafka-broker.mjs'
import { app as expressApp } from '../examples/express-upload.mjs'
import { app as fastifyApp } from '../examples/fastify-upload.mjs'
import { startKafka, topicsOf } from './support/kafka-servers.mjs'
import { program as nats, startNats } from './support/nats-servers.mjs'
import { has } from './support/programs.mjs'
import { within } from './support/within.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = new URL('../examples/', import.meta.url)
const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))
// Those that need a server of another kind are run beside its tests.
const elsewhere = ['feature-store.mjs']
const servers = names.filter((name) => name.endsWith('-upload.mjs'))
const upload = readFileSync(new URL('data/orders.ndjson', folder))
const checked = [
  { line: 1, id: 'A-1', total: 1250 },
  { line: 2, id: 'A-2', total: 1550 },
  { line: 3, error: 'order A-1 came before' },
  { line: 4, error: 'not an order' },
  { line: 5, error: 'not an order' },
  { line: 6, id: 'A-5', total: 2000 },
]
const summary = { accepted: 3, rejected: 3, total: 2000 }
const ndjson = { 'content-type': 'application/x-ndjson' }

describe('examples', () => {
  for (const name of names.filter((name) => !servers.includes(name) && !elsewhere.includes(name))) {
    test(`${name} prints what it says`, async (context) => {
      const source = readFileSync(new URL(name, folder), 'utf8')
      let env
      if (source.includes('process.env.NATS_URL')) {
        if (process.platform !== 'linux' || !has(context, nats, 'server of NATS')) return
        env = { ...process.env, NATS_URL: (await startNats()).url }
      }
      if (source.includes('process.env.KAFKA_BROKER')) {
        if (process.platform !== 'linux' || !has(context, kafka, 'broker of Kafka')) return
        const server = await startKafka()
        await topicsOf(source, server)
        env = { ...process.env, KAFKA_BROKER: server.address }
      }
      const expected = Array.from(source.matchAll(/^\/\/ expect: (.*)$/gm), ([, line]) => line.trimEnd())
      assert.ok(expected.length > 0, `${name} has no expect line`)
      const [, command = `examples/${name}`] = /^\/\/ \$ node (.+)$/m.exec(source) ?? []
      const [, pattern = '^$'] = /^\/\/ stderr: (.+)$/m.exec(source) ?? []
      const { stderr, ...rest } = await run(command.trim().split(' '), '', env)
      assert.deepEqual(rest, { lines: expected, code: 0 }, stderr)
      assert.match(stderr, new RegExp(pattern))
    })
  }

  test('running-average.mjs reads standard input, with line ends of any kind', async () => {
    assert.deepEqual(await run(['examples/running-average.mjs'], '1\r\n2\n\n3'), { lines: ['1.00', '1.50', '2.00'], stderr: '', code: 0 })
  })

  test('running-average.mjs fails on what is not a number, after the averages before it', async () => {
    const { lines, stderr, code } = await run(['examples/running-average.mjs'], '4\nfour\n5\n')
    assert.deepEqual(lines, ['4.00'])
    assert.match(stderr, /TypeError: not a number: four/)
    assert.equal(code, 1)
  })

  test('examples/README.md has a line for each', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8')
    assert.deepEqual(
      Array.from(readme.matchAll(/^- (?:\[(.+?)\]\(\1\)|`(.+?)`): ./gm), ([, linked, named]) => linked ?? named).sort(),
      [...names].sort(),
    )
  })

  for (const name of servers) {
    test(`${name} serves when it is run`, async () => {
      const child = spawn(process.execPath, [`examples/${name}`], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        const [line] = await within(20_000, once(createInterface({ input: child.stdout }), 'line'), `the first line of ${name}`)
        const [, url] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? assert.fail(line)
        assert.deepEqual(await post(`${url}/orders/total`, upload).then((response) => response.json()), summary)
      } finally {
        child.kill()
      }
    })
  }
})

const frameworks = {
  express: async () => {
    const server = createServer(expressApp)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return server
  },
  fastify: async () => {
    await fastifyApp.listen({ host: '127.0.0.1', port: 0 })
    return fastifyApp.server
  },
}

for (const [framework, listen] of Object.entries(frameworks)) {
  describe(`an upload to ${framework}`, () => {
    let server
    let url

    before(async () => {
      server = await listen()
      url = `http://127.0.0.1:${server.address().port}`
    })

    after(() => {
      server.closeAllConnections()
      server.close()
    })

    test('for await: one answer for the whole upload', async () => {
      const response = await post(`${url}/orders/total`, upload)
      assert.equal(response.status, 200)
      assert.deepEqual(await response.json(), summary)
    })

    test('pipeline: an answer per row, wherever the chunks are cut', async () => {
      for (const size of [1, 7, 64]) {
        const response = await post(`${url}/orders/check`, Readable.toWeb(Readable.from(cut(upload, size))))
        assert.match(response.headers.get('content-type'), /^application\/x-ndjson/)
        assert.deepEqual(rows(await response.text()), checked)
      }
    })

    test('a row is answered while the upload still runs', async () => {
      const req = request(`${url}/orders/check`, { method: 'POST', headers: ndjson })
      const responded = once(req, 'response')
      req.write('{"id":"first","amount":1}\n')
      const [res] = await within(5_000, responded, 'the response')
      const [line] = await within(5_000, once(res, 'data'), 'the first row')
      assert.deepEqual(rows(String(line)), [{ line: 1, id: 'first', total: 1 }])
      req.end('{"id":"second","amount":2}\n')
      assert.deepEqual(rows(await within(5_000, text(res), 'the rest')), [{ line: 2, id: 'second', total: 3 }])
    })

    test('uploads at the same time share nothing', async () => {
      const bodies = await Promise.all(
        Array.from({ length: 50 }, () => post(`${url}/orders/total`, upload).then((response) => response.json())),
      )
      for (const body of bodies) assert.deepEqual(body, summary)
    })

    test('a slow reader holds the upload back instead of filling the memory', async () => {
      const count = 50_000
      const filler = 'x'.repeat(300)
      const peak = watchResponse(server)
      const req = request(`${url}/orders/check`, { method: 'POST', headers: ndjson })
      const responded = once(req, 'response')
      const sent = pipeline(Readable.from(orderChunks(count, filler)), req)
      const [res] = await within(10_000, responded, 'the response')
      await within(10_000, peak.full, 'a response that is full')
      let bytes = 0
      let tail = ''
      for await (const chunk of res) {
        bytes += chunk.length
        tail = (tail + chunk).slice(-1_000)
        await turn()
      }
      await within(5_000, sent, 'the upload')
      assert.deepEqual(rows(tail.slice(tail.lastIndexOf('{'))), [{ line: count, id: `${filler}${count}`, total: count }])
      assert.ok(bytes > count * filler.length)
      assert.ok(peak.bytes < 256 * 1024, `${peak.bytes} bytes waited in the response`)
    })

    for (const path of ['/orders/total', '/orders/check']) {
      test(`a client that goes away in the middle ends the stream of ${path}`, async () => {
        await within(5_000, untilOpen(0), 'the end of earlier streams')
        const req = request(url + path, { method: 'POST', headers: ndjson })
        req.on('error', () => {}) // the client tears its own connection down
        req.write(upload)
        await within(5_000, untilOpen(1), 'the stream')
        req.destroy()
        await within(5_000, untilOpen(0), 'the end of the stream')
      })
    }

    test('a client that leaves in the middle of the answer ends the stream', async () => {
      const req = request(`${url}/orders/check`, { method: 'POST', headers: ndjson })
      req.on('error', () => {})
      pipeline(Readable.from(orderChunks(50_000, 'x'.repeat(300))), req).catch(() => {})
      const [res] = await within(10_000, once(req, 'response'), 'the response')
      res.on('error', () => {})
      await within(5_000, once(res, 'data'), 'the first rows')
      assert.equal(runtime.snapshot().streamsOpen, 1)
      res.destroy()
      await within(5_000, untilOpen(0), 'the end of the stream')
    })
  })
}

/** Runs an example to its end; killed, and so failed, after 30 s. */
async function run(args, input = '', env = process.env) {
  const child = spawn(process.execPath, args, { cwd: root, env })
  child.stdin.on('error', () => {}) // an example that does not read its input
  child.stdin.end(input)
  try {
    const [stdout, stderr, [code]] = await within(
      30_000,
      Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]),
      args[0],
    )
    return { lines: stdout.trimEnd().split(/\r?\n/), stderr, code }
  } finally {
    child.kill()
  }
}

function post(url, body) {
  return within(10_000, fetch(url, { method: 'POST', headers: ndjson, body, duplex: 'half' }), url)
}

async function text(readable) {
  let all = ''
  for await (const chunk of readable.setEncoding('utf8')) all += chunk
  return all
}

function rows(ndjson) {
  return ndjson.trimEnd().split('\n').map(JSON.parse)
}

function* cut(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

function* orderChunks(count, filler) {
  let chunk = ''
  for (let n = 1; n <= count; n++) {
    chunk += `{"id":"${filler}${n}","amount":1}\n`
    if (n % 100 === 0 || n === count) {
      yield Buffer.from(chunk)
      chunk = ''
    }
  }
}

/** Watches the next response of a server: `full` when a write was told to wait, `bytes` the most that ever waited in it. */
function watchResponse(server) {
  const watch = { bytes: 0 }
  watch.full = new Promise((resolve) => {
    server.prependOnceListener('request', (_req, res) => {
      const { write } = res
      res.write = function (...args) {
        const accepted = write.apply(this, args)
        watch.bytes = Math.max(watch.bytes, res.writableLength)
        if (!accepted) resolve()
        return accepted
      }
    })
  })
  return watch
}

/** Resolves when so many streams are open in this process, looking once a turn of the event loop. */
async function untilOpen(count) {
  while (runtime.snapshot().streamsOpen !== count) await turn()
}
