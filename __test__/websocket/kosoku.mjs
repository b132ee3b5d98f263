// The cases of the Autobahn test suite against a server that echoes: where their runner is, and what it says of each case. `node .ci/autobahn.mjs` installs it.

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const VERSION = '0.1.0'
/** The folder of its own Python environment. */
export const KOSOKU = fileURLToPath(new URL(`../../target/tools/kosoku-${VERSION}`, import.meta.url))
/** The program, which may not be there. */
export const program = join(KOSOKU, process.platform === 'win32' ? 'Scripts/kosoku.exe' : 'bin/kosoku')

/** How long the runner waits for a case, ms. One that took longer is tried once more, with nothing beside it. */
const PATIENCE = 30_000

/** The program where it is installed, else undefined. */
export function findKosoku() {
  return existsSync(program) ? program : undefined
}

/** Runs the cases that these patterns name, less the `without`. Answers `{ [case]: { behavior, behaviorClose, remoteCloseCode, duration } }`. */
export async function verdicts(url, cases, { without = [], together = 8 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-autobahn-'))
  try {
    const args = ['-p', String(together), '-o', folder, ...cases.flatMap((id) => ['-i', id]), ...without.flatMap((id) => ['-x', id]), url]
    const said = await output(args)
    const index = join(folder, 'index.json')
    if (!existsSync(index)) throw new Error(`no report: ${said}`)
    const [of] = Object.values(JSON.parse(readFileSync(index, 'utf8')))
    const slow = Object.keys(of).filter((id) => of[id].behavior === 'FAILED' && of[id].duration >= PATIENCE)
    return together > 1 && slow.length > 0 ? { ...of, ...(await verdicts(url, slow, { together: 1 })) } : of
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** What the program prints. That a case failed is said in its report, so the exit code says nothing more. */
function output(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
    }
    child.on('error', reject).on('close', () => resolve(text))
  })
}
