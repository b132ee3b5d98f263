// Numbers, times and text of strangers as short as a column needs them.

import { plain } from '../journal/shown.js'

/** At most six characters: 99999, 123k, 12.3M. */
export function count(number: number): string {
  if (number < 100_000) return String(Math.round(number))
  const units = ['k', 'M', 'G', 'T']
  let [value, unit] = [number / 1000, 0]
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  return `${value >= 99.95 ? Math.round(value) : value.toFixed(1)}${units[unit]}`
}

/** At most six characters: 0.4s, 42s, 12m03s, 2h03m, 12d03h. */
export function span(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)}s`
  const [whole, two] = [Math.round(seconds), (value: number) => String(Math.floor(value)).padStart(2, '0')]
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two((whole % 3600) / 60)}m`
  const days = Math.floor(whole / 86_400)
  return days < 100 ? `${days}d${two((whole % 86_400) / 3600)}h` : `${days}d`
}

/** Microseconds: 12us, 1.2ms, 3.4s; nothing was timed: -. */
export function micros(us: number | null): string {
  if (us === null) return '-'
  if (us < 1000) return `${Math.round(us)}us`
  return us < 1e6 ? `${(us / 1000).toFixed(1)}ms` : span(us / 1000)
}

/** Local time of day. */
export function clock(ms: number): string {
  const time = new Date(ms)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** Characters that take two columns, as far as a table needs to know: East Asian ones, and pictures. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u
/** Characters that take none. */
const NONE = /[\p{Mn}\p{Me}]/u

function columnsOf(char: string): number {
  return NONE.test(char) ? 0 : WIDE.test(char) ? 2 : 1
}

/** Columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length
  let width = 0
  for (const char of text) width += columnsOf(char)
  return width
}

/** The start of a text that takes at most so many columns. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let [taken, used] = ['', 0]
  for (const char of text) {
    used += columnsOf(char)
    if (used > width) break
    taken += char
  }
  return taken
}

/** In exactly so many columns; what does not fit ends with a tilde. */
export function fitted(text: string, width: number, isNumber = false): string {
  const shown = widthOf(text) <= width ? text : `${cut(text, width - 1)}~`.slice(0, Math.max(0, width))
  const gap = ' '.repeat(Math.max(0, width - widthOf(shown)))
  return isNumber ? gap + shown : shown + gap
}

/** Text of strangers: it moves no cursor, and what of it cannot be written at all is a question mark. */
export function safe(text: string): string {
  return plain(text.replace(/\p{Cs}/gu, '\ufffd'))
}
