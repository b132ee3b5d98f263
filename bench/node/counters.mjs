// What rules, metrics and admission cost: this build beside a copy of it with the counters off, over the same binary.
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { contest, document, freshCopy, main } from './harness.mjs'
import { averages, numbers } from './work.mjs'

const BAR = 0.95
const dist = fileURLToPath(new URL('../../dist', import.meta.url))
/** The same modules as in dist/, one by one: in there the flag is a file of its own. */
const modules = fileURLToPath(new URL('../../target/js', import.meta.url))

const paths = {
  'run(array)': (_pieces, fn, events) => fn.run(events),
  'run(source)': (pieces, fn, events) => fn.run(pieces.minimal(events)),
  'fn(source)': (pieces, fn, events) => pieces.gather(fn(pieces.minimal(events))),
  'open, send, for await': (pieces, fn, events) => pieces.throughStream(fn, events),
  'ping-pong': (pieces, fn, events) => pieces.pingPong(fn, events),
}

/** What talks to Rust for the whole isolate exists once: both builds use that of the build with counters. None of it knows the flag. */
const shared = ['native.js', 'control-block.js', 'mailbox.js']

/** Copies the compiled JavaScript, sets the flag, and imports the copy. Both builds are copies, so neither has a past. */
async function build(folder, counters) {
  const root = join(folder, counters ? 'on' : 'off')
  await mkdir(root)
  await writeFile(join(root, 'package.json'), '{ "type": "module" }\n')
  await cp(modules, join(root, 'js'), { recursive: true })
  const flags = join(root, 'js', 'engine', 'border', 'probe.js')
  const text = await readFile(flags, 'utf8')
  if (!/COUNTERS = true/.test(text)) throw new Error('engine/border/probe.js has no COUNTERS = true')
  await writeFile(flags, text.replace('COUNTERS = true', `COUNTERS = ${counters}`))
  for (const file of counters ? [] : shared) {
    await writeFile(join(root, 'js', 'engine', 'border', file), `export * from '../../../../on/js/engine/border/${file}'\n`)
  }
  return import(pathToFileURL(join(root, 'js', 'index.js')).href)
}

async function oneBinary() {
  const binary = (await readdir(dist)).find((file) => file.startsWith('velo.') && file.endsWith('.node'))
  return binary === undefined ? undefined : join(dist, binary)
}

async function pieces(name) {
  const files = ['work.mjs', 'live.mjs', 'peers/minimal.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

async function onePath(path, builds, options) {
  const events = numbers(options.quick ? 1_000 : 100_000)
  const contestants = {}
  for (const [name, { streamFn }] of Object.entries(builds)) {
    const own = await pieces(`${path} ${name}`)
    const fn = streamFn(own.average)
    contestants[name] = () => paths[path](own, fn, events)
  }
  const claims = [{ of: 'counters on', peer: 'counters off', bar: BAR }]
  return contest({ title: path, events: events.length, expected: averages(events), contestants, claims, options })
}

export async function counters(options) {
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  const binary = named ?? (await oneBinary())
  if (binary === undefined) throw new Error('no binary in dist: npm run build first')
  const folder = await mkdtemp(join(tmpdir(), 'velo-counters-'))
  process.env.NAPI_RS_NATIVE_LIBRARY_PATH = binary
  try {
    const builds = { 'counters on': await build(folder, true), 'counters off': await build(folder, false) }
    const groups = Object.keys(paths).map((path) => Object.defineProperty((given) => onePath(path, builds, given), 'name', { value: path }))
    return await document('counters', groups, options)
  } finally {
    if (named === undefined) delete process.env.NAPI_RS_NATIVE_LIBRARY_PATH
    await rm(folder, { recursive: true })
  }
}

await main(import.meta, counters)
