// A peer in Python as a process that is asked for one job after the other. Owns: the process. Not here: the jobs (the folder python), what is compared.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pythonOf } from './places.mjs'

/** Starts a peer, or answers undefined where it is not there. `ask(job)` answers `{ ms, count, last, ... }`. */
export function startPython(name) {
  const python = pythonOf(name)
  if (python === undefined) return undefined
  const script = fileURLToPath(new URL(`python/${name}_peer.py`, import.meta.url))
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(job) {
      child.stdin.write(`${JSON.stringify(job)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error(`${name} ended while it did ${JSON.stringify(job)}`)
      return JSON.parse(value)
    },
    async stop() {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}
