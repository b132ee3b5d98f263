// js/cli/doctor: `velo doctor`: what this machine is able to. Knows nothing of functions of the user.
//
// `velo doctor`: looks at the machine and says what is well, what is worth knowing, and what will not work.

import { Exit } from '../failure.js'
import { colored } from '../terminal.js'
import { type Finding, findings } from './findings.js'
import { journalFindings } from './journal.js'
import { type KafkaAsked, kafkaFindings } from './kafka.js'
import { natsFindings } from './nats.js'

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'fail'] } as const

/** What to look at beside the machine. */
export interface Asked {
  /** The folder of a journal. */
  readonly folder: string | undefined
  /** The URL of a server of NATS. */
  readonly nats: string | undefined
  readonly kafka: KafkaAsked | undefined
}

/** Prints the findings of the machine and of what is asked for, and `more`; the exit code is 1 when one of them is `fail`. */
export async function doctor(json: boolean, { folder, nats, kafka }: Asked, more: readonly Finding[]): Promise<number> {
  const found = [...(await findings())]
  if (folder !== undefined) found.push(...(await journalFindings(folder)))
  if (nats !== undefined) found.push(...(await natsFindings(nats)))
  if (kafka !== undefined) found.push(...(await kafkaFindings(kafka)))
  found.push(...more)
  const fails = found.some(({ level }) => level === 'fail')
  process.stdout.write(json ? `${JSON.stringify({ ok: !fails, findings: found }, undefined, 2)}\n` : found.map(line).join(''))
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()))
  return fails ? Exit.failed : Exit.ok
}

function line({ level, name, says, hint }: Finding): string {
  const [color, mark] = marks[level]
  const more = hint === undefined ? '' : `\n      ${' '.repeat(14)}${colored(process.stdout, 'dim', hint)}`
  return `${colored(process.stdout, color, mark)}  ${name.padEnd(14)}${says}${more}\n`
}
