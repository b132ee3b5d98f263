// A server that is a program of somebody else, as a process of its own with a folder of its own: started, killed, and started again on the same port. Gone at the end of the file.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onFreePort } from './free-port.mjs'
import { leftover } from './leftovers.mjs'
import { within } from './within.mjs'

export class ServerProcess {
  #command
  #ready
  #patience
  #child

  /** `ready`: what it says when it takes connections, within so many ms. */
  constructor(command, ready, patience = 20_000) {
    this.#command = command
    this.#ready = ready
    this.#patience = patience
  }

  get pid() {
    return this.#child.pid
  }

  /** Resolves when it takes connections. */
  async start() {
    const [program, ...args] = this.#command
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.exited = new Promise((resolve) => child.on('exit', resolve).on('error', resolve))
    const said = []
    const ready = new Promise((resolve, reject) => {
      const hear = (line) => {
        if (said.length < 100) said.push(line)
        if (this.#ready.test(line)) resolve()
      }
      for (const output of [child.stdout, child.stderr]) createInterface(output).on('line', hear)
      this.exited.then((code) => reject(new Error(`the server ended with ${code}\n${said.join('\n')}`)))
    })
    await within(this.#patience, ready, 'the start of the server')
    return this
  }

  /** `SIGKILL`, `SIGSTOP`, `SIGCONT`. */
  signal(name) {
    this.#child.kill(name)
  }

  async kill() {
    this.signal('SIGKILL')
    await within(10_000, this.exited, 'the end of the server')
  }
}

/** Starts what `make(port, folder)` answers, and ends it with the test file, or by its `stop()`. */
export function startServerProcess(prefix, make) {
  return onFreePort(async (port) => {
    const folder = mkdtempSync(join(tmpdir(), prefix))
    const server = make(port, folder)
    server.stop = leftover(async () => {
      await server.kill()
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
    })
    try {
      return await server.start()
    } catch (error) {
      await server.stop()
      throw error
    }
  })
}
