// A real Prometheus that scrapes servers of a test and answers questions, where it is installed (Debian package prometheus).

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onFreePort } from './free-port.mjs'
import { leftover } from './leftovers.mjs'
import { onPath } from './programs.mjs'
import { within } from './within.mjs'

export const program = onPath('prometheus')

/** It ends when its input does: also where the test that started it is killed. */
const GUARD = '"$@" & read -r _; kill $!; wait $!'

/**
 * Starts it: `targets` are ports of 127.0.0.1 by the name of their job, `rules` files of rules. Answers `{ get(path), query(expression) }`, both of its API: what `data`
 * is of its answer.
 */
export function prometheus({ targets, rules }) {
  return onFreePort(async (port) => {
    const server = new Server(targets, rules, port)
    const stop = leftover(() => server.stop())
    try {
      await server.started()
      return server
    } catch (error) {
      await stop()
      throw error
    }
  })
}

class Server {
  #folder = mkdtempSync(join(tmpdir(), 'velo-prometheus-'))
  #url
  #child
  #exited
  #said = ''

  constructor(targets, rules, port) {
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: rules,
      scrape_configs: Object.entries(targets).map(([job_name, target]) => ({
        job_name,
        static_configs: [{ targets: [`127.0.0.1:${target}`] }],
      })),
    }
    const file = join(this.#folder, 'prometheus.yml') // JSON is YAML
    writeFileSync(file, JSON.stringify(config))
    this.#url = `http://127.0.0.1:${port}`
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${join(this.#folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`]
    this.#child = spawn('sh', ['-c', GUARD, 'sh', program, ...args], { stdio: ['pipe', 'ignore', 'pipe'] })
    this.#child.stderr.setEncoding('utf8').on('data', (text) => (this.#said += text))
    this.#exited = new Promise((resolve) => this.#child.on('close', resolve).on('error', resolve))
  }

  /** Resolves when it takes requests. */
  async started() {
    const ready = new Promise((resolve, reject) => {
      this.#child.stderr.on('data', () => void (/Server is ready to receive web requests/.test(this.#said) && resolve()))
      this.#exited.then(() => reject(new Error(`Prometheus ended\n${this.#said}`)))
    })
    await within(60_000, ready, 'the start of Prometheus')
  }

  async get(path) {
    const response = await within(30_000, fetch(`${this.#url}/api/v1/${path}`), path)
    const { status, data, error } = await response.json()
    if (status !== 'success') throw new Error(`${path}: ${error}`)
    return data
  }

  /** The samples of an expression now: `{ metric, value }`. */
  async query(expression) {
    const { result } = await this.get(`query?query=${encodeURIComponent(expression)}`)
    return result
  }

  async stop() {
    this.#child.stdin.end()
    await within(30_000, this.#exited, 'the end of Prometheus')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }
}
