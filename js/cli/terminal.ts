// What people read: colors where a terminal shows them, and messages on stderr.

import { OutputError } from './failure.js'

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const

/** Whether `stream` shows colors: a terminal, unless NO_COLOR is set; FORCE_COLOR overrules both. */
export function hasColors(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean {
  const forced = env.FORCE_COLOR
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false'
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  return stream.isTTY === true && env.TERM !== 'dumb'
}

/** `text` in a color where `stream` shows colors. */
export function colored(stream: { isTTY?: boolean }, color: keyof typeof codes, text: string): string {
  if (!hasColors(stream)) return text
  const [on, off] = codes[color]
  return `\u001b[${on}m${text}\u001b[${off}m`
}

/** One message of the command on stderr. Part of it may come from an input or a client: it moves no cursor, and its further lines cannot pass for messages. */
export function say(message: string, color?: keyof typeof codes): void {
  const prefix = colored(process.stderr, color ?? 'bold', 'velo:')
  const shown = message.replace(/(?![\n\t])\p{Cc}/gu, escaped).replaceAll('\n', '\n  ')
  process.stderr.write(`${prefix} ${shown}\n`)
}

/** Writes to stdout; resolves when the system has it: false when nobody reads any more, as behind `head`. Rejects with `OutputError`. */
export function written(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error?: NodeJS.ErrnoException | null) => {
      if (error === undefined || error === null) return resolve(true)
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') return resolve(false)
      reject(new OutputError(`the results cannot be written: ${error.message}`))
    })
  })
}

/** Bytes that are written together. */
const TOGETHER = 65_536

/** Writes many texts to stdout, as fast as they are read, until nobody does. */
export async function writtenAll(texts: Iterable<string> | AsyncIterable<string>): Promise<void> {
  let waiting = ''
  for await (const text of texts) {
    waiting += text
    if (waiting.length < TOGETHER) continue
    if (!(await written(waiting))) return
    waiting = ''
  }
  if (waiting !== '') await written(waiting)
}

const escaped = (char: string): string => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
