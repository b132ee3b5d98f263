// A folder of modules becomes a service; what cannot be served is said by name before anything listens.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createServer } from 'velo-stream/server'
import { ndjson, post, serving, values } from './service.mjs'

const temp = mkdtempSync(join(tmpdir(), 'velo-folder-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
let folders = 0

function folder(files) {
  const path = join(temp, String(folders++))
  mkdirSync(path)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

const twice = 'export default async function* (events) { for await (const e of events) yield e * 2 }'
const root = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)

test('every module of the folder, under its name; nothing else', async () => {
  const path = folder({
    'twice.mjs': twice,
    'made.mjs': `import { streamFn } from ${root}\nexport default streamFn(async function* own(events) { for await (const e of events) yield -e })`,
    'common.cjs': 'module.exports = async function* (events) { for await (const e of events) yield [e] }',
    'far.mjs': `import { threadId } from 'node:worker_threads'
      export const options = { placement: 'worker', export: 'work', http: { status: 201 } }
      export async function* work(events) { for await (const e of events) yield threadId > 0 }`,
    '_helper.mjs': 'throw new Error("not served")',
    '.hidden.mjs': 'throw new Error("not served")',
    'twice.test.mjs': 'throw new Error("not served")',
    'types.d.ts': 'no',
    'README.md': 'no',
  })
  mkdirSync(join(path, 'deeper'))
  for (const functions of [path, pathToFileURL(`${path}/`)]) {
    const { server, url } = await serving({ functions })
    assert.deepEqual(server.functions, ['common', 'far', 'made', 'twice'])
    const answer = async (name) => values((await post(`${url}/fn/${name}`, ndjson([4]))).text)
    assert.deepEqual(await Promise.all(server.functions.map(answer)), [[[4]], [true], [-4], [8]])
    assert.equal((await post(`${url}/fn/far`, ndjson([4]))).status, 201)
  }
})

test('the placement of those that do not say it', async () => {
  const where = `import { threadId } from 'node:worker_threads'\nexport default async function* () { yield threadId > 0 }`
  const path = folder({ 'free.mjs': where, 'here.mjs': `${where}\nexport const options = { placement: 'local' }` })
  const { url } = await serving({ functions: path, placement: 'worker' })
  assert.deepEqual(values((await post(`${url}/fn/free`, '')).text), [true])
  assert.deepEqual(values((await post(`${url}/fn/here`, '')).text), [false])
})

test('modules that cannot be served are named, with the reason', async () => {
  const cases = [
    [{ 'broken.mjs': 'throw new Error("no database")' }, /broken\.mjs: the module cannot be loaded: no database/],
    [{ 'syntax.mjs': 'export default async function* (' }, /syntax\.mjs: the module cannot be loaded: /],
    [{ 'named.mjs': 'export const a = 1, b = 2' }, /named\.mjs: the module has no export 'default'; it has: a, b/],
    [{ 'five.mjs': 'export default 5' }, /five\.mjs: expected an async generator function .* got 5/],
    [{ 'plain.mjs': 'export default function () {}' }, /plain\.mjs: expected an async generator function/],
    [{ 'wrong.mjs': `${twice}\nexport const options = { maxConcurrent: 0 }` }, /maxConcurrent: expected an integer from 1/],
    [{ 'odd.mjs': `${twice}\nexport const options = { http: { frob: 1 } }` }, /frob/],
    [{ 'a b.mjs': twice }, /a b\.mjs: its name cannot stand in a URL/],
    [{ 'one.mjs': twice, 'one.cjs': '' }, /one\.mjs: there is another module of the name 'one'/],
    [{ 'README.md': '' }, /there is no module in this folder/],
  ]
  for (const [files, message] of cases) {
    const server = createServer({ functions: folder(files) })
    await assert.rejects(server.listen(), (error) => {
      assert.match(error.message, message)
      assert.ok(['VELO_FUNCTION_REF', 'VELO_CONFIG'].includes(error.code), error.code)
      return true
    })
    await server.close()
  }
  await assert.rejects(createServer({ functions: join(temp, 'nowhere') }).listen(), {
    code: 'VELO_FUNCTION_REF',
    message: /cannot be read: ENOENT/,
  })
})

test('one module, by its path or URL, is served under its name', async () => {
  const path = folder({ 'one.mjs': twice, 'other.mjs': twice, 'notes.txt': '' })
  for (const functions of [join(path, 'one.mjs'), pathToFileURL(join(path, 'one.mjs'))]) {
    const server = createServer({ functions })
    await server.listen()
    assert.deepEqual(server.functions, ['one'])
    await server.close()
  }
  await assert.rejects(createServer({ functions: join(path, 'notes.txt') }).listen(), {
    code: 'VELO_FUNCTION_REF',
    message: /notes\.txt: expected a folder of modules, or a module whose name ends with \.js, \.mjs/,
  })
})

test('a server whose modules were wrong may listen once they are right', async () => {
  const path = folder({ 'late.mjs': 'export default 5' })
  const server = createServer({ functions: path })
  await assert.rejects(server.listen(), { code: 'VELO_CONFIG' })
  rmSync(join(path, 'late.mjs'))
  writeFileSync(join(path, 'later.mjs'), twice)
  await server.listen()
  assert.deepEqual(server.functions, ['later'])
  await server.close()
})
