// Turns the document of a bench into tables of Markdown. Owns: the look. Not here: any figure.

/** All tables of one bench. */
export function table(document) {
  const head = `\n## ${document.name} (${document.node}, ${document.rounds} rounds${document.quick ? ', quick: correctness only' : ''})\n`
  const skipped = document.skipped === undefined ? '' : `\nskipped: ${document.skipped}\n`
  return head + skipped + document.groups.map(group).join('')
}

/** One line that says how many bars were held. */
export function verdict(documents) {
  const claims = documents
    .flatMap((d) => d.groups)
    .flatMap((g) => g.rows.flatMap((r) => (r.claims ?? []).map((c) => ({ ...c, of: `${g.title}: ${r.name}` }))))
  const barred = claims.filter((claim) => claim.bar !== undefined)
  const missed = barred.filter((claim) => !claim.pass)
  const lines = missed.map((claim) => `- missed: ${claim.of}: ${number(claim.ratio)}${against(claim)} (${sign(claim)} ${claim.bar})\n`)
  return `\n${barred.length - missed.length} of ${barred.length} bars held\n\n${lines.join('')}`
}

/** Columns as wide as their longest cell: a table is read as text, too. */
function group({ title, rows, note }) {
  const cells = [['', 'value', 'unit', 'range', 'ratio'], ...rows.flatMap(linesOf)]
  const wide = cells[0].map((_, at) => Math.max(3, ...cells.map((row) => row[at].length)))
  const lines = cells.map((row) => `| ${row.map((cell, at) => (at === 1 ? cell.padStart(wide[at]) : cell.padEnd(wide[at]))).join(' | ')} |`)
  lines.splice(1, 0, `| ${wide.map((width, at) => (at === 1 ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width))).join(' | ')} |`)
  return `\n**${title}**\n\n${lines.join('\n')}\n${note === undefined ? '' : `\n${note}\n`}`
}

/** A row, and one more for each further claim. */
function linesOf(row) {
  const [first = '', ...more] = (row.claims ?? []).map((claim) => `${number(claim.ratio)}${apart(claim)}${against(claim)}${bar(claim)}`)
  const range = row.range === undefined ? '' : row.range.map(number).join(' to ')
  return [[row.name, number(row.value), row.unit, range, first], ...more.map((claim) => ['', '', '', '', claim])]
}

/** How far the ratios of the rounds lie apart. */
function apart({ range }) {
  return range === undefined || range[0] === range[1] ? '' : ` [${range.map(number).join(' to ')}]`
}

function against(claim) {
  return claim.peer === undefined ? '' : ` of ${claim.peer}`
}

function bar(claim) {
  return claim.bar === undefined ? '' : `  (${sign(claim)} ${claim.bar}: ${claim.pass ? 'pass' : 'MISS'})`
}

function sign(claim) {
  return claim.most ? '<=' : '>='
}

function number(value) {
  if (!Number.isFinite(value)) return '-'
  if (value !== 0 && Math.abs(value) < 0.1) return value.toPrecision(2)
  return value < 1000 ? value.toFixed(value < 10 ? 2 : 1) : Math.round(value).toLocaleString('en-US').replaceAll(',', ' ')
}
