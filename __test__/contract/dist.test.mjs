// What is published as JavaScript: few files in one folder, every part of the code in one of them, addresses that lead somewhere, and maps back to
// the sources.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { child } from '../support/child.mjs'
import { files, root } from '../support/sources.mjs'

const dist = join(root, 'dist')
const scripts = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'))
const { exports: exported } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Entry points, and beside them the command, the entry of a worker thread, what it loads by its address, the probe of `velo doctor`, what `runtime.expose` loads, and the page of the dashboard. */
const besides = ['velo', 'thread', 'probe', 'harness-arrive', 'consume-arrive', 'socket-expose', 'dashboard-page']
const entries = [...Object.keys(exported).filter((name) => name !== './package.json'), ...besides]
const code = new Map(scripts.map((name) => [name, readFileSync(join(dist, name), 'utf8')]))

test('dist has few files, all of them beside each other', () => {
  // An entry, what only it loads, and what it shares.
  assert.ok(scripts.length >= 10 && scripts.length <= 3 * entries.length, scripts.join(' '))
  for (const name of scripts) assert.doesNotMatch(name, /[\\/]/)
})

test('every module is in one file only, and none is left out but those of types alone', () => {
  const places = new Map()
  // The page of the dashboard is a program of its own, which has what it shares with the others once more.
  const isPage = (name) => name === 'dashboard-page.js'
  for (const name of scripts.filter((name) => existsSync(join(dist, `${name}.map`)))) {
    for (const source of JSON.parse(readFileSync(join(dist, `${name}.map`), 'utf8')).sources) {
      const before = (places.get(source) ?? []).filter((place) => isPage(place) === isPage(name))
      assert.deepEqual(before, [], `${source} is in ${name} too`)
      places.set(source, [...(places.get(source) ?? []), name])
      assert.ok(existsSync(join(dist, source)), source)
    }
  }
  const known = new Set([...places.keys()].map((source) => source.replace('../', '')))
  const missing = files(/^js\/.*\.ts$/).filter((name) => !known.has(name) && !onlyNames(readFileSync(join(root, name), 'utf8')))
  assert.deepEqual(missing, [])
})

/** Has types, and names of other files, but nothing that runs or is folded into those who use it. */
function onlyNames(text) {
  return !/^(export )?(default )?(async )?(function|class|let|if|for|await)\b/m.test(text)
}

test('what a file loads by its address is there', () => {
  const addresses = [...code].flatMap(([name, text]) =>
    [...text.matchAll(/new URL\(["'](\.[^"']+)["'], import\.meta\.url\)/g)].map(([, path]) => [name, path]),
  )
  const found = addresses.filter(([, path]) => existsSync(join(dist, path)))
  // The message that explains what the address of a function looks like.
  const examples = addresses.filter(([, path]) => path === './file.js')
  assert.ok(found.length >= 3, JSON.stringify(addresses))
  assert.deepEqual(addresses.length, found.length + examples.length, JSON.stringify(addresses))
})

test('ws and the commands are loaded when they are needed', () => {
  const all = [...code.values()].join('\n')
  assert.match(all, /import\("ws"\)/)
  assert.doesNotMatch(all, /from "ws"/)
  assert.match(code.get('velo.js'), /import\("\.\/run-[^"]+"\)/)
  assert.doesNotMatch(code.get('velo.js'), /from "\.\/(border|engine|workers|server)-/)
})

/** Every file that a process loads for one of dist, itself included. */
function loadedFor(name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  for (const [, other] of code.get(name).matchAll(/^(?:import|export) .*?from ?"\.\/([^"]+)"/gm)) loadedFor(other, found)
  return found
}

test('a process starts with few files, and a browser and a worker thread with no more than they need', () => {
  const sizes = { 'index.js': 4, 'workers-thread-entry.js': 4, 'client.js': 2, 'testing.js': 2, 'websocket.js': 4 }
  for (const [name, most] of Object.entries(sizes)) {
    const files = [...loadedFor(name)]
    assert.ok(files.length <= most, `${name}: ${files.join(' ')}`)
  }
  const whole = [...loadedFor('index.js')].map((name) => code.get(name)).join('\n')
  // What only some streams need is not loaded for all.
  assert.doesNotMatch(whole, /from ?"(node:)?(http|http2|inspector)"/)
  // A static import of these takes milliseconds of a start (js/kit/start/builtin.ts).
  const imported = [...loadedFor('websocket.js')].flatMap((name) => [...code.get(name).matchAll(/^import .*?"node:([^"]+)"/gm)])
  assert.deepEqual([...new Set(imported.map(([, name]) => name))].sort(), ['async_hooks', 'diagnostics_channel', 'module'])
})

test('what is required at once is on its way by no import meanwhile', () => {
  // Node.js 20 cannot require a module that it is about to import (js/kit/start/late.ts).
  const files = (name) => [...loadedFor(name)].filter((file) => !loadedFor('index.js').has(file))
  const late = ['workers-caller-remotes.js', 'workers-codec-record.js', 'api-consume-consumptions.js']
  const required = new Set(late.flatMap(files))
  const entries = Object.values(exported).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.default.slice('./dist/'.length)]))
  for (const name of [...entries, 'velo.js'])
    assert.deepEqual(
      files(name).filter((file) => required.has(file)),
      [],
      name,
    )
})

/** The modules of Node.js that a program has loaded. */
async function loadedAfter(source) {
  const { stdout, stderr } = await child(`${source}\nconsole.log(JSON.stringify(process.moduleLoadList))`)
  assert.equal(stderr, '')
  return JSON.parse(stdout.trim().split('\n').at(-1))
}

test('threads, Web streams and the serializer of V8 are loaded by who needs them', { timeout: 30_000 }, async () => {
  const fn = 'const fn = streamFn(async function* (events) { for await (const n of events) yield n + 1 })'
  const local = await loadedAfter(`import { streamFn } from 'velo-stream'\n${fn}\nawait fn.run([1])\nawait fn.open().close()`)
  const nothing = await loadedAfter('')
  const heavy = (names) =>
    names.filter(
      (name) => /^NativeModule (worker_threads|stream\/web|v8|internal\/crypto\/webcrypto)$/.test(name) && !nothing.includes(name),
    )
  assert.deepEqual(heavy(local), [])
  const web = await loadedAfter(`import { streamFn } from 'velo-stream'\n${fn}\nfn.open().toWeb().readable.cancel()`)
  assert.deepEqual(heavy(web), ['NativeModule stream/web'])
})

test('stack traces name the sources where Node.js is told to look for them', { timeout: 30_000 }, async () => {
  const source = `import { streamFn } from 'velo-stream'
    try { streamFn(1) } catch (error) { console.log(error.stack) }`
  const { stdout, stderr } = await child(source, { flags: ['--enable-source-maps'] })
  assert.equal(stderr, '')
  assert.match(stdout.replaceAll('\\', '/'), /\/js\/api\/stream-fn\.ts:\d+:\d+/)
  assert.doesNotMatch(stdout.replaceAll('\\', '/'), /\/dist\//)
})
