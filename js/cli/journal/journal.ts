// `velo journal ls`, `verify` and `export`: what each prints, and its exit code.

import type { StreamLine } from '../../durable/index.js'
import { Exit } from '../failure.js'
import { writtenAll } from '../terminal.js'
import { inspected } from './open.js'
import { json, lineJson, plain, size, wayBack } from './shown.js'
import { type Column, table } from './table.js'
import { streamsOf } from './which.js'

const COLUMNS: readonly Column[] = [
  { name: 'ID' },
  { name: 'FUNCTION' },
  { name: 'EVENTS', isNumber: true },
  { name: 'RESULTS', isNumber: true },
  { name: 'SIZE', isNumber: true },
  { name: 'BACK BY' },
  { name: 'MADE' },
]

/** Streams as a table, or a line of JSON each; `name`: of this function only. */
export async function ls(folder: string, name: string | undefined, asJson: boolean): Promise<number> {
  const lines = await inspected(folder, (inspector) => streamsOf(inspector, name))
  if (asJson) await writtenAll(lines.map((line) => `${json(lineJson(line))}\n`))
  else await writtenAll([lines.length === 0 ? 'no streams\n' : listed(lines)])
  return Exit.ok
}

/** A table as wide as the terminal, where there is one. */
export function listed(lines: readonly StreamLine[]): string {
  return table(COLUMNS, lines.map(row), process.stdout.isTTY ? process.stdout.columns : undefined)
}

function row(line: StreamLine): string[] {
  const { id, function: name, events, results, bytes, at, damage } = line
  const back = wayBack(line)
  if (damage !== undefined) return [plain(id), plain(name), '', '', '', back, '']
  return [plain(id), plain(name), String(events), String(results), size(bytes), back, minutes(at)]
}

/** Local time without seconds. */
function minutes(ms: number): string {
  const time = new Date(ms)
  if (Number.isNaN(time.getTime())) return ''
  const two = (n: number) => String(n).padStart(2, '0')
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ${two(time.getHours())}:${two(time.getMinutes())}`
}

/** What is damaged, a line each; exit code 1 where anything is. */
export async function verify(folder: string, asJson: boolean): Promise<number> {
  const { damage, streams } = await inspected(folder, async (inspector) => ({
    damage: await inspector.verify(),
    streams: (await inspector.list()).length,
  }))
  const isWell = damage.length === 0
  const found = isWell ? 'nothing is damaged' : `${damage.length} damaged ${damage.length === 1 ? 'record' : 'records'}`
  const said = damage.map((text) => `${plain(text)}\n`)
  if (asJson) await writtenAll([`${json({ ok: isWell, streams, damage })}\n`])
  else await writtenAll([...said, `${streams} ${streams === 1 ? 'stream' : 'streams'}, ${found}\n`])
  return isWell ? Exit.ok : Exit.failed
}

/** Everything as NDJSON, bytes as values unless they are wanted as they are; exit code 1 where something cannot be read, which stands in its place. */
export async function exported(folder: string, isRaw: boolean): Promise<number> {
  let isWhole = true
  await inspected(folder, async (inspector, read) => {
    async function* lines(): AsyncGenerator<string> {
      for await (const line of isRaw ? inspector.export() : inspector.export(read)) {
        if (line.kind === 'damage') isWhole = false
        yield `${json(line)}\n`
      }
    }
    await writtenAll(lines())
  })
  return isWhole ? Exit.ok : Exit.failed
}
