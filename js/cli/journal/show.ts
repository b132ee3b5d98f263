// `velo journal show`: everything of one stream but its events, of which there may be many.

import { inspect } from 'node:util'
import type { ExportPart, ShownStream, StreamLine } from '../../durable/index.js'
import { Exit } from '../failure.js'
import { colored, writtenAll } from '../terminal.js'
import { inspected, type Reader } from './open.js'
import { date, json, lineJson, plain, size, wayBack } from './shown.js'
import { named, streamsOf } from './which.js'

/** Prints one stream; `name` is its function, where several have one of this id. */
export async function show(folder: string, id: string, name: string | undefined, asJson: boolean): Promise<number> {
  const { line, facts } = await inspected(folder, async (inspector, read) => {
    const line = named(await streamsOf(inspector, name), id)
    return { line, facts: factsOf(await inspector.show({ function: line.function, id }), read) }
  })
  await writtenAll(asJson ? [`${json({ ...lineJson(line), ...facts })}\n`] : [head(line), details(facts)])
  return Exit.ok
}

interface Facts {
  readonly state?: { readonly version: number; readonly events: number; readonly results: number; readonly value: unknown }
  readonly outcomes: readonly unknown[]
  readonly outputs: readonly unknown[]
  readonly end?: unknown
}

function factsOf({ state, outcomes, outputs, over }: ShownStream, read: Reader): Facts {
  const readable = (bytes: Uint8Array, part: ExportPart): unknown => {
    try {
      return read(bytes, part)
    } catch {
      return bytes
    }
  }
  return {
    ...(state !== undefined && { state: { ...counts(state), value: stateOf(readable(state.bytes, 'state')) } }),
    outcomes: outcomes.map(({ bytes }) => readable(bytes, 'outcome')),
    outputs: outputs.values.map((bytes) => readable(bytes, 'output')),
    ...(over !== undefined && { end: readable(over, 'over') }),
  }
}

const counts = ({ version, events, results }: NonNullable<ShownStream['state']>) => ({ version, events, results })

/** What `ctx.state` was. */
const stateOf = (saved: unknown): unknown => (saved as { state?: unknown } | undefined)?.state

function head(line: StreamLine): string {
  const { id, function: name, at, first, events, results, bytes, over } = line
  const kept = events === first ? 'none of them kept' : `kept from ${first} on`
  const rows: [string, string][] = [
    ['function', plain(name)],
    ['made', date(at)],
    ['events', `${events}, ${kept}`],
    ['results', `${results} delivered`],
    ['size', size(bytes)],
    ['back by', wayBack(line)],
  ]
  if (over !== undefined) rows.push(['goes', date(over)])
  return [colored(process.stdout, 'bold', plain(id)), ...rows.map(([what, says]) => `  ${what.padEnd(10)}${says}`)]
    .map((text) => `${text}\n`)
    .join('')
}

function details({ state, outcomes, outputs, end }: Facts): string {
  const parts: string[] = []
  if (state !== undefined)
    parts.push(`state of version ${state.version}, behind ${state.events} events and ${state.results} results:`, ...value(state.value))
  if (outcomes.length > 0) parts.push(`${outcomes.length} outcomes of ctx.run:`, ...outcomes.flatMap(value))
  if (outputs.length > 0) parts.push(`${outputs.length} results that were not delivered:`, ...outputs.flatMap(value))
  if (end !== undefined) parts.push('end:', ...value(end))
  return parts.map((text) => `  ${text}\n`).join('')
}

/** Indented, with nothing in it that a terminal obeys. */
function value(it: unknown): string[] {
  const { isTTY, columns } = process.stdout
  const text = inspect(it, { depth: 6, breakLength: Math.max(40, (isTTY ? columns : 100) - 4), maxStringLength: 1000 })
  return text.split('\n').map((line) => `  ${plain(line)}`)
}
