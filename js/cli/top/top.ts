// `velo top`: live on a terminal, elsewhere one table.

import type { SortKey } from '../../kit/sight/arrange.js'
import { Exit } from '../failure.js'
import { json } from '../journal/shown.js'
import { table } from '../journal/table.js'
import { writtenAll } from '../terminal.js'
import type { TopClient } from './client.js'
import { ALL } from './columns.js'
import { Live, MOST } from './live.js'
import { beginning } from './state.js'
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

/** One table, or one line of JSON. */
async function once(client: TopClient, { sort, search, json: asJson }: TopOptions): Promise<number> {
  const list = await client.list({ sort, limit: MOST, ...(search === undefined ? {} : { search }) })
  if (asJson) await writtenAll([`${json({ overview: await client.overview(), ...list })}\n`])
  else await writtenAll([list.streams.length === 0 ? 'no streams\n' : listed(list.streams)])
  return Exit.ok
}

function listed(streams: readonly Parameters<(typeof ALL)[number]['of']>[0][]): string {
  const rows = streams.map((stream) => ALL.map(({ of }) => of(stream)))
  return table(ALL, rows, process.stdout.isTTY ? process.stdout.columns : undefined)
}
