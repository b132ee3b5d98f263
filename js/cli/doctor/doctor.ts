// js/cli/doctor: `velo doctor`: what this machine is able to. Knows nothing of functions of the user.
//
// `velo doctor`: looks at the machine and says what is well, what is worth knowing, and what will not work.

import { Exit } from '../failure.js'
import { colored } from '../terminal.js'
import { type Finding, findings } from './findings.js'
import { journalFindings } from './journal.js'

const marks = { ok: ['green', 'ok  '], warn: ['yellow', 'warn'], fail: ['red', 'fail'] } as const

/** Prints the findings, with those of the journal in `folder` where one is given, and `more`; the exit code is 1 when one of them is `fail`. */
export async function doctor(json: boolean, folder: string | undefined, more: readonly Finding[]): Promise<number> {
  const found = [...(await findings()), ...(folder === undefined ? [] : await journalFindings(folder)), ...more]
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
