// Scripts in a process of their own, on the same Node.js as the tests: for what ends, crashes or measures a whole process.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Runs `source` as an ES module that may import 'velo-stream' and says how it ended: `{ code, signal, stdout, stderr, ms }`. It is killed after
 * `ms`, and then the promise rejects.
 */
export function child(source, { ms = 20_000, flags = [], args = [] } = {}) {
  const env = { ...process.env, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined, NODE_UNIQUE_ID: undefined }
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const options = { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] }
    const process_ = spawn(process.execPath, [...flags, '--input-type=module', '--eval', source, '--', ...args], options)
    let stdout = ''
    let stderr = ''
    process_.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    process_.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    const timer = setTimeout(() => {
      process_.kill('SIGKILL')
      reject(new Error(`the process did not end within ${ms} ms\n${stdout}\n${stderr}`))
    }, ms)
    process_.on('error', reject)
    process_.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr, ms: performance.now() - start })
    })
  })
}

/** The same, which must end by itself with exit code 0 and print nothing on stderr; answers what it printed. */
export async function output(source, options) {
  const { code, signal, stdout, stderr } = await child(source, options)
  if (code !== 0 || signal !== null || stderr !== '') throw new Error(`exit code ${code}, signal ${signal}\n${stdout}\n${stderr}`)
  return stdout.trim()
}
