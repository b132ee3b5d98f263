// Draws bars and lines on a logarithmic scale as SVG that is readable on a light page and on a dark one. Owns: the look. Not here: any figure.

const WIDTH = 860
const STYLE = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e } .title { font-size: 16px; font-weight: 600 }
.page { fill: #ffffff } .grid { stroke: #d1d9e0 } .range { stroke: #1f2328; stroke-width: 1.5 }
.c0 { fill: #0969da; stroke: #0969da } .c1 { fill: #bc4c00; stroke: #bc4c00 } .c2 { fill: #1a7f37; stroke: #1a7f37 } .c3 { fill: #8250df; stroke: #8250df }
.c4 { fill: #bf3989; stroke: #bf3989 } .c5 { fill: #9a6700; stroke: #9a6700 } .c6 { fill: #59636e; stroke: #59636e } .c7 { fill: #0a7f8c; stroke: #0a7f8c }
polyline { fill: none !important; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .small { fill: #9198a1 } .page { fill: #0d1117 } .grid { stroke: #3d444d } .range { stroke: #e6edf3 }
.c0 { fill: #58a6ff; stroke: #58a6ff } .c1 { fill: #f0883e; stroke: #f0883e } .c2 { fill: #3fb950; stroke: #3fb950 } .c3 { fill: #be8fff; stroke: #be8fff }
.c4 { fill: #f778ba; stroke: #f778ba } .c5 { fill: #d29922; stroke: #d29922 } .c6 { fill: #9198a1; stroke: #9198a1 } .c7 { fill: #39c5cf; stroke: #39c5cf }
}
</style>`

const safe = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const fixed = (number) => Number(number.toFixed(1))
const text = (x, y, words, { anchor = 'start', kind } = {}) =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}"${kind === undefined ? '' : ` class="${kind}"`}>${safe(words)}</text>`

/** A number as people write it: three digits, thousands as K and M. */
export function short(value) {
  if (value === 0) return '0'
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`
  if (Math.abs(value) >= 1e4) return `${Number((value / 1e3).toPrecision(3))} K`
  return String(Number(value.toPrecision(3)))
}

/** Powers of ten from below the least to above the most, and where each value lies between `from` and `to` on the page. */
function logScale(values, from, to) {
  const some = values.filter((value) => value > 0)
  const [low, high] = [Math.floor(Math.log10(Math.min(...some))), Math.ceil(Math.log10(Math.max(...some)))]
  const decades = Math.max(high - low, 1)
  const place = (value) => from + ((Math.log10(Math.max(value, 10 ** low)) - low) / decades) * (to - from)
  return { place, ticks: Array.from({ length: decades + 1 }, (_, at) => 10 ** (low + at)) }
}

/** The whole picture: `made` is the command and the machine, in small letters below. */
function picture(title, height, parts, made) {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`
  const lines = [`<title>${safe(title)}</title>`, STYLE, `<rect class="page" width="${WIDTH}" height="${height}" rx="6"/>`]
  return `${[head, ...lines, text(16, 26, title[0].toUpperCase() + title.slice(1), { kind: 'title' }), ...parts, text(16, height - 10, made, { kind: 'small' })].join('\n')}\n</svg>\n`
}

function legend(names, y) {
  let x = 16
  return names.flatMap((name, at) => {
    const parts = [`<rect class="c${at % 8}" x="${x}" y="${y - 10}" width="11" height="11" rx="2"/>`, text(x + 16, y, name)]
    x += 40 + name.length * 7
    return parts
  })
}

/** A bar for each row and series: `rows` are `{ name, bars: [{ value, range }] }`, a bar for each name of `series`. */
export function bars({ title, unit, series, rows, made }) {
  const [left, right, top] = [290, WIDTH - 96, 70]
  const [thick, gap] = [14, 12]
  const step = series.length * (thick + 2) + gap
  const values = rows.flatMap((row) => row.bars.flatMap((bar) => (bar === undefined ? [] : [bar.value, ...(bar.range ?? [])])))
  const { place, ticks } = logScale(values, left, right)
  const bottom = top + rows.length * step
  const grid = ticks.flatMap((tick) => [
    `<line class="grid" x1="${fixed(place(tick))}" x2="${fixed(place(tick))}" y1="${top - 6}" y2="${bottom}"/>`,
    text(place(tick), bottom + 16, short(tick), { anchor: 'middle', kind: 'small' }),
  ])
  const one = ({ value, range }, y, at) => {
    const [low, high] = range ?? [value, value]
    const end = Math.max(place(high), place(value))
    return [
      `<rect class="c${at % 8}" x="${left}" y="${fixed(y)}" width="${fixed(Math.max(place(value) - left, 1))}" height="${thick}" rx="2"/>`,
      ...(high > low
        ? [
            `<line class="range" x1="${fixed(place(low))}" x2="${fixed(place(high))}" y1="${fixed(y + thick / 2)}" y2="${fixed(y + thick / 2)}"/>`,
          ]
        : []),
      text(end + 6, y + thick - 3, short(value), { kind: 'small' }),
    ]
  }
  const drawn = rows.flatMap((row, index) => {
    const y = top + index * step
    const middle = y + (series.length * (thick + 2)) / 2 + 3
    return [
      text(left - 10, middle, row.name, { anchor: 'end' }),
      ...row.bars.flatMap((bar, at) => (bar === undefined ? [] : one(bar, y + at * (thick + 2), at))),
    ]
  })
  return picture(
    title,
    bottom + 62,
    [...legend(series, 52), ...grid, ...drawn, text(right, bottom + 32, unit, { anchor: 'end', kind: 'small' })],
    made,
  )
}

/** More lines than colors: the next ones are dashed, and the next ones dotted. */
const dashed = (at) => (at < 8 ? '' : ` stroke-dasharray="${at < 16 ? '5 4' : '1 4'}"`)

/** A line for each of `series`: `{ name, points: [[x, y], ...] }`. Both scales are logarithmic. */
export function lines({ title, xTitle, yTitle, series, made }) {
  const columns = 3
  const [left, right, top] = [72, WIDTH - 30, 62 + Math.ceil(series.length / columns) * 18]
  const bottom = top + 300
  const x = logScale(
    series.flatMap(({ points }) => points.map(([at]) => at)),
    left,
    right,
  )
  const y = logScale(
    series.flatMap(({ points }) => points.map(([, value]) => value)),
    bottom,
    top,
  )
  const names = series.flatMap(({ name }, at) => {
    const [column, row] = [at % columns, Math.floor(at / columns)]
    const from = 16 + column * 280
    return [
      `<polyline class="c${at % 8}"${dashed(at)} points="${from},${48 + row * 18} ${from + 24},${48 + row * 18}"/>`,
      text(from + 30, 52 + row * 18, name),
    ]
  })
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))]
  const grid = [
    ...y.ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${right}" y1="${fixed(y.place(tick))}" y2="${fixed(y.place(tick))}"/>`,
      text(left - 8, y.place(tick) + 4, short(tick), { anchor: 'end', kind: 'small' }),
    ]),
    ...xs.map((at) => text(x.place(at), bottom + 16, at < 10_000 ? String(at) : short(at), { anchor: 'middle', kind: 'small' })),
  ]
  const drawn = series.flatMap(({ points }, at) => {
    const places = points.map(([from, value]) => `${fixed(x.place(from))},${fixed(y.place(value))}`)
    const dots = places.map((place) => place.split(',')).map(([cx, cy]) => `<circle class="c${at % 8}" cx="${cx}" cy="${cy}" r="3.5"/>`)
    return [`<polyline class="c${at % 8}"${dashed(at)} points="${places.join(' ')}"/>`, ...dots]
  })
  const titles = [text(right, bottom + 34, xTitle, { anchor: 'end', kind: 'small' }), text(left, top - 8, yTitle, { kind: 'small' })]
  return picture(title, bottom + 66, [...names, ...grid, ...titles, ...drawn], made)
}
