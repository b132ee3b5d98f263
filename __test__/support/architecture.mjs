// Tables of ARCHITECTURE.md, so that what it prints is compared with what the program does.

import assert from 'node:assert/strict'
import { text } from './sources.mjs'

/** The rows of the first table after `heading` whose header is `columns`; each a list of its cells. */
export function printedTable(heading, columns) {
  const page = text('ARCHITECTURE.md')
  const from = page.indexOf(`\n${heading}\n`)
  assert.ok(from >= 0, `ARCHITECTURE has no ${heading}`)
  const lines = page.slice(from).split('\n')
  const head = lines.indexOf(`| ${columns.join(' | ')} |`)
  assert.ok(head >= 0, `${heading} has no table of ${columns.join(', ')}`)
  const rows = []
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith('|')) break
    const cells = line.slice(1, -1).split('|')
    assert.equal(cells.length, columns.length, line)
    rows.push(cells.map((cell) => cell.trim()))
  }
  assert.ok(rows.length > 0, `${heading}: the table is empty`)
  return rows
}

/** What a line `Heading \`A=0 B=1\`` of ARCHITECTURE prints, as an object. */
export function printedNumbers(name, group) {
  const said = new RegExp(`${name} \`(${Object.keys(group)[0]}=[^\`]*)\``).exec(text('ARCHITECTURE.md'))
  assert.ok(said !== null, `ARCHITECTURE prints no ${name} that begin with ${Object.keys(group)[0]}`)
  return Object.fromEntries(
    said[1]
      .split(' ')
      .map((pair) => pair.split('='))
      .map(([key, value]) => [key, Number(value)]),
  )
}

/** The names of a cell such as `Open, Ending`. */
export const names = (cell) => cell.split(', ').filter((name) => name !== '')
