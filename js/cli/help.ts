// The text of `--help`, out of the table of commands.

import type { Command } from './command.js'
import { COMMANDS } from './commands.js'

const HELP: Row = ['-h, --help', 'Display this message']
const CODES = '  0 done   1 the function failed   2 wrong usage or input   130 Ctrl-C   143 SIGTERM'

type Row = readonly [name: string, says: string]

/** A command as it is written: `run <function> [...inputs]`. */
export function signature(name: string, { args }: Command): string {
  return [name, ...args].join(' ')
}

/** The help of `velo`, of one of its commands, or of those that begin with the same word. */
export function help(title: string, name: string | undefined): string {
  const command = name === undefined ? undefined : COMMANDS.get(name)
  const group = [...COMMANDS.keys()].filter((one) => one.startsWith(`${name} `))
  const sections = name === undefined || command === undefined ? ofAll(group) : ofOne(name, command)
  return `${[title, ...sections, `Exit codes:\n${CODES}`].join('\n\n')}\n`
}

/** Of all commands, or of a group of them. */
function ofAll(group: readonly string[]): string[] {
  const listed = [...COMMANDS].filter(([name]) => group.length === 0 || group.includes(name))
  const commands = listed.map(([name, command]): Row => [signature(name, command), command.says])
  return [
    'Usage:\n  $ velo <command> [options]',
    `Commands:\n${table(commands)}`,
    `For more info, run any command with the \`--help\` flag:\n${listed.map(([name]) => `  $ velo ${name} --help`).join('\n')}`,
    `Options:\n${table([HELP, ['-v, --version', 'Display version number']])}`,
  ]
}

function ofOne(name: string, command: Command): string[] {
  const options = Object.entries(command.options).map(
    ([option, { value, says }]): Row => [value === undefined ? `--${option}` : `--${option} <${value}>`, says],
  )
  const examples = command.examples.map((example) => `  ${example}`).join('\n')
  return [
    `Usage:\n  $ velo ${command.usage ?? `${signature(name, command)} [options]`}`,
    `Options:\n${table([...options, HELP])}`,
    ...(examples === '' ? [] : [`Examples:\n${examples}`]),
  ]
}

function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, says]) => `  ${name.padEnd(width)}  ${says}`).join('\n')
}
