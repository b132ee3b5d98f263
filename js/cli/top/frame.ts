// Lines with styles, and what they are on a terminal or as text.

import type { Style } from './columns.js'
import { cut, fitted, widthOf } from './units.js'

/** A part of a line. */
export interface Span {
  readonly text: string
  readonly style?: Style | undefined
}

export type Line = readonly Span[]

const CODES: Readonly<Record<Style, readonly [on: number, off: number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  inverse: [7, 27],
}

/** A text without a style, or with one. */
export function span(text: string, style?: Style): Span {
  return { text, style }
}

/** A line of exactly so many columns: the left part is cut where it meets the right one. */
export function line(width: number, left: Line, right: Line = []): Line {
  const used = Math.min(
    width,
    right.reduce((sum, { text }) => sum + widthOf(text), 0),
  )
  const room = width - used - (used > 0 ? 1 : 0)
  const taken: Span[] = []
  let free = Math.max(0, room)
  for (const { text, style } of left) {
    const shown = widthOf(text) <= free ? text : fitted(text, free)
    taken.push({ text: shown, style })
    free -= widthOf(shown)
    if (free <= 0) break
  }
  if (used === 0) return taken
  return [...taken, span(' '.repeat(free + (room >= 0 ? 1 : 0))), ...right.map(({ text, style }) => ({ text: cut(text, width), style }))]
}

/** As it is written on a terminal. */
export function shown(parts: Line, hasColors: boolean): string {
  const ansi = (code: number) => `\u001b[${code}m`
  return parts.map(({ text, style }) => (hasColors && style ? `${ansi(CODES[style][0])}${text}${ansi(CODES[style][1])}` : text)).join('')
}
