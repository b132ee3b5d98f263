// `velo cluster pause`, `resume` and `undrain`: each says what it did; workers follow with their next beat.

import { Exit } from '../failure.js'
import { json, plain } from '../journal/shown.js'
import { say, writtenAll } from '../terminal.js'
import { looked, type Where } from './looking.js'

/** Sessions of a function, or of all, get no more events. */
export async function pause(where: Where, name: string | undefined, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    await admin.pause(name)
    return answered(asJson, { paused: name ?? null }, `${of(name)} are paused: \`velo cluster resume\` goes on`)
  })
}

export async function resume(where: Where, name: string | undefined, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    await admin.resume(name)
    const { all, functions } = await admin.paused()
    const rest = all
      ? 'all are'
      : functions.length === 0
        ? 'none is'
        : `${functions.map(plain).join(', ')} ${functions.length === 1 ? 'is' : 'are'}`
    return answered(asJson, { resumed: name ?? null, paused: { all, functions } }, `${of(name)} go on; ${rest} still paused`)
  })
}

/** A worker that was drained takes sessions again. */
export async function undrain(where: Where, worker: string, asJson: boolean): Promise<number> {
  return looked(where, async (admin) => {
    await admin.undrain(worker)
    return answered(asJson, { worker }, `${plain(worker)} takes sessions again`)
  })
}

const of = (name: string | undefined): string => (name === undefined ? 'all sessions' : `sessions of ${plain(name)}`)

/** Says in one line, or one line of JSON, what was done. */
export async function answered(asJson: boolean, facts: object, words: string): Promise<number> {
  if (asJson) await writtenAll([`${json({ ok: true, ...facts })}\n`])
  else say(words, 'dim')
  return Exit.ok
}
