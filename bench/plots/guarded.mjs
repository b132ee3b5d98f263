// The tables of docs/performance.md that come from bench/baseline.json: the ratios that `npm run bench:check` guards, on every line of Node.js that it knows. Owns: these tables.
// Not here: how ratios are measured and compared (node/baseline.mjs, node/check.mjs).
import { short } from './svg.mjs'

const PLACE = /(<!-- guarded: ([\w ]+) -->\n)[\s\S]*?(<!-- end of figures -->)/g
/** Runs that lie further apart than this say so, and so does a bar that was missed. */
const APART = 0.1

const row = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
const upper = (text) => text[0].toUpperCase() + text.slice(1)

/** The page with the ratios of these benches in their places, under the machine they are from. A bench of which nothing is known is an error. */
export function guarded(page, { machine, ...baselines }) {
  const part = (names) => `\`npm run bench:check -- --update\`; ${machine}.\n\n${tableOf(names.split(' '), baselines)}`
  return page.replace(PLACE, (_, begin, names, end) => `${begin}\n${part(names)}\n\n${end}`)
}

function tableOf(benches, baselines) {
  const lines = Object.keys(baselines)
  const rows = new Map()
  for (const bench of benches) {
    const before = rows.size
    for (const line of lines) gather(rows, bench, line, baselines[line])
    if (rows.size === before) throw new Error(`bench/baseline.json has nothing of ${bench}: npm run bench:check -- --update ${bench}`)
  }
  const head = ['work', `velo-stream, ${upper(lines[0])}`, 'beside', ...lines.map(upper)]
  return [head, head.map(() => '---'), ...[...rows.values()].map((each) => cells(each, lines))].map(row).join('\n')
}

/** Rows of one bench on one line of Node.js, those beside several peers as one: `{ name, own, peers: { peer: { line: ratio } } }`. */
function gather(rows, bench, line, known) {
  for (const [key, each] of Object.entries(known)) {
    // A time or a size against a bar is no ratio.
    if (each.peer === undefined || !key.startsWith(`${bench}: `)) continue
    const name = `${each.group}: ${each.row}`
    const one = rows.get(`${bench}: ${name}`) ?? { name, own: {}, peers: new Map() }
    rows.set(`${bench}: ${name}`, one)
    one.own[line] = `${short(each.value)} ${each.unit}`
    one.peers.set(each.peer, { ...one.peers.get(each.peer), [line]: each })
  }
}

function cells({ name, own, peers }, lines) {
  const ratios = (line) => [...peers.values()].map((each) => shown(each[line])).join('; ')
  return [name, own[lines[0]] ?? '', [...peers.keys()].join('; '), ...lines.map(ratios)]
}

function shown(each) {
  if (each === undefined) return '-'
  const ratio = each.noise > APART ? `${short(each.ratio)} [${each.range.map(short).join(' to ')}]` : short(each.ratio)
  return each.ratio < each.bar ? `${ratio} (bar ${short(each.bar)})` : ratio
}
