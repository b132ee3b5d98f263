// A project in a temporary folder, with velo-stream in its node_modules and a program that needs every module that is loaded late.
// The program must return the same under each loader.

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after } from 'node:test'
import { binary } from '../support/native.mjs'
import { root } from '../support/sources.mjs'

/** What the program returns. */
export const EXPECTED = {
  local: [2, 3],
  worker: [2, 4],
  piped: [4, 6],
  durable: [[2], [2]],
  consumed: [2, 2],
  refused: 'VELO_CONFIG',
  streamsOpen: 0,
}

/** `everything(velo, durable, folder, url)`: local functions, functions on worker threads, durable ones on either, consume, warm. */
const EVERYTHING = `
  async function everything({ consume, runtime, streamFn, VeloError }, { journal }, folder, url) {
    const plus = async function* plus(events) { for await (const n of events) yield n + 1 }
    const local = streamFn(plus)
    const worker = streamFn(url, { placement: 'worker' })
    await runtime.warm()
    const durable = journal(folder)
    const kept = [streamFn(plus, { name: 'here', durable }), streamFn(url, { name: 'there', placement: 'worker', durable })]
    const results = async (fn) => {
      const stream = fn.open({ id: 'one' })
      await stream.send(1)
      stream.end()
      const all = []
      for await (const result of stream) all.push(result)
      return all
    }
    const received = async (fn) => (await consume(fn, { source: [1, 2] })).received
    let refused
    try { streamFn(plus, { buffer: -1 }) } catch (error) { if (error instanceof VeloError) refused = error.code }
    return {
      local: await local.run([1, 2]),
      worker: await worker.run([1, 2]),
      piped: await local.pipe(worker).run([1, 2]),
      durable: [await results(kept[0]), await results(kept[1])],
      consumed: [await received(local), await received(worker)],
      refused,
      streamsOpen: runtime.snapshot().streamsOpen,
    }
  }`
const FUNCTION = 'export default async function* double(events) { for await (const n of events) yield n * 2 }\n'

const IMPORTS = `import * as velo from 'velo-stream'\nimport * as durable from 'velo-stream/durable'\n`
const REQUIRES = `const velo = require('velo-stream')\nconst durable = require('velo-stream/durable')\n`
const PRINT = 'everything(velo, durable, process.argv[2], process.argv[3]).then((all) => console.log(JSON.stringify(all)))\n'

/** Programs by their name: ES modules, CommonJS, and TypeScript, which each loader compiles to what the project's type says. */
const PROGRAMS = {
  'program.mjs': `${IMPORTS}${EVERYTHING}\n${PRINT}`,
  'program.cjs': `${REQUIRES}${EVERYTHING}\n${PRINT}`,
  'program.ts': `// @ts-nocheck\n${IMPORTS}${EVERYTHING}\n${PRINT}`,
  // One program with both formats, each of which gets functions and errors of the other.
  'both.mjs': `import { createRequire } from 'node:module'
    ${IMPORTS}
    const require = createRequire(import.meta.url)
    const [other, others] = [require('velo-stream'), require('velo-stream/durable')]
    ${EVERYTHING}
    const mixed = { ...velo, streamFn: other.streamFn }
    mixed.consume = velo.consume
    ${PRINT.replace('velo, durable', 'mixed, others')}`,
}

/** A test file for runners with globals, as an ES module or as CommonJS, and what else it tests. */
export function runnerTest(format, more = '') {
  const load = (names, from) => (format === 'module' ? `import ${names} from '${from}'\n` : `const ${names} = require('${from}')\n`)
  const head = `${format === 'module' ? IMPORTS : REQUIRES}${load('{ mkdtempSync }', 'node:fs')}${load('{ pathToFileURL }', 'node:url')}`
  const body = `test('everything', async () => {
    const folder = mkdtempSync(process.cwd() + '/journal-')
    const url = pathToFileURL(process.cwd() + '/double.mjs').href
    expect(await everything(velo, durable, folder, url)).toEqual(${JSON.stringify(EXPECTED)})
  }, 60_000)\n`
  return `${head}${EVERYTHING}\n${body}${more}`
}

/** What the package and the loaders need. */
const PACKAGES = readdirSync(join(root, 'node_modules')).filter(
  (name) => !name.startsWith('.') && !['velo-stream', '@swc-node'].includes(name),
)
/** ts-node and @swc-node need a compiler that is written in JavaScript. */
const FOLDER_OF = { typescript: 'typescript-5.9' }

/** The package as it is installed: its manifest and dist/ with the binary. */
export function install(folder) {
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  cpSync(join(root, 'dist'), join(folder, 'dist'), {
    recursive: true,
    filter: (path) => !/\.(map|d\.ts)$/.test(path) && !path.endsWith('.node'),
  })
  cpSync(binary, join(folder, 'dist', binary.split(/[\\/]/).at(-1)))
  return folder
}

/** A project of a type; its files by name. The package is installed there, or linked to where it is. */
export function project({ type = 'module', linked = false, files = {} } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-loaders-'))
  // Windows does not remove a binary that is loaded.
  if (process.platform !== 'win32') after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  const app = join(folder, 'app')
  const modules = join(app, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of PACKAGES) symlinkSync(join(root, 'node_modules', FOLDER_OF[name] ?? name), join(modules, name), 'junction')
  // It looks for TypeScript beside itself.
  cpSync(join(root, 'node_modules/@swc-node'), join(modules, '@swc-node'), { recursive: true })
  if (linked) {
    const home = install(join(folder, 'packages/velo-stream'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'packages/node_modules'), 'junction')
    symlinkSync(home, join(modules, 'velo-stream'), 'junction')
  } else install(join(modules, 'velo-stream'))
  const compilerOptions = {
    target: 'es2022',
    ...(type === 'module' ? { module: 'esnext', moduleResolution: 'bundler' } : { module: 'commonjs' }),
  }
  const manifests = { 'package.json': JSON.stringify({ private: true, type }), 'tsconfig.json': JSON.stringify({ compilerOptions }) }
  const all = { ...manifests, 'double.mjs': FUNCTION, ...PROGRAMS, ...files }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(app, name)), { recursive: true })
    writeFileSync(join(app, name), text)
  }
  return { app, folder }
}
