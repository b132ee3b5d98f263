// A server of Redis or Valkey for one bench, which keeps nothing on disk, and what it took of its processor.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from '../../../__test__/support/free-port.mjs'

/** Gives a server of its own to some work. */
export async function withServer(work) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  const port = await freePort()
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    for await (const line of createInterface(child.stdout)) if (/ready to accept/i.test(line)) break
    child.stdout.resume()
    return await work(port)
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

const field = (info, name) => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)[1])

/** Microseconds of processor time that the server has taken so far. */
export async function cpuOf(client) {
  const info = await client.info('cpu')
  return (field(info, 'used_cpu_user') + field(info, 'used_cpu_sys')) * 1e6
}

export async function bytesOf(client) {
  return field(await client.info('memory'), 'used_memory')
}
