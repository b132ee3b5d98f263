// A peer as a process that is asked for one job after the other. Owns: the process. Not here: the jobs (the folders python and java), what is compared.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { flinkProgram } from './flink.mjs'
import { pythonOf } from './places.mjs'

/** Starts a peer in Python, or answers undefined where it is not there. `ask(job)` answers `{ ms, count, last, ... }`. */
export function startPython(name) {
  const python = pythonOf(name)
  return python === undefined ? undefined : started(name, python, [fileURLToPath(new URL(`python/${name}_peer.py`, import.meta.url))])
}

/** Starts Flink, or answers undefined and what is missing. */
export function startFlink() {
  const command = flinkProgram(new URL('java/FlinkPeer.java', import.meta.url))
  return typeof command === 'string' ? [undefined, command] : [started('flink', command[0], command.slice(1))]
}

function started(name, program, args) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
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
