// Which pictures a document makes. A group whose rows have `series` and `x` is lines; the two figures of the paper are bars, a bar for each length of stream; one of quantiles is a bar for each; any other group is bars. Owns: the choice. Not here: the look.
import { bars, lines } from './svg.mjs'

const fileName = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')

/** The name of the picture that shows this group, or undefined: what has several units has none. */
export function pictureOf({ name }, { title, picture }) {
  if (name === 'paper') return /^(cold start|processing)/.test(title) ? `paper-${fileName(title.split(', ')[0])}` : undefined
  return picture === undefined ? undefined : `${name}-${picture}`
}

/** The pictures of one kept run, by name. */
export function pictures({ command, machine, remark, document }) {
  const made = [command, machine, document.rounds === 1 ? 'one round' : `medians of ${document.rounds} rounds`, remark]
    .filter(Boolean)
    .join('; ')
  return document.name === 'paper' ? ofPaper(document, made) : ofGroups(document, made)
}

function ofPaper({ groups }, made) {
  const kinds = {
    'cold start penalty': 'first frame received, share of the whole time',
    'processing overhead': 'ms longer than the load generator',
  }
  const shown = Object.entries(kinds).filter(([kind]) => groups.some(({ title }) => title.startsWith(kind)))
  return Object.fromEntries(
    shown.map(([kind, unit]) => {
      const own = groups.filter(({ title }) => title.startsWith(kind))
      const series = own.map(({ title }) => title.slice(kind.length + 2))
      const rows = own[0].rows.map(({ name }) => ({ name, bars: own.map((group) => group.rows.find((row) => row.name === name)) }))
      return [`paper-${fileName(kind)}`, bars({ title: kind, unit, series, rows, made })]
    }),
  )
}

function ofGroups(document, made) {
  const shown = document.groups.filter((group) => pictureOf(document, group) !== undefined)
  return Object.fromEntries(shown.map((group) => [pictureOf(document, group), ofGroup(group, made)]))
}

function ofGroup({ title, xTitle, rows }, made) {
  const [{ unit, series, quantile }] = rows
  if (quantile !== undefined) {
    const [kinds, names] = ['quantile', 'contestant'].map((key) => [...new Set(rows.map((row) => row[key]))])
    const of = (name) => kinds.map((kind) => rows.find((row) => row.contestant === name && row.quantile === kind))
    return bars({ title, unit, series: kinds, rows: names.map((name) => ({ name, bars: of(name) })), made })
  }
  if (series === undefined) {
    const single = rows.map((row) => ({ name: row.name, bars: [row] }))
    return bars({ title, unit, series: [unit], rows: single, made })
  }
  const names = [...new Set(rows.map((row) => row.series))]
  const all = names.map((name) => ({ name, points: rows.filter((row) => row.series === name).map(({ x, value }) => [x, value]) }))
  return lines({ title, xTitle, yTitle: unit, series: all, made })
}
