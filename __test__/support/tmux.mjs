// A real terminal that a test looks at: tmux, of a server of its own that ends with the test. Missing on Linux it is told aloud, and is a failure in CI; elsewhere it comes with no
// system, and nothing is tested.

import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { promisify } from 'node:util'
import { has, onPath } from './programs.mjs'
import { within } from './within.mjs'

const run = promisify(execFile)
const program = process.platform === 'linux' ? onPath('tmux') : undefined

/** Whether a test can go on. */
export const hasTerminal = (context) => process.platform === 'linux' && has(context, program, 'tmux')

/** Runs a line of the shell on a terminal of this size; what it shows stays when it has ended. */
export async function terminal(line, { width, height, env = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-tmux-'))
  const socket = join(folder, 's')
  const options = { env: { ...process.env, TMUX: undefined, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined, ...env } }
  const tmux = async (...args) =>
    (await within(30_000, run(program, ['-S', socket, '-f', '/dev/null', ...args], options), `tmux ${args[0]}`)).stdout
  await tmux('new-session', '-d', '-s', 't', '-x', String(width), '-y', String(height), `${line}; cat`)
  // It is told whenever something is written. When this process is gone, so is the session, and all that runs in it.
  const watching = spawn(program, ['-S', socket, '-C', 'attach', '-t', 't'], { ...options, stdio: ['pipe', 'pipe', 'inherit'] })
  let changes = 0
  let changed = () => {}
  watching.stdout.on('data', () => {
    changes++
    changed()
  })
  watching.stdin.on('error', () => undefined)
  watching.stdin.write('set-option destroy-unattached on\n')
  after(async () => {
    await tmux('kill-server').catch(() => undefined)
    watching.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  const screen = (...more) => tmux('capture-pane', '-p', '-t', 't', ...more)
  /** Resolves with the screen when it shows this. */
  async function shows(pattern, ...more) {
    let seen = ''
    const look = async () => {
      for (;;) {
        const before = changes
        seen = await screen(...more)
        if (pattern.test(seen)) return seen
        if (changes === before) await new Promise((resolve) => void (changed = resolve))
      }
    }
    return within(30_000, look(), `a screen that matches ${pattern}`).catch((error) => {
      throw new Error(`${error.message}, but is:\n${seen}`)
    })
  }

  return {
    screen,
    shows,
    /** Keys by their names; a text is typed with `type`. */
    keys: (...names) => tmux('send-keys', '-t', 't', ...names),
    type: (text) => tmux('send-keys', '-t', 't', '-l', text),
    resize: (columns, rows) => tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows)),
    /** Whether the other screen is shown, the cursor is, and lines wrap. */
    modes: async () => (await tmux('display-message', '-p', '-t', 't', '#{alternate_on} #{cursor_flag} #{wrap_flag}')).trim(),
  }
}
