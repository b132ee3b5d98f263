// The tables of docs/performance.md that come from kept figures: markdown between two comments for each kept run. Owns: the tables. Not here: the pictures, the prose around both.
import { pictureOf } from './pictures.mjs'
import { short } from './svg.mjs'

const row = (cells) => `| ${cells.join(' | ')} |`
const tableOf = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
const upper = (text) => text[0].toUpperCase() + text.slice(1)
const ranged = ({ value, range }) =>
  range === undefined || range[0] === range[1] ? short(value) : `${short(value)} [${range.map(short).join(' to ')}]`
/** Where many figures stand beside each other, only what lies further apart than this says so. */
const APART = 0.1
const briefly = ({ value, range }) => (range !== undefined && range[1] - range[0] > APART * value ? ranged({ value, range }) : short(value))

/** Every table of a kept run, under one line that says how it was made; each picture once. */
export function tables({ command, machine, remark, document }) {
  const made = [`\`${command}\``, machine, document.rounds === 1 ? 'one round' : `medians of ${document.rounds} rounds`, remark]
    .filter(Boolean)
    .join('; ')
  const shown = new Set()
  const parts = document.groups.flatMap((group) => [
    ...pictured(document, group, shown),
    `**${upper(group.title)}**${group.rounds === undefined ? '' : `, medians of ${group.rounds}`}`,
    tableOfGroup(group),
    ...noted(group),
    ...assumed(group),
  ])
  const peers = document.peers === undefined ? '' : ` Peers: ${document.peers}.`
  return [`${made}. A range in square brackets, a bar that was missed in round ones.${peers}`, ...parts].join('\n\n')
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

const missed = ({ ratio, range, bar, pass }) => briefly({ value: ratio, range }) + (pass === false ? ` (bar ${short(bar)})` : '')
const claimed = (claim) =>
  claim.peer === undefined
    ? `at ${claim.most ? 'most' : 'least'} ${short(claim.bar)}${claim.pass === false ? ' (bar missed)' : ''}`
    : `${missed(claim)} times ${claim.most ? 'that' : 'as good as that'} of ${claim.peer.split(':')[0]}`

function ofQuantiles(rows) {
  const [kinds, names] = ['quantile', 'contestant'].map((key) => [...new Set(rows.map((each) => each[key]))])
  const ratios = new Map(
    rows.flatMap((each) => (each.claims ?? []).map((claim) => [claim.peer.split(', p50')[0], `${each.contestant}: ${missed(claim)}`])),
  )
  const at = (name, kind) => briefly(rows.find((each) => each.contestant === name && each.quantile === kind))
  return tableOf(
    ['us', ...kinds, 'its p50 over that of'],
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
      ...own.map((name) => [`${name}: events/s`, ...xs.map((x) => (cell(name, x) === undefined ? '' : briefly(cell(name, x))))]),
      ...pairs.map((pair) => {
        const [of, peer] = pair.split('|')
        return [`${of}: times ${peer}`, ...xs.map((x) => (ratios.has(`${pair}|${x}`) ? ratios.get(`${pair}|${x}`) : ''))]
      }),
    ],
  )
}
