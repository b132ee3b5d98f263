// Processes beside the bench.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** Starts one of a role (worker.mjs); resolves when it is ready. */
export async function started(role, port, options = {}) {
  const child = fork(script, [role, String(port), JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(child, 'message')
  const exited = once(child, 'exit')
  return {
    async hosted() {
      child.send('hosted')
      const [{ hosted }] = await once(child, 'message')
      return hosted
    },
    async stop() {
      child.send('stop')
      await exited
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
