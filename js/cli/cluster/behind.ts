// `velo cluster behind`: sessions whose functions have events that they have not finished, the longest stalled first.

import type { BehindSession } from '../../redis/index.js'
import { Exit } from '../failure.js'
import { json, plain } from '../journal/shown.js'
import { type Column, table } from '../journal/table.js'
import { writtenAll } from '../terminal.js'
import { looked, type Where } from './looking.js'
import { sessionJson } from './ls.js'

const COLUMNS: readonly Column[] = [
  { name: 'ID' },
  { name: 'FUNCTION' },
  { name: 'WORKER' },
  { name: 'UNFINISHED', isNumber: true },
  { name: 'STALLED', isNumber: true },
  { name: 'TAKEOVERS', isNumber: true },
]

/** Those that have finished no event for `stuckFor` ms. */
export async function behind(where: Where, name: string | undefined, stuckFor: number, asJson: boolean): Promise<number> {
  const all = await looked(where, (admin) => admin.behind({ stuckFor }))
  const found = all.filter((one) => name === undefined || one.function === name)
  if (asJson) await writtenAll(found.map((one) => `${json(sessionJson(one))}\n`))
  else if (found.length === 0) await writtenAll(['no session is behind\n'])
  else await writtenAll([table(COLUMNS, found.map(row), process.stdout.isTTY ? process.stdout.columns : undefined)])
  return Exit.ok
}

function row({ id, function: name, worker, unfinished, stalledFor, takeovers }: BehindSession): string[] {
  return [plain(id), plain(name), plain(worker ?? 'none'), String(unfinished), `${Math.round(stalledFor / 1000)} s`, String(takeovers)]
}
