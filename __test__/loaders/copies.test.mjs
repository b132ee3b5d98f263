// Several copies of velo-stream in one process: of one installation they work beside each other, of two installations the second is refused;
// and a part that cannot be loaded leaves what is loaded as it was.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { binary } from '../support/native.mjs'
import { install, project } from './project.mjs'

const timeout = 60_000
const { app, folder } = project()
const print = 'const print = (value) => console.log(JSON.stringify(value))\n'

function run(source, flags = []) {
  const env = { ...process.env, NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '', NODE_TEST_CONTEXT: undefined }
  writeFileSync(join(app, 'run.mjs'), `${print}${source}`)
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, 'run.mjs'], { cwd: app, encoding: 'utf8', env, timeout })
  assert.deepEqual([status, stderr], [0, ''], stdout)
  return JSON.parse(stdout)
}

test('a second installation is refused when it is imported, with both folders and versions; the first one works on', { timeout }, () => {
  const other = install(join(folder, 'other/node_modules/velo-stream'))
  symlinkSync(join(app, 'node_modules/msgpackr'), join(folder, 'other/node_modules/msgpackr'), 'junction')
  for (const load of ['await import(path + "index.mjs")', 'createRequire(path)(path + "index.js")']) {
    const source = `import { createRequire } from 'node:module'
      import { streamFn, VeloError } from 'velo-stream'
      const path = ${JSON.stringify(join(other, 'dist/'))}
      let refused
      try { ${load} } catch (error) { refused = error }
      print([refused.code, refused.message, await streamFn(async function* (events) { yield* events }).run([1])])`
    const [code, message, results] = run(source)
    assert.equal(code, 'VELO_NATIVE_LOAD')
    for (const home of [other, join(app, 'node_modules/velo-stream')]) assert.ok(message.includes(`version 0.1.0 in ${home}`), message)
    assert.match(message, /npm dedupe/)
    assert.deepEqual(results, [1])
  }
})

test('the same installation by another path is no second one', { timeout }, () => {
  symlinkSync(join(app, 'node_modules/velo-stream'), join(folder, 'link'), 'junction')
  const source = `import { streamFn } from 'velo-stream'
    const other = await import(${JSON.stringify(join(folder, 'link/dist/index.mjs'))})
    const double = async function* (events) { for await (const n of events) yield n * 2 }
    print([other.streamFn === streamFn, await streamFn(double).run([1]), await other.streamFn(double).run([2])])`
  assert.deepEqual(run(source, ['--preserve-symlinks']), [false, [2], [4]])
})

test('copies of one installation count and stop their streams each, and share limits', { timeout }, () => {
  const source = `import { createRequire } from 'node:module'
    import { runtime, streamFn } from 'velo-stream'
    const require = createRequire(import.meta.url)
    const first = require('velo-stream')
    for (const file of Object.keys(require.cache)) delete require.cache[file]
    const other = require('velo-stream')
    const fn = async function* counted(events) { for await (const n of events) yield n }
    const [one, two] = [first.streamFn(fn).open(), other.streamFn(fn).open()]
    await Promise.all([one.send(1), two.send(2)])
    const received = [await one.recv({ timeout: 10_000 }), await two.recv({ timeout: 10_000 })]
    const timedOut = await two.recv({ timeout: 20 }).catch(({ code }) => code)
    const { streamsOpen } = runtime.snapshot()
    runtime.configure({ maxConcurrent: 2 })
    const refused = await Promise.all([first, other].map(({ streamFn }) => streamFn(fn).run([1]).catch(({ code }) => code)))
    await one.close()
    two.end()
    for await (const _ of two);
    print([other === first, received, timedOut, streamsOpen, refused, runtime.snapshot().streamsOpen])`
  assert.deepEqual(run(source), [false, [1, 2], 'VELO_TIMEOUT', 2, ['VELO_OVERLOADED', 'VELO_OVERLOADED'], 0])
})

test('a part that cannot be loaded is an error of its call; local functions and servers work on', { timeout }, () => {
  const broken = project()
  for (const name of ['workers-caller-remotes.js', 'api-consume-consumptions.js'])
    rmSync(join(broken.app, 'node_modules/velo-stream/dist', name))
  writeFileSync(
    join(broken.app, 'run.mjs'),
    `${print}import { consume, runtime, streamFn } from 'velo-stream'
    import { createServer } from 'velo-stream/server'
    const plus = async function* plus(events) { for await (const n of events) yield n + 1 }
    const refused = []
    try { streamFn(new URL('./double.mjs', import.meta.url), { placement: 'worker' }) } catch ({ code }) { refused.push(code) }
    await runtime.warm().catch(({ code }) => refused.push(code))
    await consume(streamFn(plus), { source: [1] }).catch(({ code }) => refused.push(code))
    const server = createServer({ functions: { plus }, signals: false })
    await server.listen(0)
    const response = await fetch(server.url + '/fn/plus', { method: 'POST', body: '1\\n2\\n', headers: { 'content-type': 'application/x-ndjson' } })
    const results = [response.status, await response.text()]
    await server.close()
    print([refused, await streamFn(plus).run([1]), results])`,
  )
  const { stdout, stderr, status } = spawnSync(process.execPath, ['run.mjs'], { cwd: broken.app, encoding: 'utf8', timeout })
  assert.deepEqual([status, stderr], [0, ''])
  const code = 'VELO_NATIVE_LOAD'
  assert.deepEqual(JSON.parse(stdout), [[code, code, code], [2], [200, '2\n3\n']])
})

/** What two tests below have in common: a copy of the add-on, and waiting with the garbage collector at work. */
const ADD_ON = `
  const file = ${JSON.stringify(binary)}
  function copy() {
    const module = { exports: {} }
    process.dlopen(module, file)
    module.exports.onBell = () => {}
    return module.exports
  }
  async function collecting(done) {
    while (!done()) {
      gc()
      await new Promise(setImmediate)
    }
  }\n`

test('a copy that nothing refers to is released, with its streams', { timeout }, () => {
  const source = `${ADD_ON}
    const watcher = copy()
    watcher.start(watcher.onBell)
    let released = false
    const registry = new FinalizationRegistry(() => (released = true))
    function leave() {
      const native = copy()
      registry.register(native, undefined)
      native.start(native.onBell)
      native.attach()
      const { fn } = native.define({ name: 'left', buffer: 1, maxConcurrent: 8, queue: 0 })
      native.open(fn, 0)
      return watcher.snapshot().streamsOpen
    }
    const open = leave()
    await collecting(() => released && watcher.snapshot().streamsOpen === 0)
    print([open, watcher.snapshot().streamsOpen])`
  assert.deepEqual(run(source, ['--expose-gc']), [1, 0])
})

test('a copy in which something is awaited stays until that has settled', { timeout }, () => {
  const source = `${ADD_ON}
    let [rang, released] = [0, false]
    const registry = new FinalizationRegistry(() => (released = true))
    function wait() {
      const native = copy()
      native.onBell = () => {
        rang++
        native.hold(0)
      }
      registry.register(native, undefined)
      native.start(native.onBell)
      native.attach()
      native.hold(1)
      native.timer(200)
    }
    wait()
    await collecting(() => released)
    print(rang)`
  assert.equal(run(source, ['--expose-gc']), 1)
})
