// Rehearses a release: publishes everything to a registry of its own on this machine, for this platform, installs it from there into an empty folder
// as somebody without Rust does, and runs it in every way. dist/ must be built. Needs npm for the registry's program, which stays in target/tools.

import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseTriple } from '@napi-rs/cli'
import { freePort } from '../__test__/support/free-port.mjs'

/** The last line of it that runs on Node 20. One of its helpers asks for a tag that not every registry hands on. */
const VERDACCIO = { dependencies: { verdaccio: '6.8.0' }, overrides: { 'node-fetch': '2.7.0' } }
const REPOSITORY = { GITHUB_SERVER_URL: 'https://git.example', GITHUB_REPOSITORY: 'velo-stream/rehearsal' }

const root = fileURLToPath(new URL('..', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'velo-rehearsal-'))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const binary = readdirSync(join(root, 'dist')).find((name) => name.endsWith('.node'))
if (binary === undefined) throw new Error('no binary in dist/: npm run build')
const shell = process.platform === 'win32'

/** Runs a command to its end and answers what it printed. */
function run(command, words, options) {
  const { status, error, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8', shell: shell && command === 'npm', ...options })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}\n${stdout}\n${stderr}`)
  return stdout
}

/** Starts the registry: nothing in it, nothing behind it, everybody may publish. */
async function registry() {
  const home = join(root, 'target/tools', `verdaccio-${VERDACCIO.dependencies.verdaccio}`)
  const program = join(home, 'node_modules/verdaccio/bin/verdaccio')
  if (!existsSync(program)) {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, ...VERDACCIO }))
    run('npm', ['install', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: home })
  }
  const port = await freePort()
  const config = join(temp, 'registry.yaml')
  const rules = "packages:\n  '**': { access: $all, publish: $all, unpublish: $all }\n"
  const quiet = 'log: { type: stdout, format: pretty, level: error }\nweb: { enable: false }\n'
  writeFileSync(config, `storage: ./storage\nmax_body_size: 100mb\n${rules}${quiet}`)
  const child = fork(program, ['--config', config, '--listen', `127.0.0.1:${port}`], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the registry ended with ${code}`)))
  ended.catch(() => undefined) // whoever waits for its start hears of it
  await Promise.race([once(child, 'message'), ended])
  return { url: `http://127.0.0.1:${port}/`, stop: () => child.kill() }
}

/** For npm: this registry and no other, nothing that is kept elsewhere, and a folder of programs in which there is no Rust. */
function environment(url) {
  const config = join(temp, 'npmrc')
  writeFileSync(config, `registry=${url}\n${url.replace('http:', '')}:_authToken=rehearsal\naudit=false\nfund=false\n`)
  const kept = Object.entries(process.env).filter(([name]) => !/^npm_|^cargo|^rust|^NAPI_RS|^NODE_OPTIONS/i.test(name))
  const hasRust = (folder) =>
    ['cargo', 'rustc', 'rustup'].some((name) => existsSync(join(folder, name)) || existsSync(join(folder, `${name}.exe`)))
  const path = process.env.PATH.split(delimiter).filter((folder) => folder !== '' && !hasRust(folder) && !folder.includes('node_modules'))
  const own = [dirname(process.execPath), ...path].join(delimiter)
  return { ...Object.fromEntries(kept), PATH: own, npm_config_userconfig: config, npm_config_cache: join(temp, 'cache'), ...REPOSITORY }
}

/** The clone as the workflow has it, its manifest with this platform alone. */
function stage(env) {
  const folder = join(temp, 'clone')
  const tracked = run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root }).split('\0')
  for (const name of tracked.filter((name) => name !== '' && existsSync(join(root, name)))) cpSync(join(root, name), join(folder, name))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.node') })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction')
  const targets = manifest.napi.targets.filter((target) => binary === `velo.${parseTriple(target).platformArchABI}.node`)
  if (targets.length !== 1) throw new Error(`${binary} is none of the platforms in package.json`)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, napi: { ...manifest.napi, targets } }))
  cpSync(join(root, 'dist', binary), join(folder, 'artifacts/bindings', binary))
  run(process.execPath, ['.ci/release.mjs', 'stage', 'artifacts'], { cwd: folder, env })
  return folder
}

