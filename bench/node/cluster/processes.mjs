// Processes beside the bench.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** Starts one of a role (worker.mjs), with a client of that library; resolves when it is ready. */
export async function started(role, port, library, options = {}) {
  const child = fork(script, [role, String(port), library, JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(child, 'message')
  const exited = once(child, 'exit')
  const ask = async (name) => {
    child.send(name)
    const [{ [name]: answer }] = await once(child, 'message')
    return answer
  }
  return {
    hosted: () => ask('hosted'),
    /** Microseconds of processor time that it has taken so far. */
    cpu: () => ask('cpu'),
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
