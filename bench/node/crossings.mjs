// What one event pays for Rust being in the loop, by path and batch size. Needs the add-on with its bench calls:
//   cargo build --release -p velo-node --features bench --target-dir target/bench
// `--node <path>` (or VELO_BENCH_NODE) runs the same under a second Node and prints both.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PAGE_ROWS, ROW_WORDS, Trigger } from '../../target/js/engine/border/law.js'
import { contest, document, freshCopy, main } from './harness.mjs'
import { averages, numbers } from './work.mjs'

const BATCHES = [1, 8, 64, 256]
const library = { darwin: 'libvelo_node.dylib', win32: 'velo_node.dll' }[process.platform] ?? 'libvelo_node.so'
const built = fileURLToPath(new URL(`../../target/bench/release/${library}`, import.meta.url))
const command = 'cargo build --release -p velo-node --features bench --target-dir target/bench'

/** The add-on under a name Node accepts. The folder can go once it is loaded, except on Windows, where the file stays open. */
function loadAddon() {
  if (!existsSync(built)) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'velo-crossings-'))
  copyFileSync(built, join(folder, 'velo.node'))
  const addon = createRequire(import.meta.url)(join(folder, 'velo.node'))
  if (process.platform !== 'win32') rmSync(folder, { recursive: true })
  if (addon.benchRawEvent === undefined) throw new Error(`the add-on has no bench calls: ${command}`)
  return addon
}

/** The candidates: how each enters Rust with `n` events and leaves it with `n` results; both answer how many are covered. */
function candidates(addon) {
  const memory = new SharedArrayBuffer(PAGE_ROWS * ROW_WORDS * 8)
  addon.start(() => {})
  addon.attach(new Uint8Array(memory))
  const words = new Float64Array(memory)
  const limits = { maxConcurrent: 1, queue: 0, maxDuration: 0, maxStall: 0 }
  const functions = new Map(BATCHES.map((batch) => [batch, addon.define({ name: `batch ${batch}`, buffer: batch, ...limits })]))
  const counter = new addon.BenchCounter()
  const told = (call) => {
    const cross = (n) => {
      call(n)
      return n
    }
    return { enter: cross, leave: cross }
  }
  return {
    'no crossing': () => told(() => {}),
    'control block, credits': (batch) => {
      const slot = addon.open(functions.get(batch), 0)
      if (slot < 1) throw new Error(`open answered ${slot}`)
      const at = slot * ROW_WORDS
      return {
        enter: () => addon.grant(slot, 0),
        leave: () => addon.grant(slot, 1),
        words,
        at,
        close: () => addon.step(slot, Trigger.Return),
      }
    },
    'raw callback': () => told((n) => addon.benchRawEvent(n)),
    '#[napi] function': () => told((n) => addon.benchNapiEvent(n)),
    '#[napi] class method': () => told((n) => counter.add(n)),
  }
}

/** Twice the rounds: the differences are a few ns, and a round is short. */
async function oneBatch(batch, paths, { rounds, ...rest }) {
  const options = { ...rest, rounds: rounds * 2 }
  const events = numbers(options.quick ? 1_000 : 50_000)
  const peer = 'bare async function*'
  const { average } = await freshCopy('work.mjs', `bare ${batch}`)
  const { minimal, gather } = await freshCopy('peers/minimal.mjs', `bare ${batch}`)
  const contestants = { [peer]: () => gather(average(minimal(events))) }
  for (const [name, path] of Object.entries(paths)) {
    const { drive } = await freshCopy('crossing-path.mjs', `${name} ${batch}`)
    contestants[name] = async () => {
      const ends = path(batch)
      const results = await drive(events, batch, ends)
      ends.close?.()
      return results
    }
  }
  const claims = Object.keys(paths).map((of) => ({ of, peer }))
  const group = await contest({ title: `batch ${batch}`, events: events.length, expected: averages(events), contestants, claims, options })
  for (const row of group.rows) Object.assign(row, { value: row.nsPerEvent, unit: 'ns/event' })
  return group
}

function otherNode(options) {
  const node = options.node ?? process.env.VELO_BENCH_NODE
  if (node === undefined) return []
  const flags = ['--json', '--rounds', String(options.rounds), ...(options.quick ? ['--quick'] : [])]
  const env = { ...process.env, VELO_BENCH_NODE: undefined }
  const answer = JSON.parse(execFileSync(node, [fileURLToPath(import.meta.url), ...flags], { encoding: 'utf8', env }))
  return answer.groups.map((group) => ({ ...group, title: `${group.title} (${answer.node})` }))
}

export async function crossings(options) {
  const addon = loadAddon()
  if (addon === undefined) return { ...(await document('crossings', [], options)), skipped: `no ${library} with bench calls: ${command}` }
  const paths = candidates(addon)
  const groups = BATCHES.map((batch) =>
    Object.defineProperty((given) => oneBatch(batch, paths, given), 'name', { value: `batch ${batch}` }),
  )
  const result = await document('crossings', groups, options)
  if (options.only === undefined) result.groups.push(...otherNode(options))
  return result
}

await main(import.meta, crossings)
