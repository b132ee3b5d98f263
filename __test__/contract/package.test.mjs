// The package as it is published: packed, installed beside its platform package, loaded in every way, and checked by publint and attw.
// Everything happens in a temporary folder and without the network.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const timeout = 120_000
const manifest = json(join(root, 'package.json'))
const bin = (name) => join(root, 'node_modules', ...name.split('/'))

function json(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Runs a command to its end; its output is the message when it fails. */
function run(command, args, options = {}) {
  const shell = process.platform === 'win32' && command === 'npm'
  const result = spawnSync(command, args, { encoding: 'utf8', timeout, shell, ...options })
  if (result.error) throw result.error
  if (options.check !== false) assert.equal(result.status, 0, `${command} ${args.join(' ')}\n${result.stdout}\n${result.stderr}`)
  return result
}

const node = (args, options) => run(process.execPath, args, options)

describe('the manifest', () => {
  const locked = Object.entries(json(join(root, 'package-lock.json')).packages)

  test('names no download address in the lock file', () => {
    const addresses = locked.filter(([, entry]) => entry.resolved?.startsWith('http')).map(([path]) => path)
    assert.deepEqual(addresses, [], 'install with `npm install --omit-lockfile-registry-resolved`')
  })

  test('locks every optional package, so that `npm ci` works on every platform', () => {
    const names = new Set(locked.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)))
    const missing = locked.flatMap(([, entry]) => Object.keys(entry.optionalDependencies ?? {})).filter((name) => !names.has(name))
    assert.deepEqual(missing, [])
  })

  test('has one version with the crates', () => {
    const [, version] = /\[workspace\.package\][^[]*?\nversion = "([^"]+)"/.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))
    assert.equal(manifest.version, version)
  })

  test('has no optional dependencies: the release adds them', () => {
    assert.equal(manifest.optionalDependencies, undefined)
  })

  test('lets every export be found', () => {
    const targets = (entry) => (typeof entry === 'string' ? entry : Object.values(entry).flatMap(targets))
    for (const target of targets(manifest.exports)) assert.ok(existsSync(join(root, target)), target)
  })
})

