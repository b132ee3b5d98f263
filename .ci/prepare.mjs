// Runs after `npm install` in a clone and in a git dependency: builds what is missing, and nothing that is there.
// `VELO_SKIP_BUILD=1` skips it. Published packages never run it: they bring dist/ and a platform package.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const hasBinary = () => existsSync('dist') && readdirSync('dist').some((name) => /^velo\..+\.node$/.test(name))
const hasCargo = () => spawnSync('cargo', ['--version'], { stdio: 'ignore' }).status === 0

/** Runs one npm script and ends this process when it fails. */
function run(script) {
  const { status } = spawnSync(`npm run ${script}`, { stdio: 'inherit', shell: true })
  if (status !== 0) process.exit(status ?? 1)
}

if (process.env.VELO_SKIP_BUILD) {
  console.log('velo-stream: VELO_SKIP_BUILD is set, nothing is built.')
} else {
  if (!hasBinary()) {
    if (!hasCargo()) {
      console.error(
        'velo-stream: there is no binary in dist/ and no cargo to build it with.\n' +
          'Install Rust 1.90 or newer and run `npm run build`, or install with VELO_SKIP_BUILD=1 and put the binary\n' +
          'dist/velo.<platform>.node in place yourself.',
      )
      process.exit(1)
    }
    run('build:native')
  }
  if (!existsSync('dist/index.js')) run('build:ts')
}
