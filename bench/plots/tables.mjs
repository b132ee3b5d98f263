// The tables of docs/performance.md that come from kept figures: markdown between two comments for each kept run. Owns: the tables. Not here: the pictures, the prose around both.
import { pictureOf } from './pictures.mjs'
import { short } from './svg.mjs'

const row = (cells) => `| ${cells.join(' | ')} |`
const tableOf = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
const upper = (text) => text[0].toUpperCase() + text.slice(1)
const ranged = ({ value, range }) =>
  range === undefined || range[0] === range[1] ? short(value) : `${short(value)} [${range.map(short).join(' to ')}]`

/** Every table of a kept run, under one line that says how it was made; each picture once. */
export function tables({ command, machine, remark, document }) {
  const made = [`\`${command}\``, machine, document.rounds === 1 ? 'one round' : `medians of ${document.rounds} rounds`, remark]
    .filter(Boolean)
    .join('; ')
  const shown = new Set()
  const parts = document.groups.flatMap((group) => [
    ...pictured(document, group, shown),
    `**${upper(group.title)}**`,
    tableOfGroup(group),
    ...noted(group),
    ...assumed(group),
  ])
  return [`${made}. A bar in brackets was missed.`, ...parts].join('\n\n')
}

/** The page with the tables of these runs in their places. */
export function written(page, runs) {
  return Object.entries(runs).reduce((whole, [name, run]) => {
    const place = new RegExp(`(<!-- figures: ${name} -->\n)[\\s\\S]*?(<!-- end of figures -->)`)
    if (!place.test(whole)) throw new Error(`docs/performance.md has no place for ${name}: <!-- figures: ${name} -->`)
    return whole.replace(place, (_, begin, end) => `${begin}\n${tables(run)}\n\n${end}`)
  }, page)
}

function pictured(document, group, shown) {
  const name = pictureOf(document, group)
  if (name === undefined || shown.has(name)) return []
  shown.add(name)
  return [`![${upper(group.title)}](plots/${name}.svg)`]
}

function noted({ note }) {
  return note === undefined ? [] : [`${note}.`]
}

function assumed({ assumed }) {
  return assumed === undefined
    ? []
    : [
        'What is assumed and not measured:',
        tableOf(
          ['assumed', 'value'],
          Object.entries(assumed).map(([name, value]) => [name, short(value)]),
        ),
      ]
}

function tableOfGroup({ rows }) {
  if (rows[0].quantile !== undefined) return ofQuantiles(rows)
  if (rows[0].series !== undefined) return ofRamp(rows)
  return tableOf(
    ['', 'median [range]', 'unit', 'of'],
    rows.map((each) => [each.name, ranged(each), each.unit, (each.claims ?? []).map(claimed).join('; ')]),
  )
}

const missed = ({ ratio, bar, pass }) => (pass === false ? `${short(ratio)} (bar ${short(bar)})` : short(ratio))
const claimed = (claim) =>
  claim.peer === undefined
    ? `at ${claim.most ? 'most' : 'least'} ${short(claim.bar)}${claim.pass === false ? ' (bar missed)' : ''}`
    : `${missed(claim)} times ${claim.most ? 'that' : 'as good as that'} of ${claim.peer.split(':')[0]}`

function ofQuantiles(rows) {
  const [kinds, names] = ['quantile', 'contestant'].map((key) => [...new Set(rows.map((each) => each[key]))])
  const ratios = new Map(
    rows.flatMap((each) => (each.claims ?? []).map((claim) => [claim.peer.split(', p50')[0], `${missed(claim)}, ${each.contestant}`])),
  )
  const at = (name, kind) => short(rows.find((each) => each.contestant === name && each.quantile === kind).value)
  return tableOf(
    ['us', ...kinds, 'its p50, times ours'],
    names.map((name) => [name, ...kinds.map((kind) => at(name, kind)), ratios.get(name) ?? '']),
  )
}

/** Events a second of ours, and below how many times as fast that is as each peer. */
function ofRamp(rows) {
  const xs = [...new Set(rows.map(({ x }) => x))]
  const names = [...new Set(rows.map(({ series }) => series))]
  const own = names.filter((name) => name.startsWith('velo-stream'))
  const cell = (series, x) => rows.find((each) => each.series === series && each.x === x)
  const ratios = new Map(
    rows.flatMap(({ series, x, claims = [] }) =>
      claims.map((claim) => [`${series}|${claim.peer.slice(0, claim.peer.lastIndexOf(', '))}|${x}`, missed(claim)]),
    ),
  )
  const pairs = [...new Set([...ratios.keys()].map((key) => key.slice(0, key.lastIndexOf('|'))))]
  return tableOf(
    ['', ...xs.map(String)],
    [
      ...own.map((name) => [`${name}: events/s`, ...xs.map((x) => (cell(name, x) === undefined ? '' : short(cell(name, x).value)))]),
      ...pairs.map((pair) => {
        const [of, peer] = pair.split('|')
        return [`${of}: times ${peer}`, ...xs.map((x) => (ratios.has(`${pair}|${x}`) ? ratios.get(`${pair}|${x}`) : ''))]
      }),
    ],
  )
}
