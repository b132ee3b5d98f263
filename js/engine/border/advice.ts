// What to do when no binary loads: from what was tried and what is there, to sentences. Looks at nothing itself.

import { BUNDLED } from '../../kit/start/late.js'

/** One try to load the binary. */
export interface Attempt {
  /** A file or a package. */
  readonly what: string
  readonly error: unknown
}

/** What is known of the place where it did not load. */
export interface Place {
  /** Platform, processor and C library as in the names of the binaries. */
  readonly triple: string
  /** The package that holds the binary for it. */
  readonly platformPackage: string
  /** Packages for other platforms that are installed. */
  readonly installed: readonly string[]
  /** Packages for platforms that were published with this version; empty = unknown. */
  readonly published: readonly string[]
  /** The sources of the add-on are there. */
  readonly hasSources: boolean
  /** The environment names the binary. */
  readonly isNamed: boolean
  /** This code does not stand in its package any more. */
  readonly isBundled: boolean
}

const NAME = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** The whole message: what failed, each try with its reason, what to do. */
export function explained(attempts: readonly Attempt[], place: Place): string {
  const tries = attempts.map(({ what, error }) => `  ${what}: ${isMissing(error) ? 'not there' : reason(error)}`)
  return [`no native binary of velo-stream could be loaded for ${place.triple}`, ...tries, advice(attempts, place)].join('\n')
}

/** What can be done where this process stands. */
export function advice(attempts: readonly Attempt[], place: Place): string {
  const refused = attempts.find(({ error }) => !isMissing(error))
  if (refused !== undefined) return ofRefusal(reason(refused.error), refused.what, place)
  if (place.isNamed) return `${NAME} names a file that is not there: correct it or unset it.`
  if (place.isBundled) return BUNDLED
  if (place.hasSources) return 'Build it: npm run build'
  return ofAbsence(place)
}

function ofAbsence({ triple, platformPackage, installed, published }: Place): string {
  if (published.length > 0 && !published.includes(platformPackage)) {
    return `No binary is published for ${triple}, only ${published.join(', ')}. One that is built elsewhere can be named in ${NAME}.`
  }
  if (installed.length > 0) {
    return (
      `Installed is ${installed.join(', ')}: node_modules was made on or for another platform. ` +
      'Run npm ci where the process runs, or give npm the --os, --cpu and --libc of that place.'
    )
  }
  return (
    `Install ${platformPackage}, an optional dependency of velo-stream: npm leaves it out with --omit=optional, and when the lock file ` +
    'was made on another platform without it (then remove node_modules and the lock file, and run npm install).'
  )
}

/** What the loaders of Linux (glibc, musl), macOS and Windows say, and what it means. The first that matches counts. */
const REFUSALS: readonly [said: RegExp, meant: (place: Place, said: RegExpExecArray) => string][] = [
  [
    /version [`']?(GLIBC_[\d.]+)'? not found/,
    ({ hasSources }, [, version]) =>
      `The C library of this system is older than ${version}: run on a newer system${hasSources ? ', or build here: npm run build' : ''}.`,
  ],
  [
    /libc\.musl-|ld-musl-|ld-linux-|Error relocating|symbol not found/,
    ({ triple }) => `The file is for another C library than that of this process (${triple}): ${again}.`,
  ],
  [
    /invalid ELF|wrong ELF class|file too short|Exec format|mach-o|incompatible architecture|wrong architecture|not a valid Win32/i,
    ({ triple }) => `The file is no binary for ${triple}: it comes from another platform or is damaged; ${again}.`,
  ],
  [
    /failed to map segment|Operation not permitted|library load disallowed|code signature/,
    () =>
      'The system forbids running code from that folder (mounted noexec, or a policy): move node_modules to one that may hold programs, ' +
      `or name a copy of the file there in ${NAME}.`,
  ],
  [/Permission denied|EACCES|Access is denied/i, () => 'The user of this process may not read the file: correct its permissions.'],
  [
    /(?:Error loading shared library )?([\w.+-]+\.so[\w.]*): (?:cannot open shared object|No such file)/,
    (_, [, library]) => `The binary needs ${library}, which this system lacks: install it with the system's packages.`,
  ],
]
const again = 'remove node_modules and install again where the process runs'

function ofRefusal(said: string, what: string, place: Place): string {
  for (const [pattern, meant] of REFUSALS) {
    const match = pattern.exec(said)
    if (match !== null)
      return place.hasSources && meant(place, match).includes(again) ? 'Build it again: npm run build' : meant(place, match)
  }
  return place.hasSources ? 'Build it again: npm run build' : `${what} may be damaged: ${again}.`
}

/** Nothing was there to load, as opposed to something that did not load. */
function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | undefined)?.code === 'MODULE_NOT_FOUND'
}

function reason(error: unknown): string {
  const [line = ''] = String((error as { message?: unknown } | undefined)?.message ?? error).split('\n')
  return line
}
