// `velo top`: live on a terminal, elsewhere one table.

import type { SortKey } from '../../kit/sight/arrange.js'
import type { Overview } from '../../telemetry/index.js'
import { Exit } from '../failure.js'
import { json } from '../journal/shown.js'
import { type Column, table } from '../journal/table.js'
import { writtenAll } from '../terminal.js'
import type { TopClient } from './client.js'
import { CLUSTERS } from './clusters.js'
import { ALL } from './columns.js'
import { Live, MOST } from './live.js'
import { beginning } from './state.js'
import { micros } from './units.js'
import { clientOf, type Target } from './which.js'

export interface TopOptions extends Target {
  readonly sort: SortKey
  readonly search: string | undefined
  /** ms between two looks. */
  readonly interval: number
  readonly json: boolean
}

export async function top(options: TopOptions): Promise<number> {
  const client = await clientOf(options)
  try {
    const isLive = !options.json && process.stdin.isTTY && process.stdout.isTTY && process.env.TERM !== 'dumb'
    if (!isLive) return await once(client, options)
    // What cannot be asked at all is said before the screen is taken.
    await client.overview()
    return await new Live(client, beginning(client.source, options.sort, options.search ?? ''), options.interval).run()
  } finally {
    client.close()
  }
}

/** One table and what there is to say of the whole process, or one line of JSON. */
async function once(client: TopClient, { sort, search, json: asJson }: TopOptions): Promise<number> {
  const list = await client.list({ sort, limit: MOST, ...(search === undefined ? {} : { search }) })
  const overview = await client.overview()
  if (asJson) await writtenAll([`${json({ overview, ...list })}\n`])
  else await writtenAll([list.streams.length === 0 ? 'no streams\n' : listed(ALL, list.streams), ...whole(overview)])
  return Exit.ok
}

/** Behind an empty line: latencies where something was timed, clusters where it is a part of one. */
function whole({ clusters, totals: { latency } }: Overview): string[] {
  const { p50, p95, p99 } = latency
  return [
    ...(p50 === null ? [] : [`\nlatency since the start: p50 ${micros(p50)}  p95 ${micros(p95)}  p99 ${micros(p99)}\n`]),
    ...(clusters.length === 0 ? [] : [`\n${listed(CLUSTERS, clusters)}`]),
  ]
}

function listed<Of>(columns: readonly (Column & { readonly of: (one: Of) => string })[], all: readonly Of[]): string {
  const rows = all.map((one) => columns.map(({ of }) => of(one)))
  return table(columns, rows, process.stdout.isTTY ? process.stdout.columns : undefined)
}
