// One folder and the processes that have it, one after the other: each is killed with -9 at some moment, and what it had noted is judged. The last one is left alone
// and must bring everything to its end.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { diceOf, journeyOf } from './plan.mjs'
import { Witness } from './witness.mjs'

const CHILD = fileURLToPath(new URL('./child.mjs', import.meta.url))
const IN_FOLDER = new URL('./in-folder.mjs', import.meta.url).href
/** Streams at once. */
const WIDTH = 8
/** A process that is not killed is through within so many ms; one that dies at a line has written it within these. */
const PATIENCE = 60_000

export class Lane {
  /** Whatever must not be, in words. */
  wrongs = []
  counts = { kills: 0, lives: 0, lines: 0 }
  #seed
  #lane
  #life = 0
  #folder = mkdtempSync(join(tmpdir(), 'velo-kills-'))
  #witnesses = []
  #place

  /** `place`: the module that opens journals, as `stores`, and what it is given beside the plan. */
  constructor(seed, lane, place = { stores: IN_FOLDER }) {
    this.#seed = seed
    this.#lane = lane
    this.#place = place
  }

  /** Kills one process. */
  async kill() {
    const dice = diceOf(this.#seed, this.#lane, this.#life, 3)
    const byLine = dice.below(4) === 0
    const line = byLine ? `${1 + dice.below(dice.below(2) === 0 ? 40 : 400)}:${dice.pick(['before', 'after'])}` : undefined
    const ms = byLine ? PATIENCE : dice.float() * dice.pick([10, 60, 200])
    const plan = {
      sync: dice.pick(['disk', 'process', 'process']),
      workers: dice.below(3) === 0,
      verifies: dice.below(8) === 0,
      isQuiet: false,
    }
    const [code, signal, stderr] = await this.#live(plan, ms, line)
    if (signal !== 'SIGKILL') this.#wrong(`the process ended by itself with ${code ?? signal}: ${stderr}`)
    this.counts.kills++
  }

  /** Brings everything to its end. */
  async finish() {
    const [code, signal, stderr] = await this.#live({ sync: 'disk', workers: true, verifies: true, isQuiet: true }, PATIENCE, undefined)
    if (code !== 0) this.#wrong(`the last process ended with ${code ?? signal}: ${stderr}`)
    for (const [n, witness] of this.#witnesses.entries()) if (!witness.isOver) this.#wrong(`journey s${n} did not come to its end`)
    if (this.wrongs.length === 0) rmSync(this.#folder, { recursive: true, force: true })
  }

  /** What all journeys came to. */
  get sums() {
    const sums = { journeys: this.#witnesses.length, ...this.counts }
    for (const { counts, effects } of this.#witnesses)
      for (const [name, count] of Object.entries({ ...counts, ...effects.counts })) sums[name] = (sums[name] ?? 0) + count
    return sums
  }

  /** One process from its start to its death: `[code, signal, stderr]`. */
  async #live(plan, ms, line) {
    const life = this.#life++
    const notes = join(this.#folder, `notes-${life}`)
    const left = [...this.#witnesses.entries()].filter(([, { isOver }]) => !isOver).map(([n]) => n)
    const given = {
      ...this.#place,
      folder: join(this.#folder, 'journal'),
      seed: this.#seed,
      lane: this.#lane,
      life,
      left,
      next: this.#witnesses.length,
      width: WIDTH,
      ...plan,
    }
    const env = { ...process.env, VELO_KILLS_NOTES: notes, VELO_KILLS_LINE: line, NODE_OPTIONS: undefined, NODE_TEST_CONTEXT: undefined }
    const child = spawn(process.execPath, [CHILD, JSON.stringify(given)], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text))
    let timer
    child.stdout.once('data', () => {
      timer = setTimeout(() => child.kill('SIGKILL'), ms)
    })
    const [code, signal] = await once(child, 'close')
    clearTimeout(timer)
    this.counts.lives++
    this.#judge(notes)
    return [code, signal, stderr]
  }

  #judge(notes) {
    const text = existsSync(notes) ? readFileSync(notes, 'utf8') : ''
    // A line without its end was not said.
    const lines = text.split('\n').slice(0, -1)
    const heard = new Set()
    for (const line of lines) {
      const [what, id, ...rest] = JSON.parse(line)
      if (what === 'wrong') this.#wrong(`${id}: ${rest[0]}`)
      if (what === 'wrong' || what === 'done') continue
      // Whatever ran on that thread begins again, and nobody knows what did.
      if (what === 'died') for (const one of this.#witnesses) one.restart()
      const witness = this.#witness(Number(id.slice(1)))
      witness.hear(what, ...rest)
      heard.add(witness)
    }
    for (const witness of heard) witness.judge()
    this.counts.lines += lines.length
  }

  #witness(n) {
    while (this.#witnesses.length <= n) {
      const journey = journeyOf(this.#seed, this.#lane, this.#witnesses.length)
      this.#witnesses.push(new Witness(journey, (text) => this.#wrong(text)))
    }
    return this.#witnesses[n]
  }

  #wrong(text) {
    this.wrongs.push(`lane ${this.#lane}, life ${this.#life - 1}, ${this.#folder}: ${text}`)
  }
}
