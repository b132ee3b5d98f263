// `velo journal prune`: removes streams from a folder, after it has said which.

import { createInterface } from 'node:readline/promises'
import type { StreamLine } from '../../durable/index.js'
import { Exit, UsageError } from '../failure.js'
import { say, writtenAll } from '../terminal.js'
import { listed } from './journal.js'
import { inspected } from './open.js'
import { json, lineJson } from './shown.js'
import { named, streamsOf } from './which.js'

/** Which streams go: all that fit everything that is said. */
export interface PruneOptions {
  readonly name: string | undefined
  /** These. */
  readonly ids: readonly string[]
  /** Those that have ended, whose end is retained. */
  readonly ended: boolean
  /** Made longer ago than so many ms. */
  readonly olderThan: number | undefined
  /** Without asking. */
  readonly yes: boolean
  readonly json: boolean
}

/** Exit code 1 where it was not wanted after all. */
export async function prune(folder: string, options: PruneOptions): Promise<number> {
  const { ids, ended, olderThan, yes } = options
  if (ids.length === 0 && !ended && olderThan === undefined)
    throw new UsageError('which streams? --id <id>, --ended, --older-than <age>, or several of them')
  if (!yes && !process.stdin.isTTY) throw new UsageError('nobody can be asked here: --yes removes without asking')
  return inspected(folder, async (inspector) => {
    const going = chosen(await streamsOf(inspector, options.name), options)
    if (going.length > 0 && !yes && !(await isWanted(going))) {
      say('nothing was removed')
      return Exit.failed
    }
    await Promise.all(going.map((line) => inspector.discard({ function: line.function, id: line.id })))
    await writtenAll(options.json ? going.map((line) => `${json(lineJson(line))}\n`) : [`${count(going.length)} removed\n`])
    return Exit.ok
  })
}

function chosen(lines: readonly StreamLine[], { ids, ended, olderThan }: PruneOptions): StreamLine[] {
  const before = olderThan === undefined ? Number.POSITIVE_INFINITY : Date.now() - olderThan
  // One that is not there is a mistake.
  const meant = ids.length === 0 ? lines : [...new Set(ids)].map((id) => named(lines, id))
  return meant.filter(
    ({ over, at, damage }) => (!ended || over !== undefined) && (at <= before || (damage !== undefined && olderThan === undefined)),
  )
}

async function isWanted(going: readonly StreamLine[]): Promise<boolean> {
  await writtenAll([listed(going)])
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-D and Ctrl-C are no.
  const closed = new Promise<string>((resolve) => asking.once('close', () => resolve('')))
  const answer = await Promise.race([asking.question(`Remove ${count(going.length)}? [y/N] `), closed])
  asking.close()
  return /^\s*y(?:es)?\s*$/i.test(answer)
}

const count = (streams: number): string => `${streams} ${streams === 1 ? 'stream' : 'streams'}`

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** ms of `90s`, `15m`, `12h` or `7d`. */
export function age(text: string): number {
  const [, number, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  const ms = Number(number) * (UNITS[unit] ?? Number.NaN)
  if (Number.isSafeInteger(ms)) return ms
  throw new UsageError(`--older-than: expected a number with s, m, h or d behind it, as 12h, got ${text}`)
}
