// docs/bundlers.md, with the bundlers themselves: an app is bundled with velo-stream outside and runs; with velo-stream inside it fails as the page says.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import * as esbuild from 'esbuild'
import * as vite from 'vite'
import { binary } from '../support/native.mjs'
import { root, text } from '../support/sources.mjs'

const timeout = 60_000
const temp = mkdtempSync(join(tmpdir(), 'velo-bundlers-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
mkdirSync(join(temp, 'node_modules'))
symlinkSync(root, join(temp, 'node_modules/velo-stream'), 'junction')
writeFileSync(join(temp, 'package.json'), '{ "name": "app", "private": true, "type": "module" }')
writeFileSync(join(temp, 'double.mjs'), 'export default async function* (events) { for await (const n of events) yield n * 2 }\n')
writeFileSync(
  join(temp, 'server.mjs'),
  `import { streamFn } from 'velo-stream'
  import { map } from 'velo-stream/operators'
  const here = streamFn(async function* (events) { for await (const n of events) yield n + 1 }).pipe(map((n) => n * 10))
  const double = streamFn(new URL('./double.mjs', import.meta.url), { placement: 'worker' })
  const work = async () => console.log(JSON.stringify([await here.run([1, 2]), await double.run([1, 2])]))
  work().catch((error) => console.log(error.code + ': ' + error.message))\n`,
)

function run(file, env = {}) {
  const clean = { ...process.env, NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '', ...env }
  return spawnSync(process.execPath, [join(temp, file)], { cwd: temp, encoding: 'utf8', env: clean, timeout })
}

/** Each bundles both files into a folder. What it is given beside that is what the page is about. */
const bundlers = {
  esbuild: (outdir, settings) =>
    esbuild.build({
      absWorkingDir: temp,
      entryPoints: ['server.mjs', 'double.mjs'],
      outdir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      ...settings,
    }),
  vite: (outDir, settings) =>
    vite.build({
      root: temp,
      configFile: false,
      logLevel: 'silent',
      build: { ssr: true, outDir, rolldownOptions: { input: ['server.mjs', 'double.mjs'], output: { entryFileNames: '[name].mjs' } } },
      ...settings,
    }),
}
const outside = { esbuild: { external: ['velo-stream'] }, vite: { ssr: { external: ['velo-stream'] } } }
const inside = { esbuild: {}, vite: { ssr: { noExternal: true } } }

for (const [name, bundle] of Object.entries(bundlers)) {
  describe(name, () => {
    test('with velo-stream outside, the app runs, on its own thread and on workers', { timeout }, async () => {
      await bundle(`${name}-outside`, outside[name])
      const { stdout, stderr } = run(`${name}-outside/server.mjs`)
      assert.deepEqual([stdout, stderr], ['[[20,30],[2,4]]\n', ''])
      assert.match(readFileSync(join(temp, `${name}-outside/server.mjs`), 'utf8'), /from ['"]velo-stream['"]/)
    })

    test('with velo-stream inside, the error says what to do', { timeout }, async () => {
      await bundle(`${name}-inside`, inside[name])
      const { status, stderr } = run(`${name}-inside/server.mjs`)
      assert.notEqual(status, 0)
      assert.match(stderr, /VELO_NATIVE_LOAD/)
      assert.match(stderr, /velo-stream was bundled into another file: name it as external/)
    })

    test('with velo-stream inside and the binary named, worker threads do not start', { timeout }, () => {
      const { stderr } = run(`${name}-inside/server.mjs`, { NAPI_RS_NATIVE_LIBRARY_PATH: binary })
      assert.match(stderr, /VeloError: velo-stream was bundled into another file: name it as external/)
    })
  })
}

test('esbuild, to CommonJS: the same error', { timeout }, async () => {
  await bundlers.esbuild('cjs', { format: 'cjs', outExtension: { '.js': '.cjs' } })
  assert.match(run('cjs/server.cjs').stderr, /velo-stream was bundled into another file: name it as external/)
})

describe('esbuild without external says what to do, for every entry', () => {
  const entries = Object.keys(JSON.parse(text('package.json')).exports).filter((path) => path !== './package.json')
  // These load nothing by its address. An ES module has no `require`, so there the advice comes for both.
  const works = (name, kind, format) =>
    name === 'velo-stream/client' || (name === 'velo-stream/testing' && `${kind} ${format}` === 'require cjs')
  const loads = { import: (name) => `import * as velo from '${name}'`, require: (name) => `const velo = require('${name}')` }
  for (const name of entries.map((path) => `velo-stream${path.slice(1)}`)) {
    test(name, { timeout }, async () => {
      for (const format of ['esm', 'cjs']) {
        for (const [kind, load] of Object.entries(loads)) {
          const file = format === 'esm' ? 'entry.mjs' : 'entry.cjs'
          const stdin = { contents: `${load(name)}\nconsole.log(Object.keys(velo).length)`, resolveDir: temp }
          await esbuild.build({ stdin, outfile: join(temp, file), bundle: true, platform: 'node', format, logLevel: 'silent' })
          const { stdout, stderr } = run(file)
          if (works(name, kind, format)) assert.match(stdout, /^[1-9]/, `${kind}, ${format}\n${stderr}`)
          else
            assert.match(
              stderr,
              /VeloError.*velo-stream was bundled into another file: name it as external.*VELO_NATIVE_LOAD/s,
              `${kind}, ${format}`,
            )
        }
      }
    })
  }
})

test('the page shows these settings', () => {
  const page = text('docs/bundlers.md')
  for (const said of [
    "external: ['velo-stream']",
    "ssr: { external: ['velo-stream'] }",
    'outExtension',
    'rolldownOptions',
    'serverExternalPackages',
  ]) {
    assert.ok(page.includes(said), said)
  }
})
