// A server of NATS with JetStream for one bench: NATS_SERVER, the one that `node .ci/brokers.mjs` brings, or the one on the path.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../../__test__/support/free-port.mjs'

const brought = fileURLToPath(new URL('../../../.brokers/bin/nats-server', import.meta.url))

/** Its port and how it is ended; or, as text, what is missing. */
export async function natsOnLoopback() {
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  const port = await freePort()
  const program = process.env.NATS_SERVER ?? (existsSync(brought) ? brought : 'nats-server')
  const child = spawn(program, ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', folder], { stdio: ['ignore', 'ignore', 'pipe'] })
  const failed = await once(child, 'spawn').then(
    () => undefined,
    (error) => error,
  )
  const tidy = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  if (failed !== undefined) {
    tidy()
    return `MISSING: nats-server (${failed.code}): node .ci/brokers.mjs`
  }
  for await (const line of createInterface(child.stderr)) if (/Server is ready/.test(line)) break
  child.stderr.resume()
  return {
    port,
    async close() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      tidy()
    },
  }
}
