// promtool of Prometheus, where it is installed: it knows the rules of metrics and alerts. Missing it is told aloud, and is a failure in CI on Linux, where it comes with a package.

import { execFileSync, spawnSync } from 'node:child_process'

const isThere = spawnSync('promtool', ['--version'], { stdio: 'ignore' }).status === 0

/** Options of a test that needs it. */
export function withPromtool(what) {
  if (isThere) return {}
  const message = `promtool is missing: apt-get install prometheus. The ${what} are NOT checked by it`
  if (process.env.CI === 'true' && process.platform === 'linux') throw new Error(message)
  console.error(`\n*** ${message} ***\n`)
  return { skip: message }
}

/** Runs it; answers what it prints. Throws where it finds something. */
export function promtool(args, input = '') {
  return execFileSync('promtool', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] })
}
