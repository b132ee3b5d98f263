// The published JavaScript: few CommonJS files in one folder with thin ES modules beside them, each source in one file only, addresses
// of existing files, and maps back to the sources.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { child } from '../support/child.mjs'
import { files, root, text } from '../support/sources.mjs'

const dist = join(root, 'dist')
const scripts = readdirSync(dist, { recursive: true }).filter((name) => name.endsWith('.js'))
const { exports: exported } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Entry points, and beside them the command, the entry of a worker thread, what it loads by its address, the probe of `velo doctor`, what `runtime.expose` loads, and the page of the dashboard. */
const besides = ['velo', 'thread', 'probe', 'harness-arrive', 'consume-arrive', 'socket-expose', 'dashboard-page']
const entries = [...Object.keys(exported).filter((name) => name !== './package.json'), ...besides]
const code = new Map(scripts.map((name) => [name, readFileSync(join(dist, name), 'utf8')]))
const require = createRequire(import.meta.url)

test('dist has few files, all of them beside each other', () => {
  // An entry, what only it loads, and what it shares.
  assert.ok(scripts.length >= 10 && scripts.length <= 3 * entries.length, scripts.join(' '))
  for (const name of scripts) assert.doesNotMatch(name, /[\\/]/)
})

test('every module is in one file only, and none is left out but those of types alone', () => {
  const places = new Map()
  // A browser runs these. They are programs of their own and contain again what they share with the others.
  const browser = ['dashboard-page.js', 'client.browser.mjs']
  const maps = readdirSync(dist).filter((name) => name.endsWith('.map'))
  for (const name of maps.map((map) => map.slice(0, -'.map'.length)).filter((name) => !name.endsWith('.d.ts'))) {
    for (const source of JSON.parse(readFileSync(join(dist, `${name}.map`), 'utf8')).sources) {
      const before = (places.get(source) ?? []).filter((place) => !browser.includes(place) && !browser.includes(name))
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
    [...text.matchAll(/new URL\(["'](\.[^"']+)["'], (?:COMMONJS_URL|import\.meta\.url)\)/g)].map(([, path]) => [name, path]),
  )
  const found = addresses.filter(([, path]) => existsSync(join(dist, path)))
  // The message that explains what the address of a function looks like.
  const examples = addresses.filter(([, path]) => path === './file.js')
  assert.ok(found.length >= 3, JSON.stringify(addresses))
  assert.deepEqual(addresses.length, found.length + examples.length, JSON.stringify(addresses))
})

test('ws and the commands are loaded when they are needed', () => {
  assert.match([...code.values()].join('\n'), /required\("ws"\)/)
  for (const [name, text] of code) assert.doesNotMatch(text, /(from |require\()"ws"/, name)
  assert.match(code.get('velo.js'), /\.then\(\(\) => require\("\.\/run-[^"]+"\)\)/)
  assert.doesNotMatch(code.get('velo.js'), /^const .*require\("\.\/(border|engine|workers|server)-/m)
})

test('an ES module beside each export has the names of the CommonJS file and nothing else', async () => {
  for (const [path, entry] of Object.entries(exported).filter(([, entry]) => typeof entry !== 'string')) {
    const [file, wrapper] = [entry.require, (entry.node ?? entry).import].map((target) => join(root, target.default))
    const [commonjs, esm] = [require(file), await import(pathToFileURL(wrapper))]
    assert.deepEqual(Object.keys(esm), Object.keys(commonjs).sort(), path)
    for (const name of Object.keys(esm)) assert.equal(esm[name], commonjs[name], `${path}: ${name}`)
    assert.ok(readFileSync(wrapper, 'utf8').split('\n').length <= 4, path)
  }
})

test('no exported variable changes, so that constants can be made of imports and loaders can copy exports', () => {
  for (const name of files(/^js\/.*\.ts$/)) assert.doesNotMatch(text(name), /^export (let|var)\b|^export default (let|var)\b/m, name)
})

/** Every file that a process loads at once for one of dist, itself included. */
function loadedFor(name, found = new Set()) {
  if (found.has(name)) return found
  found.add(name)
  for (const [, other] of code.get(name).matchAll(/^(?:const|import) .*?(?:require\(|from )"\.\/([^"]+)"/gm)) loadedFor(other, found)
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
  assert.doesNotMatch(whole, /require\("(node:)?(http|http2|inspector)"\)/)
  // Loading others at the start takes milliseconds (js/kit/start/builtin.ts).
  const imported = [...loadedFor('websocket.js')].flatMap((name) => [...code.get(name).matchAll(/^const .*?require\("node:([^"]+)"\)/gm)])
  assert.deepEqual([...new Set(imported.map(([, name]) => name))].sort(), ['async_hooks', 'diagnostics_channel', 'url'])
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
