// Worker processes of the chaos test: started, killed, stopped and gone on with.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { leftover } from '../../support/leftovers.mjs'
import { within } from '../../support/within.mjs'

const script = fileURLToPath(new URL('worker.mjs', import.meta.url))

export class WorkerProcess {
  constructor(url, client, options, functions, env = {}) {
    const args = [url, client, JSON.stringify(options), functions]
    this.child = fork(script, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...env } })
    this.exited = once(this.child, 'exit')
    this.ready = once(this.child, 'message')
    /** The first warning that says so. */
    this.warning = (pattern) =>
      new Promise((resolve) =>
        this.child.on('message', ({ warning }) => warning !== undefined && pattern.test(warning) && resolve(warning)),
      )
    this.drop = leftover(() => this.kill())
  }

  async start() {
    await within(20_000, this.ready, 'a worker starts')
    return this
  }

  /** `SIGSTOP`, `SIGCONT`. */
  signal(name) {
    this.child.kill(name)
  }

  async kill() {
    this.child.kill('SIGKILL')
    await within(10_000, this.exited, 'a worker is killed')
  }

  /** Gives everything back and ends. */
  async stop() {
    this.child.send('stop')
    const [code] = await within(20_000, this.exited, 'a worker stops')
    return code
  }

  async hosted() {
    this.child.send('hosted')
    const answer = new Promise((resolve) => {
      const hear = ({ hosted }) => hosted !== undefined && resolve(hosted, this.child.off('message', hear))
      this.child.on('message', hear)
    })
    return within(10_000, answer, 'a worker answers')
  }
}
