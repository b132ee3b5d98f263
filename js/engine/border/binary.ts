// Finds the binary for this platform and loads it. What its calls mean is said in native.ts, what to do without it in advice.ts.

import { createRequire } from 'node:module'
import { VeloError } from '../../kit/errors.js'
import { builtin } from '../../kit/start/builtin.js'
import { type Attempt, explained, type Place } from './advice.js'
import { libc } from './libc.js'

const { existsSync, readdirSync, readFileSync } = builtin('node:fs')

const ownRequire = createRequire(import.meta.url)

/** Packages for platforms are named so, followed by the platform. */
const SCOPE = '@velo-stream'
const PREFIX = `${SCOPE}/native-`

/**
 * The exports of the add-on. The environment may name the file; else it is the one that was built here, or the package for this platform.
 *
 * Each copy of this module gets its own exports, so copies do not disturb each other. Several copies in one thread are usual:
 * Jest loads one for each test file, and loaders that compile CommonJS may load one for `import` and one for `require`.
 */
export function loadBinary(): unknown {
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  const triple = `${process.platform}-${process.arch}${suffix()}`
  const built = builtin('node:url').fileURLToPath(new URL(`../../velo.${triple}.node`, import.meta.url))
  const platformPackage = `${PREFIX}${triple}`
  const attempts: Attempt[] = []
  for (const what of named ? [named] : existsSync(built) ? [built] : [built, platformPackage]) {
    try {
      return opened(what)
    } catch (error) {
      attempts.push({ what, error })
    }
  }
  const manifest = ownManifest()
  const place: Place = {
    triple,
    platformPackage,
    installed: installed(ownRequire.resolve.paths(platformPackage) ?? []).filter((name) => name !== platformPackage),
    published: Object.keys(manifest?.optionalDependencies ?? {}).filter((name) => name.startsWith(PREFIX)),
    hasSources: existsSync(new URL('../../../crates/velo-node/Cargo.toml', import.meta.url)),
    isNamed: Boolean(named),
    isBundled: manifest === undefined,
  }
  const causes = attempts.map(({ error }) => error)
  const cause = causes.length === 1 ? causes[0] : new AggregateError(causes, attempts.map(({ what }) => what).join(', '))
  throw new VeloError('VELO_NATIVE_LOAD', explained(attempts, place), { cause })
}

/** Not by `require`, which returns the same exports to every copy. The environment may also name a module that loads the file. */
function opened(what: string): unknown {
  const file = ownRequire.resolve(what)
  if (!file.endsWith('.node')) return ownRequire(file)
  const module = { exports: {} }
  process.dlopen(module, builtin('node:path').toNamespacedPath(file))
  return module.exports
}

function suffix(): string {
  return process.platform === 'linux' ? `-${libc()}` : process.platform === 'win32' ? '-msvc' : ''
}

/** Packages for platforms in these folders. */
function installed(folders: readonly string[]): string[] {
  const { join } = builtin('node:path')
  const names = folders.map((folder) => join(folder, SCOPE)).flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
  return [...new Set(names.map((name) => `${SCOPE}/${name}`).filter((name) => name.startsWith(PREFIX)))]
}

/** Of the package that this file is a part of, unless a bundler has put it elsewhere. The release writes the platforms into it. */
function ownManifest(): { optionalDependencies?: Record<string, string> } | undefined {
  try {
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      name?: string
      optionalDependencies?: Record<string, string>
    }
    return manifest.name === 'velo-stream' ? manifest : undefined
  } catch {
    return undefined
  }
}
