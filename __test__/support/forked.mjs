// Modules that run in a process of their own and answer questions: for what must not share a heap, or an event loop, with the tests.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { leftover } from './leftovers.mjs'
import { within } from './within.mjs'

/**
 * Runs the module in another process, started by the command `by` if one is given, with more `flags` of Node.js. `ask(name, ...values)` resolves with what its `answers` give; `end()` ends it, as
 * the end of the file does.
 */
export async function forked(module, args = [], by = [], flags = []) {
  const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
  const [execPath, ...before] = [...by, process.execPath]
  const child = fork(module, args.map(String), { env, execPath, execArgv: [...before, '--expose-gc', ...flags] })
  const exit = once(child, 'exit')
  const end = leftover(async () => {
    child.kill('SIGKILL')
    await exit
  })
  const died = exit.then(([code, signal]) => {
    throw new Error(`${module} ended with ${code ?? signal}`)
  })
  died.catch(() => {})
  const next = () => Promise.race([once(child, 'message'), died])
  await within(30_000, next(), 'the start of a process')
  const ask = async (ms, name, ...values) => {
    child.send({ name, values })
    const [{ value, error }] = await within(ms, next(), name)
    if (error !== undefined) throw new Error(error)
    return value
  }
  return { ask, end, pid: child.pid }
}
