// Clients that nobody here has written: curl, and autocannon for load.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import autocannon from 'autocannon'
import { streamFn } from 'velo-stream'
import { has, onPath } from '../support/programs.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { kinds, start } from './support/servers.mjs'
import { settled } from './support/settled.mjs'

const CURL = onPath('curl')

const average = streamFn(async function* average(events) {
  let total = 0
  let count = 0
  for await (const event of events) yield (total += event) / ++count
})

async function curl(input, ...args) {
  const child = spawn(CURL, ['-sS', '-N', '-w', '%{http_code}', ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}).end(input)
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (more) => {
    text += more
  })
  const [code] = await within(20_000, once(child, 'close'), 'curl')
  return { code, text }
}

for (const kind of kinds) {
  test(`${kind}: curl uploads with a length, in chunks, packed and as a form`, async (context) => {
    if (!has(context, CURL, 'curl')) return
    const made = await start(kind, average, { decompress: true })
    const body = '10\n20\n30\n'
    const expected = { code: 0, text: '10\n15\n20\n200' }
    assert.deepEqual(await curl(body, '--data-binary', '@-', made.url), expected)
    assert.deepEqual(await curl(body, '-T', '-', '-X', 'POST', '-H', 'content-type: application/x-ndjson', made.url), expected)
    assert.deepEqual(await curl(gzipSync(body), '--data-binary', '@-', '-H', 'content-encoding: gzip', made.url), expected)
    assert.deepEqual(await curl(body, '--data-binary', '@-', '-H', 'accept: text/event-stream', made.url), {
      code: 0,
      text: 'data: 10\n\ndata: 15\n\ndata: 20\n\n200',
    })
    const long = await curl('9'.repeat(10 * 1024 * 1024), '--data-binary', '@-', '-H', 'expect:', made.url)
    assert.match(long.text, /maxLine.*413$/)
    await made.close()
    await settled()
  })

  test(`${kind}: under autocannon every response is what it must be`, async () => {
    const made = await start(kind, average)
    const result = await within(
      60_000,
      autocannon({
        url: made.url,
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson' },
        body: '1\n2\n3\n',
        expectBody: '1\n1.5\n2\n',
        connections: 100,
        amount: 3000,
      }),
      'autocannon',
    )
    assert.deepEqual([result['2xx'], result.non2xx, result.errors, result.mismatches], [3000, 0, 0, 0])
    await settled()
    await made.close()
  })
}

noUnhandledRejections('rule 16')
