// Draws docs/plots and writes the tables of docs/performance.md from bench/figures, where each file is what a run printed with --json and how it was made, and from bench/baseline.json.
//
//   node bench/paper/paper.mjs --json > run.json
//   node bench/plots/draw.mjs paper run.json 'what else the machine did'     # keeps the run as bench/figures/paper.json, and draws
//   node bench/plots/draw.mjs                                                # draws what is kept
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { machine } from '../machine.mjs'
import { guarded } from './guarded.mjs'
import { pictures } from './pictures.mjs'
import { written } from './tables.mjs'

const figures = new URL('../figures/', import.meta.url)
const baseline = new URL('../baseline.json', import.meta.url)
const plots = new URL('../../docs/plots/', import.meta.url)
const page = new URL('../../docs/performance.md', import.meta.url)
const commands = {
  paper: 'node bench/paper/paper.mjs',
  scenarios: 'node bench/node/scenarios.mjs',
  kills: 'node bench/node/kills.mjs',
  cost: 'node bench/node/cost.mjs',
  memory: 'node bench/node/memory.mjs',
}

/** Keeps a run: its document, the command, the machine. */
function keep(name, file, remark) {
  if (commands[name] === undefined) throw new Error(`no such figures: ${name}; expected one of ${Object.keys(commands).join(', ')}`)
  const document = JSON.parse(readFileSync(file, 'utf8'))
  if (document.quick) throw new Error(`${file}: the figures of a quick run mean nothing`)
  mkdirSync(figures, { recursive: true })
  writeFileSync(
    new URL(`${name}.json`, figures),
    `${JSON.stringify({ command: commands[name], machine: `${document.machine ?? machine}, Node.js ${document.node}`, remark, document }, undefined, 1)}\n`,
  )
}

/** What is kept, by name. */
export function kept() {
  const names = readdirSync(figures).filter((name) => name.endsWith('.json'))
  return Object.fromEntries(names.sort().map((name) => [name.slice(0, -5), JSON.parse(readFileSync(new URL(name, figures), 'utf8'))]))
}

/** The page with every table of what is kept. */
export const tabled = (page) => guarded(written(page, kept()), JSON.parse(readFileSync(baseline, 'utf8')))

/** Every picture of what is kept, by its name. */
export const drawn = () => Object.assign({}, ...Object.values(kept()).map(pictures))

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , name, file, remark] = process.argv
  if (name !== undefined) keep(name, file, remark)
  mkdirSync(plots, { recursive: true })
  for (const [picture, svg] of Object.entries(drawn())) {
    writeFileSync(new URL(`${picture}.svg`, plots), svg)
    console.log(fileURLToPath(new URL(`${picture}.svg`, plots)))
  }
  writeFileSync(page, tabled(readFileSync(page, 'utf8')))
}
