// The README does what it says: its server answers its request, its commands exist, and every page of docs/ is reached from it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { blocksOf, scratch } from '../support/pages.mjs'
import { files, root, text } from '../support/sources.mjs'
import { within } from '../support/within.mjs'

const readme = text('README.md')
const temp = scratch()

test('the server of the README answers its request with its lines', async () => {
  const servers = blocksOf('README.md').filter(({ code }) => code.includes('process.env.PORT'))
  assert.equal(servers.length, 1)
  const [, body, type, port, said] =
    /^ {4}printf '(.*)' \| curl --data-binary @- -H 'content-type: (.*)' http:\/\/127\.0\.0\.1:(\d+)\/average\n((?: {4}.*\n)+)/m.exec(
      readme,
    )
  assert.ok(servers[0].code.includes(`process.env.PORT ?? ${port}`), 'the request goes where the server listens')

  const file = join(temp, 'server.mjs')
  writeFileSync(file, servers[0].code)
  const child = spawn(process.execPath, [file], { cwd: root, env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = await within(20_000, once(createInterface({ input: child.stdout }), 'line'), 'the first line of the server')
    const [, url] = /^listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line) ?? assert.fail(line)
    const request = { method: 'POST', body: body.replaceAll('\\n', '\n'), headers: { 'content-type': type } }
    for (const _ of 'two requests share nothing'.split(' ')) {
      const response = await within(10_000, fetch(`${url}/average`, request), 'the response')
      assert.equal(response.status, 200)
      assert.equal(await within(10_000, response.text(), 'the body'), said.replaceAll(/^ {4}/gm, ''))
    }
  } finally {
    child.kill()
  }
})

test('two commands lead from a clone to the result and to the tests, and no more', () => {
  const [, section] = /^## From a clone\n([\s\S]*?)^## /m.exec(readme)
  const commands = [...section.matchAll(/^ {4}(.+)$/gm)].map(([, command]) => command)
  assert.equal(commands.length, 2)
  const [, ...paths] = /^npm install && node (\S+) (\S+)$/.exec(commands[0])
  for (const path of paths) assert.ok(existsSync(join(root, path)), path)
  assert.equal(commands[1], 'npm test')
})

test('every page of docs/ and the examples are reached from the README', () => {
  const linked = new Set([...readme.matchAll(/\]\(([^)#]+)/g)].map(([, target]) => target))
  for (const page of [...files(/^docs\/.+\.md$/), 'examples/README.md', 'ARCHITECTURE.md', 'CHANGELOG.md'])
    assert.ok(linked.has(page), page)
})

test('the README is read in a few minutes', () => {
  assert.ok(readme.split('\n').length <= 170)
})
