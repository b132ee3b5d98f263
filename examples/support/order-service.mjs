// `velo serve --durable` as a process of its own, that can be killed and started again on the same port.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The command `velo` lies beside the library. */
const velo = join(dirname(fileURLToPath(import.meta.resolve('velo-stream'))), 'velo.js')
const functions = fileURLToPath(new URL('order-session', import.meta.url))

/** Starts the service over a folder for its journal: `{ url, port, child, kill() }`. `origin`: whose pages may connect. */
export async function serveOrders(folder, { port = 0, origin } = {}) {
  const pages = origin === undefined ? [] : ['--origin', origin]
  const args = [velo, 'serve', functions, '--durable', folder, '--port', String(port), '--json', ...pages]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), ended.then(([code]) => assertStarted(code))])
  const { url } = JSON.parse(line)
  const kill = async (signal = 'SIGKILL') => {
    child.kill(signal)
    await ended
  }
  return { url, port: Number(new URL(url).port), child, kill }
}

function assertStarted(code) {
  throw new Error(`velo serve ended with ${code}`)
}