/** What velo-stream depends on, from node_modules: to the registry it is as foreign as everything. */
function publishDependencies(names, env, seen = new Set()) {
  for (const name of names.filter((name) => !seen.has(name))) {
    seen.add(name)
    const folder = join(root, 'node_modules', name)
    if (!existsSync(folder)) continue // optional, and not for this platform
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    publishDependencies(Object.keys({ ...dependencies, ...optionalDependencies }), env, seen)
    const options = { cwd: temp, env }
    const [{ filename }] = JSON.parse(run('npm', ['pack', folder, '--json', '--ignore-scripts'], options))
    run('npm', ['publish', `./${filename}`, '--ignore-scripts', '--provenance=false', '--tag', 'latest'], options)
  }
}

/** What somebody does who has read the first page. */
function use(env) {
  const folder = join(temp, 'consumer')
  mkdirSync(folder)
  const options = { cwd: folder, env }
  if (spawnSync('cargo', ['--version'], { env }).error === undefined) throw new Error('there is a cargo on the PATH')
  run('npm', ['install', 'velo-stream', 'ws'], options)
  const scripts = {
    'esm.mjs': `import { streamFn } from 'velo-stream'
      const double = streamFn(async function* (events) { for await (const n of events) yield n * 2 })
      console.log(JSON.stringify(await double.run([1, 2])))`,
    'cjs.cjs': `const { streamFn } = require('velo-stream')
      const double = streamFn(async function* (events) { for await (const n of events) yield n * 2 })
      double.run([1, 2]).then((results) => console.log(JSON.stringify(results)))`,
    'double.mjs': 'export default async function* (events) { for await (const n of events) yield n * 2 }',
    'entries.mjs': `await Promise.all(${JSON.stringify(entries())}.map((name) => import(name))); console.log('[2,4]')`,
  }
  for (const [name, text] of Object.entries(scripts)) writeFileSync(join(folder, name), text)
  for (const name of ['esm.mjs', 'cjs.cjs', 'entries.mjs']) expect(name, run(process.execPath, [name], options), '[2,4]\n')
  const velo = (...words) =>
    run(process.execPath, [join('node_modules/velo-stream', manifest.bin.velo), ...words], { ...options, input: '1\n2\n' })
  expect('npx velo', run('npm', ['exec', '--offline', '--', 'velo', '--version'], options).includes(manifest.version), true)
  expect('velo run', velo('run', 'double.mjs', '--quiet'), '2\n4\n')
  expect('velo run --worker', velo('run', 'double.mjs', '--quiet', '--worker'), '2\n4\n')
  expect('velo doctor', JSON.parse(velo('doctor', '--json')).ok, true)
}

/** The entry points that need nothing beside velo-stream and ws. */
function entries() {
  return Object.keys(manifest.exports).flatMap((name) => (name === './package.json' ? [] : [`velo-stream${name.slice(1)}`]))
}

function expect(what, got, wanted) {
  if (got !== wanted) throw new Error(`${what}: ${JSON.stringify(got)} instead of ${JSON.stringify(wanted)}`)
  console.log(`ok  ${what}`)
}

/** What the registry says of the packages: provenance needs the repository, and npm the platform. */
async function check(url) {
  const platform = `${manifest.napi.packageName}-${binary.split('.')[1]}`
  for (const name of [platform, manifest.name]) {
    const said = (await (await fetch(url + name.replace('/', '%2f'))).json()).versions[manifest.version]
    expect(`${name}: repository`, said.repository.url, `git+${REPOSITORY.GITHUB_SERVER_URL}/${REPOSITORY.GITHUB_REPOSITORY}.git`)
    if (name === manifest.name) expect(`${name}: optional dependency`, said.optionalDependencies[platform], manifest.version)
    else expect(`${name}: platform`, `${said.os}-${said.cpu}`, `${process.platform}-${process.arch}`)
  }
}

const { url, stop } = await registry()
try {
  const env = environment(url)
  const clone = stage(env)
  publishDependencies([...Object.keys(manifest.dependencies), 'ws'], env)
  run(process.execPath, ['.ci/release.mjs', 'publish', '--provenance=false'], { cwd: clone, env })
  await check(url)
  use(env)
} finally {
  stop()
  rmSync(temp, { recursive: true, force: true, maxRetries: 3 })
}
console.log('the release was rehearsed')
