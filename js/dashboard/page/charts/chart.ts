// js/dashboard/page/charts: the numbers of the process over the last minutes. Knows nothing of single streams.
//
// One chart: lines of one unit over time, with the last value of each as text; while the pointer is over it, those of that moment.

import uPlot from 'uplot'
import { element, setText } from '../dom.js'

export interface Line {
  readonly title: string
  /** Its color: the name of a variable of the style. */
  readonly color: string
}

/** Points kept: a quarter of an hour. */
const KEPT = 900
const HEIGHT = 132

export class Chart {
  readonly element: HTMLElement
  readonly #lines: readonly Line[]
  readonly #said: (value: number) => string
  readonly #least: number
  readonly #values: readonly HTMLElement[]
  readonly #legend: readonly HTMLElement[]
  readonly #plot = element('div', 'plot')
  readonly #data: (number | null)[][]
  #chart: uPlot | undefined

  /** `least`: the smallest value at which the scale ends. */
  constructor(title: string, lines: readonly Line[], said: (value: number) => string, least: number) {
    this.#least = least
    this.#lines = lines
    this.#said = said
    this.#data = [[], ...lines.map(() => [])]
    this.#values = lines.map(() => element('strong', '', '-'))
    this.#legend = lines.map((line, index) => {
      const mark = element('i', `mark ${line.color}`)
      const entry = element('li', '', mark, `${line.title} `, this.#values[index] as HTMLElement)
      entry.hidden = true
      return entry
    })
    this.#plot.setAttribute('aria-hidden', 'true')
    this.element = element('section', 'card', element('h2', '', title), element('ul', 'legend', ...this.#legend), this.#plot)
    new ResizeObserver(() => this.#fit()).observe(this.#plot)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make())
  }

  /** `seconds`: Unix time. A value of `null` is a gap. */
  add(seconds: number, values: readonly (number | null)[]): void {
    for (const [index, column] of this.#data.entries()) {
      column.push(index === 0 ? seconds : (values[index - 1] ?? null))
      if (column.length > KEPT) column.shift()
    }
    this.element.hidden = false
    if (this.#chart === undefined) this.#make()
    else this.#chart.setData(this.#data as uPlot.AlignedData)
    if ((this.#chart?.cursor.idx ?? null) === null) this.#tell(this.#last)
  }

  get #last(): number {
    return (this.#data[0]?.length ?? 0) - 1
  }

  #tell(at: number): void {
    for (const [index, of] of this.#values.entries()) {
      const value = this.#data[index + 1]?.[at]
      const isKnown = typeof value === 'number'
      setText(of, isKnown ? this.#said(value) : '-')
      const entry = this.#legend[index] as HTMLElement
      // A line that never had a value, as that of a second thread where there is one.
      if (isKnown) entry.hidden = false
    }
  }

  #fit(): void {
    const width = this.#plot.clientWidth
    if (width > 0 && this.#chart !== undefined && this.#chart.width !== width) this.#chart.setSize({ width, height: HEIGHT })
  }

  #make(): void {
    const width = this.#plot.clientWidth
    if (width === 0) return
    this.#chart?.destroy()
    const style = getComputedStyle(document.documentElement)
    const color = (name: string) => style.getPropertyValue(`--${name}`).trim()
    const axis = { stroke: color('soft'), font: '11px system-ui, sans-serif', ticks: { show: false } }
    const grid = { stroke: color('line'), width: 1 }
    this.#chart = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        // Half of the label at the end of the time stands beyond that end.
        padding: [8, 28, 0, 0],
        cursor: { y: false, drag: { x: false, y: false }, sync: { key: 'velo' }, points: { size: 6 } },
        hooks: { setCursor: [({ cursor }) => this.#tell(cursor.idx ?? this.#last)] },
        scales: {
          // Asked of the data: of one point alone uPlot makes a day.
          x: { range: ({ data: [times] }) => minuteOrMore(times) },
          y: { range: (_, __, to) => [0, Math.max(this.#least, to * 1.1)] },
        },
        axes: [
          { ...axis, size: 24, space: 70, grid: { show: false }, values: (_, times) => times.map((at) => clockOf(at)) },
          { ...axis, size: 58, space: 34, grid, values: (_, values) => values.map((value) => this.#said(value)) },
        ],
        series: [{}, ...this.#lines.map((line) => ({ stroke: color(line.color), width: 1.75, points: { show: false } }))],
      },
      this.#data as uPlot.AlignedData,
      this.#plot,
    )
  }
}

/** From where to where the axis of the time goes. */
function minuteOrMore(times: ArrayLike<number>): [from: number, to: number] {
  const to = times[times.length - 1] ?? 0
  return [Math.min(times[0] ?? 0, to - 60), to]
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false })
}
