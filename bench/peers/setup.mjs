// Installs the peers that are no packages of this repository, at pinned versions, into a folder of the user's (VELO_PEERS, or the user's cache). Nothing of them is in the repository.
//
//   node bench/peers/setup.mjs                 # all but the large ones
//   node bench/peers/setup.mjs bytewax flink   # these
//   node bench/peers/setup.mjs --list          # what is there
//
// It uses npm and pip as they are set up here. A peer that cannot be had is named, and the exit code is 1.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { interpreterIn, nodePeers, peersFolder, pythonPeers, versionOfNode } from './places.mjs'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: { type: 'boolean' } } })
const folder = peersFolder()
const known = [...Object.keys(pythonPeers), ...Object.keys(nodePeers)]
const unknown = positionals.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`no such peer: ${unknown.join(', ')}; expected some of ${known.join(', ')}`)

const wanted = positionals.length > 0 ? positionals : known.filter((name) => !pythonPeers[name]?.large)
mkdirSync(folder, { recursive: true })
console.log(`peers in ${folder}`)
const missing = []
for (const name of values.list ? known : wanted) {
  const [version, problem] = name in pythonPeers ? python(name, pythonPeers[name]) : ofNode(name, nodePeers[name])
  if (problem !== undefined) missing.push(name)
  console.log(problem === undefined ? `${name} ${version}` : `MISSING: ${name}: ${problem}`)
}
if (missing.length > 0) process.exitCode = 1

/** An environment with one package. Answers its version, or undefined and what is wrong. */
function python(name, peer) {
  const place = join(folder, name)
  const ready = join(place, 'ready')
  const there = existsSync(ready) ? readFileSync(ready, 'utf8').trim() : undefined
  if (values.list) return [there, there === undefined ? 'not installed' : undefined]
  const [python, version] = chosen(peer)
  if (python === undefined) return [undefined, `needs Python 3.${(peer.before ?? peer).python} or newer`]
  if (there === version) return [there]
  if (peer.java && spawnSync('java', ['-version']).status !== 0) return [undefined, 'needs Java']
  try {
    execFileSync(python, ['-m', 'venv', '--clear', place], { stdio: ['ignore', 'ignore', 'inherit'] })
    const pip = ['-m', 'pip', 'install', '--quiet', `${peer.package}==${version}`]
    execFileSync(interpreterIn(place), pip, { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch (error) {
    return [undefined, error.message.split('\n')[0]]
  }
  writeFileSync(ready, `${version}\n`)
  return [version]
}

/** The newest interpreter that takes a peer, and the version that it gets. */
function chosen({ version, python, until = Number.POSITIVE_INFINITY, before }) {
  const lines = interpreters()
  const fits = lines.find(({ minor }) => minor >= python && minor <= until)
  if (fits !== undefined) return [fits.path, version]
  const older = before && lines.find(({ minor }) => minor >= before.python)
  return older === undefined ? [] : [older.path, before.version]
}

/** Every Python 3 that is found, the newest first. */
function interpreters() {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions')
  const installed = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, 'bin', 'python3')) : []
  const named = [14, 13, 12, 11].map((minor) => `python3.${minor}`)
  return [...named, 'python3', 'python', ...installed]
    .flatMap((path) => {
      const { status, stdout } = spawnSync(path, ['-c', 'import sys; print(sys.version_info[0], sys.version_info[1])'], {
        encoding: 'utf8',
      })
      const [major, minor] = status === 0 ? stdout.split(' ').map(Number) : []
      return major === 3 ? [{ path, minor }] : []
    })
    .sort((a, b) => b.minor - a.minor)
}

/** One package in the folder that all packages for Node.js share. */
function ofNode(name, version) {
  const place = join(folder, 'node')
  const there = versionOfNode(name)
  if (there === version) return [there]
  if (values.list) return [there, 'not installed']
  mkdirSync(place, { recursive: true })
  if (!existsSync(join(place, 'package.json'))) writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
  const flags = ['install', '--save-exact', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`]
  const { status } = spawnSync('npm', flags, { cwd: place, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
  return status === 0 ? [version] : [undefined, `npm install ended with ${status}`]
}
