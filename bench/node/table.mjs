// Turns the document of a bench into lines of text. Owns: the look. Not here: any figure.

/** The whole table of one bench. */
export function table(document) {
  const head = `\n${document.name} (${document.node}, ${document.rounds} rounds${document.quick ? ', quick: correctness only' : ''})\n`
  const skipped = document.skipped === undefined ? '' : `  skipped: ${document.skipped}\n`
  return head + skipped + document.groups.map(group).join('')
}

/** One line that says how many bars were held. */
export function verdict(documents) {
  const claims = documents
    .flatMap((d) => d.groups)
    .flatMap((g) => g.rows.flatMap((r) => (r.claims ?? []).map((c) => ({ ...c, of: `${g.title}: ${r.name}` }))))
  const barred = claims.filter((claim) => claim.bar !== undefined)
  const missed = barred.filter((claim) => !claim.pass)
  const lines = missed.map((claim) => `  missed  ${claim.of}  ${number(claim.ratio)}${against(claim)} (${sign(claim)} ${claim.bar})\n`)
  return `\n${barred.length - missed.length} of ${barred.length} bars held\n${lines.join('')}`
}

function group({ title, rows, note }) {
  const wide = Math.max(...rows.map((row) => row.name.length), 24)
  return `\n  ${title}\n${rows.map((row) => line(row, wide)).join('')}${note === undefined ? '' : `    ${note}\n`}`
}

function line(row, wide) {
  const range = row.range === undefined ? '' : `[${row.range.map(number).join(' to ')}] `
  const start = `    ${row.name.padEnd(wide)} ${number(row.value).padStart(12)} ${row.unit.padEnd(9)}${range}`
  const claims = (row.claims ?? []).map((claim) => `${number(claim.ratio).padStart(6)}${against(claim)}${bar(claim)}`)
  const indent = ' '.repeat(start.length)
  return `${start}${claims.join(`\n${indent}`)}\n`
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
