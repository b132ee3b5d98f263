// The words of a command line, read by the table of its command, and the checks of what was given. Values are texts until somebody asks for a number.

import { parseArgs } from 'node:util'
import type { OptionText } from './command.js'
import { UsageError } from './failure.js'

/** What was given for each option, by its name, as often as it was given: texts, or `true` for one that takes no value. */
export type Parsed = Readonly<Record<string, readonly (string | boolean)[] | undefined>>

/** Reads options and arguments. Throws `UsageError` for an option that the table does not know, that lacks its value, or that takes none. */
export function parsed(args: readonly string[], table: Readonly<Record<string, OptionText>>): { options: Parsed; args: string[] } {
  const known = Object.entries(table).map(([name, { value }]) => [
    name,
    { type: value === undefined ? 'boolean' : 'string', multiple: true },
  ])
  const options = Object.fromEntries(known) as Record<string, { type: 'boolean' | 'string'; multiple: true }>
  const { values, positionals, tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value, inlineValue } = token
    // Not options[name]: `--constructor` is no option.
    const type = Object.hasOwn(options, name) ? options[name]?.type : undefined
    if (type === undefined) throw new UsageError(`Unknown option \`${rawName}\``)
    if (type === 'boolean' && value !== undefined) throw new UsageError(`${rawName} takes no value`)
    // What begins with a dash is the next option, unless it is given as --name=-value.
    const isMissing = value === undefined || (!inlineValue && value.startsWith('-') && value !== '-')
    if (type === 'string' && isMissing) throw new UsageError(`option \`${rawName} <${table[name]?.value}>\` value is missing`)
  }
  return { options: values as unknown as Parsed, args: positionals }
}

/** The value of an option that may be given once. */
function one(parsed: Parsed, name: string): string | boolean | undefined {
  const values = parsed[name]
  if (values !== undefined && values.length > 1) throw new UsageError(`--${name} is given ${values.length} times`)
  return values?.[0]
}

/** An integer between two bounds, `usual` where it was left out. */
export function integer(parsed: Parsed, name: string, least: number, most: number, usual: number): number
export function integer(parsed: Parsed, name: string, least: number, most: number, usual?: undefined): number | undefined
export function integer(parsed: Parsed, name: string, least: number, most: number, usual?: number): number | undefined {
  const value = one(parsed, name)
  if (value === undefined) return usual
  const number = value === '' ? Number.NaN : Number(value)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new UsageError(`--${name}: expected an integer from ${least} to ${most}, got ${String(value)}`)
}

/** A text that is not empty. */
export function text(parsed: Parsed, name: string): string | undefined {
  const value = one(parsed, name)
  if (value === '') throw new UsageError(`--${name}: expected a value`)
  return value as string | undefined
}

/** Every value of an option that may be repeated. */
export function texts(parsed: Parsed, name: string): string[] {
  return (parsed[name] ?? []).map(String)
}

/** A switch. */
export function flag(parsed: Parsed, name: string): boolean {
  return one(parsed, name) === true
}

/** One of some words. */
export function word<const Word extends string>(parsed: Parsed, name: string, words: readonly Word[], usual: Word): Word {
  const value = text(parsed, name)
  if (value === undefined) return usual
  const found = words.find((candidate) => candidate === value)
  if (found === undefined) throw new UsageError(`--${name}: expected ${words.join(' or ')}, got ${value}`)
  return found
}