describe('the package', () => {
  const temp = mkdtempSync(join(tmpdir(), 'velo-package-'))
  const consumer = join(temp, 'consumer')
  const bare = join(temp, 'bare')
  const env = { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: undefined, NODE_OPTIONS: undefined }
  const binary = readdirSync(join(root, 'dist')).find((name) => /^velo\..+\.node$/.test(name))
  const triple = binary?.split('.')[1]
  const platformPackage = `${manifest.napi.packageName}-${triple}`
  let tarball

  function pack(folder) {
    const { stdout } = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temp], { cwd: folder })
    const [{ filename, files }] = JSON.parse(stdout)
    return { path: join(temp, filename), files: files.map((file) => file.path) }
  }

  function install(folder, tarballs) {
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', ...tarballs], { cwd: folder })
  }

  before(
    () => {
      assert.ok(binary, 'no binary in dist/: run `npm run build`')
      // The root package as the release job sees it: no binary in dist/.
      const staged = join(temp, 'root')
      const wanted = ['package.json', 'dist', 'js', 'LICENSE', 'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'docs', 'examples']
      const isBinary = (path) => path.endsWith('.node')
      for (const name of wanted.filter((name) => existsSync(join(root, name)))) {
        cpSync(join(root, name), join(staged, name), { recursive: true, filter: (path) => !isBinary(path) })
      }
      tarball = pack(staged)
      // The platform package as the release job makes it.
      node([bin('@napi-rs/cli/dist/cli.js'), 'create-npm-dirs', '--cwd', staged])
      cpSync(join(root, 'dist', binary), join(staged, 'npm', triple, binary))
      const dependencies = Object.keys(manifest.dependencies).map((name) => pack(bin(name)).path)
      install(consumer, [tarball.path, pack(join(staged, 'npm', triple)).path, ...dependencies])
      install(bare, [tarball.path, ...dependencies])
    },
    { timeout },
  )
  after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))

  test('holds what it needs and nothing else', () => {
    for (const path of ['package.json', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) assert.ok(tarball.files.includes(path), path)
    const kinds =
      /^(dist\/.+\.(js|d\.ts)(\.map)?|dist\/[\w.-]+\.mjs(\.map)?|dist\/[\w-]+\.d\.mts|dist\/package\.json|dist\/dashboard-page\.css|js\/.+\.ts|docs\/\w+\.md|docs\/plots\/[\w-]+\.svg|docs\/operations\/[\w-]+\.(json|yml)|examples\/.+\.(mjs|md|html|txt|csv|sse|ndjson)|package\.json|[A-Z]+(\.md)?)$/
    assert.deepEqual(
      tarball.files.filter((path) => !kinds.test(path)),
      [],
    )
  })

  const program = 'streamFn(async function* (events) { for await (const n of events) yield n * 2 }).run([1, 2])'

  test('import', { timeout }, () => {
    const code = `import { streamFn } from 'velo-stream'; console.log(JSON.stringify(await ${program}))`
    const { stdout, stderr } = node(['--input-type=module', '-e', code], { cwd: consumer, env })
    assert.deepEqual([stdout, stderr], ['[2,4]\n', ''])
  })

  test('require', { timeout }, () => {
    const code = `const { streamFn } = require('velo-stream'); ${program}.then((out) => console.log(JSON.stringify(out)))`
    const { stdout, stderr } = node(['--input-type=commonjs', '-e', code], { cwd: consumer, env })
    assert.deepEqual([stdout, stderr], ['[2,4]\n', ''])
  })

  test('every entry point loads with nothing else installed', { timeout }, () => {
    const entries = Object.keys(manifest.exports).filter((name) => name !== './package.json')
    const names = entries.map((name) => `velo-stream${name.slice(1)}`)
    const list = JSON.stringify(names)
    const code = `Promise.all(${list}.map((name) => import(name))).then((all) => console.log(all.length, ${list}.map((name) => require(name)).length))`
    assert.equal(node(['--input-type=commonjs', '-e', code], { cwd: consumer, env }).stdout, `${names.length} ${names.length}\n`)
  })

  test('the command runs', { timeout }, () => {
    const { stdout } = node([join(consumer, 'node_modules/.bin/velo'), '--version'], { cwd: consumer, env })
    assert.match(stdout, new RegExp(manifest.version))
  })

  test('the examples that need nothing else run where they were installed', { timeout }, () => {
    const folder = join(consumer, 'node_modules/velo-stream')
    const source = (path) => readFileSync(join(folder, 'examples', path), 'utf8')
    const imported = (path) =>
      [...source(path).matchAll(/from '([^']+)'/g)].flatMap(([, name]) =>
        name.startsWith('./') ? imported(join(dirname(path), name)) : [name],
      )
    const names = readdirSync(join(folder, 'examples')).filter((name) => name.endsWith('.mjs'))
    const alone = names.filter((name) => imported(name).every((from) => /^(node:|velo-stream(\/|$))/.test(from)))
    const [first, second] = source('README.md').split('With the packages of a web server')
    const listed = (part) => [...part.matchAll(/^- \[(.+?)\]/gm)].map(([, name]) => name).sort()
    assert.deepEqual(listed(first), alone)
    assert.deepEqual(
      listed(second),
      names.filter((name) => !alone.includes(name)),
    )
    for (const name of listed(second)) {
      for (const from of imported(name).filter((from) => !/^(node:|velo-stream)/.test(from)))
        assert.match(second, new RegExp(`npm install .*${from}\\b`), name)
    }
    for (const name of alone) {
      const [, command = `examples/${name}`] = /^\/\/ \$ node (.+)$/m.exec(source(name)) ?? []
      const expected = [...source(name).matchAll(/^\/\/ expect: (.*)$/gm)].map(([, line]) => line.trimEnd())
      assert.deepEqual(node(command.trim().split(' '), { cwd: folder, env }).stdout.trimEnd().split('\n'), expected, name)
    }
  })

  test('import and require give one and the same module', { timeout }, () => {
    const code = `import('velo-stream').then((m) => console.log(m.streamFn === require('velo-stream').streamFn))`
    assert.equal(node(['--input-type=commonjs', '-e', code], { cwd: consumer, env }).stdout, 'true\n')
  })

  test('loads the platform package', { timeout }, () => {
    const code = `require('velo-stream'); console.log(process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node')).join())`
    const { stdout } = node(['--input-type=commonjs', '-e', code], { cwd: consumer, env })
    assert.ok(stdout.replaceAll('\\', '/').includes(`${platformPackage}/${binary}`), stdout)
  })

  test('without a binary: VELO_NATIVE_LOAD says what to install', { timeout }, () => {
    const code = `import('velo-stream').catch((error) => console.log(error.code + ' ' + error.message))`
    const { stdout } = node(['--input-type=module', '-e', code], { cwd: bare, env })
    assert.match(stdout, /^VELO_NATIVE_LOAD /)
    assert.ok(stdout.includes(platformPackage), stdout)
    assert.doesNotMatch(stdout, /npm run build/)
  })

  test('types resolve for import and for require', { timeout }, () => {
    const source = `import { streamFn } from 'velo-stream'
      import { VeloError, connect } from 'velo-stream/client'
      import { map } from 'velo-stream/operators'
      export const out: Promise<number[]> = streamFn(async function* (e: AsyncIterable<number>) { yield* e }).pipe(map((n: number) => n)).run([1])
      export const made = [connect, VeloError]\n`
    for (const name of ['esm.mts', 'cjs.cts']) writeFileSync(join(consumer, name), source)
    const types = ['--types', 'node', '--typeRoots', bin('@types')]
    const options = ['--noEmit', '--strict', '--target', 'ES2022', '--lib', 'ES2022,ESNext.Disposable', ...types]
    // Node16 is the stricter one: CommonJS cannot require ES modules there.
    for (const module of ['NodeNext', 'Node16'])
      node([bin('typescript/bin/tsc'), ...options, '--module', module, 'esm.mts', 'cjs.cts'], { cwd: consumer })
  })

  test('publint finds nothing', { timeout }, () => {
    const { stdout } = node([bin('publint/src/cli.js'), 'run', tarball.path, '--strict'])
    assert.match(stdout, /All good!/)
  })

  test('attw finds nothing', { timeout }, () => {
    node([bin('@arethetypeswrong/cli/dist/index.js'), tarball.path, '--no-definitely-typed', '--profile', 'node16'])
  })
})
