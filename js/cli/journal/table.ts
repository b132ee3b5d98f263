// Rows for people: columns where they fit, else a block of lines a row.

/** A column; numbers stand on the right. */
export interface Column {
  readonly name: string
  readonly isNumber?: boolean
}

const GAP = '  '

/** Lines of a table no wider than `width`; `undefined`: as wide as it is. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number | undefined): string {
  const widths = columns.map(({ name }, at) => rows.reduce((most, row) => Math.max(most, cell(row, at).length), name.length))
  const full = widths.reduce((sum, one) => sum + one, GAP.length * (columns.length - 1))
  if (width !== undefined && full > width) return rows.map((row) => block(columns, row)).join('\n')
  const line = (cells: readonly string[]) =>
    columns
      .map(({ isNumber }, at) =>
        isNumber === true ? cell(cells, at).padStart(widths[at] as number) : cell(cells, at).padEnd(widths[at] as number),
      )
      .join(GAP)
      .trimEnd()
  return [columns.map(({ name }) => name), ...rows].map((cells) => `${line(cells)}\n`).join('')
}

/** The first cell, then the others, each on a line of its own. */
function block(columns: readonly Column[], row: readonly string[]): string {
  const [head = '', ...others] = row
  const names = columns.slice(1)
  const wide = Math.max(...names.map(({ name }) => name.length))
  const lines = others.map((text, at) => (text === '' ? '' : `  ${(names[at] as Column).name.padEnd(wide)}  ${text}\n`))
  return `${head}\n${lines.join('')}`
}

const cell = (row: readonly string[], at: number): string => row[at] ?? ''
