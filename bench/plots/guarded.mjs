// The tables of docs/performance.md that come from bench/baseline.json: the ratios that `npm run bench:check` guards, on every line of Node.js that it knows. Owns: these tables.
// Not here: how ratios are measured and compared (node/baseline.mjs, node/check.mjs).
import { short } from './svg.mjs'

const PLACE = /(<!-- guarded: ([\w ]+) -->\n)[\s\S]*?(<!-- end of figures -->)/g
/** Runs that lie further apart than this say so. */
const APART = 0.1

const row = (cells) => `| ${cells.join(' | ')} |`
const upper = (text) => text[0].toUpperCase() + text.slice(1)

/** The page with the ratios of these benches in their places. A bench of which nothing is known is an error. */
export function guarded(page, baselines) {
  return page.replace(PLACE, (_, begin, names, end) => `${begin}\n${tableOf(names.split(' '), baselines)}\n\n${end}`)
}

function tableOf(benches, baselines) {
  const lines = Object.keys(baselines)
  const rows = new Map()
  // A time or a size against a bar is no ratio.
  for (const line of lines)
    for (const [key, each] of Object.entries(baselines[line]))
      if (each.peer !== undefined && benches.includes(key.split(': ', 1)[0])) rows.set(key, each)
  const unknown = benches.filter((bench) => ![...rows.keys()].some((key) => key.startsWith(`${bench}: `)))
  if (unknown.length > 0)
    throw new Error(`bench/baseline.json has nothing of ${unknown.join(', ')}: npm run bench:check -- --update ${unknown.join(' ')}`)
  const inOrder = benches.flatMap((bench) => [...rows].filter(([key]) => key.startsWith(`${bench}: `)))
  return [
    row(['work', 'beside', ...lines.map(upper)]),
    row(['work', 'beside', ...lines].map(() => '---')),
    ...inOrder.map(([key, { group, row: name, peer }]) =>
      row([`${group}: ${name}`, peer, ...lines.map((line) => shown(baselines[line][key]))]),
    ),
  ].join('\n')
}

function shown(each) {
  if (each === undefined) return ''
  return each.noise > APART ? `${short(each.ratio)} [${each.range.map(short).join(' to ')}]` : short(each.ratio)
}
