// Refuses a second installation of the package in one process. Each installation has its own native core, so limits, ids and
// metrics of one would not cover the streams of the other. Several copies of the files of one installation share its core.

import { VeloError } from '../../kit/errors.js'
import { builtin } from '../../kit/start/builtin.js'

/** On `globalThis`: the folder of the installation that was loaded first. */
const INSTALLATION: unique symbol = Symbol.for('velo-stream.installation') as never

/** Throws `VELO_NATIVE_LOAD` if code in this realm has loaded velo-stream from another folder. */
export function refuseSecondInstallation(): void {
  const realm = globalThis as { [INSTALLATION]?: string }
  const own = builtin('node:url').fileURLToPath(new URL('../../../', import.meta.url))
  const first = realm[INSTALLATION]
  if (first === undefined) Object.defineProperty(realm, INSTALLATION, { value: own })
  else if (first !== own && real(first) !== real(own)) throw new VeloError('VELO_NATIVE_LOAD', explained(first, own))
}

function explained(first: string, own: string): string {
  return (
    `velo-stream is installed twice in this process: version ${version(first)} in ${first} was loaded first, then version ${version(own)} in ${own}. ` +
    'Each has its own core, and limits and metrics of one do not cover the streams of the other. ' +
    'Let the whole process use one of them: npm dedupe, or overrides in package.json.'
  )
}

function real(folder: string): string {
  return builtin('node:fs').realpathSync(folder)
}

function version(folder: string): string {
  const file = builtin('node:path').join(folder, 'package.json')
  return String((JSON.parse(builtin('node:fs').readFileSync(file, 'utf8')) as { version?: unknown }).version)
}
