// The pages that users read, tried out: every block of JavaScript that is complete (it imports something) runs as it stands and checks itself, with node:assert or
// lines of `// expect: ...`; the others are excerpts, and parse. A block whose first line is `// <name>.js` is a module that later blocks of its page import.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { program as kafka } from '../../.ci/kafka-broker.mjs'
import { startKafka, topicsOf } from '../support/kafka-servers.mjs'
import { program as nats, startNats } from '../support/nats-servers.mjs'
import { blocksOf, expectedOf, runFile, scratch } from '../support/pages.mjs'
import { has } from '../support/programs.mjs'
import { servers, startServer } from '../support/redis-servers.mjs'
import { files } from '../support/sources.mjs'

const temp = scratch()

const AsyncFunction = (async () => {}).constructor
const timeout = 60_000

for (const page of files(/^(README\.md|docs\/.+\.md)$/)) {
  const folder = join(temp, page.replaceAll('/', '-'))
  mkdirSync(folder)
  describe(page, () => {
    for (const [index, { code, line, heading }] of blocksOf(page).entries()) {
      const [, module] = /^\/\/ ([\w-]+\.js)\n/.exec(code) ?? []
      if (module !== undefined) {
        writeFileSync(join(folder, module), code)
        continue
      }
      if (!/^import /m.test(code)) {
        test(`${page}:${line} (${heading}) is an excerpt that parses`, () => {
          assert.ok(new AsyncFunction(code))
        })
        continue
      }
      // A server that goes on is tried in a test of its own (readme.test.mjs).
      if (/\.listen\(process\.env\.PORT/.test(code)) continue
      test(`${page}:${line} (${heading}) runs`, { timeout }, async (context) => {
        let env
        if (code.includes('process.env.REDIS_URL')) {
          const [redis] = servers
          if (process.platform !== 'linux' || !has(context, redis.program, 'server of Redis')) return
          env = { REDIS_URL: (await startServer(redis)).url }
        }
        if (code.includes('process.env.NATS_URL')) {
          if (process.platform !== 'linux' || !has(context, nats, 'server of NATS')) return
          env = { NATS_URL: (await startNats()).url }
        }
        if (code.includes('process.env.KAFKA_BROKERS')) {
          if (process.platform !== 'linux' || !has(context, kafka, 'broker of Kafka')) return
          const server = await startKafka()
          await topicsOf(code, server)
          env = { KAFKA_BROKERS: server.address }
        }
        const expected = expectedOf(code)
        assert.ok(/\bassert\b/.test(code) || expected.length > 0, 'the example checks nothing')
        const file = join(folder, `${index}.mjs`)
        writeFileSync(file, code)
        const { code: status, stdout, stderr } = await runFile(file, env)
        assert.equal(status, 0, stderr)
        assert.deepEqual(stdout.split('\n').filter(Boolean), expected)
      })
    }
  })
}
