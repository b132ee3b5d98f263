// The cases of the Autobahn test suite, as the Python package kosoku brings them: installs it into target/tools, where __test__/websocket/autobahn.test.mjs looks
// for it. `node .ci/autobahn.mjs --long` then runs every case, which takes several minutes. Needs Python 3.10 or newer with its module venv.

import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KOSOKU, program, VERSION } from '../__test__/websocket/kosoku.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
if (!existsSync(program)) install()
console.log(`kosoku ${VERSION} is installed`)
if (process.argv.includes('--long')) {
  process.env.VELO_AUTOBAHN = 'long'
  run(process.execPath, ['--expose-gc', '--test', '__test__/websocket/autobahn.test.mjs'])
}

function install() {
  const python = ['python3', 'python'].find((name) => isNew(name))
  if (python === undefined) fail('Python 3.10 or newer is missing')
  rmSync(KOSOKU, { recursive: true, force: true })
  run(python, ['-m', 'venv', KOSOKU])
  // Only wheels: nothing is built, and nothing of the package runs now.
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', `kosoku==${VERSION}`]
  run(`${KOSOKU}/${process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python'}`, pip)
}

function isNew(python) {
  return spawnSync(python, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 10))']).status === 0
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) fail(`${command}: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message) {
  console.error(`.ci/autobahn.mjs: ${message}`)
  process.exit(1)
}
