// `velo cluster show`: one session.

import type { ClusterSession } from '../../redis/index.js'
import { Exit } from '../failure.js'
import { date, json, plain, size } from '../journal/shown.js'
import { colored, writtenAll } from '../terminal.js'
import { looked, sessionOf, type Where } from './looking.js'
import { sessionJson } from './ls.js'

/** Prints one session; `name` is its function, where several have one of this id, or it is over. */
export async function show(where: Where, id: string, name: string | undefined, asJson: boolean): Promise<number> {
  const session = await looked(where, (admin) => sessionOf(admin, id, name))
  await writtenAll([asJson ? `${json(sessionJson(session))}\n` : sessionText(session)])
  return Exit.ok
}

/** A session in lines. */
export function sessionText({
  id,
  function: name,
  at,
  worker,
  events,
  waiting,
  results,
  unread,
  takeovers,
  ended,
  stateBytes,
  ttl,
  end,
}: ClusterSession): string {
  const rows: [string, string][] = [
    ['function', plain(name)],
    ['opened', date(at)],
    ['worker', plain(worker ?? 'none')],
    ['events', `${events}, of which ${waiting} wait for the host${ended ? '; the last one is the end of the input' : ''}`],
    ['results', `${results}, of which ${unread} wait for readers`],
    ['state', stateBytes === 0 ? 'none' : size(stateBytes)],
    ['takeovers', `${takeovers} in which its process died while it executed an event`],
    ['forgotten', `in ${Math.max(0, Math.round(ttl / 1000))} s, if nothing happens`],
  ]
  if (end !== undefined) rows.push(['over', end.error === undefined ? end.reason : `${end.reason}: ${plain(String(end.error))}`])
  return [colored(process.stdout, 'bold', plain(id)), ...rows.map(([what, says]) => `  ${what.padEnd(10)} ${says}`)]
    .map((text) => `${text}\n`)
    .join('')
}
