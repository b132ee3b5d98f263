// Checks of what the parser of the command line hands over: it turns a repeated option into an array, and digits into numbers.

import { UsageError } from './failure.js'

/** Options as the parser gives them. */
export type Parsed = Readonly<Record<string, unknown>>

const flagOf = (name: string) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** The options as they were written: the parser takes what looks like a number for one, and makes 2024.1 of a folder `2024.10`. */
export function asWritten(parsed: Parsed, argv: readonly string[]): Parsed {
  const written = ([name, value]: [string, unknown]): [string, unknown] => {
    const flag = flagOf(name)
    const at = typeof value === 'number' ? argv.findIndex((word) => word === flag || word.startsWith(`${flag}=`)) : -1
    return at < 0 ? [name, value] : [name, argv[at] === flag ? argv[at + 1] : argv[at]?.slice(flag.length + 1)]
  }
  return Object.fromEntries(Object.entries(parsed).map(written))
}

/** The value of an option that may be given once. */
function one(parsed: Parsed, name: string): unknown {
  const value = parsed[name]
  if (Array.isArray(value)) throw new UsageError(`${flagOf(name)} is given ${value.length} times`)
  return value
}

/** An integer between two bounds, `usual` where it was left out. */
export function integer(parsed: Parsed, name: string, least: number, most: number, usual: number): number
export function integer(parsed: Parsed, name: string, least: number, most: number, usual?: undefined): number | undefined
export function integer(parsed: Parsed, name: string, least: number, most: number, usual?: number): number | undefined {
  const value = one(parsed, name)
  if (value === undefined) return usual
  const number = typeof value === 'boolean' || value === '' ? Number.NaN : Number(value)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new UsageError(`${flagOf(name)}: expected an integer from ${least} to ${most}, got ${String(value)}`)
}

/** A text that is not empty. */
export function text(parsed: Parsed, name: string): string | undefined {
  const value = one(parsed, name)
  if (value === undefined) return undefined
  const said = String(value)
  if (said === '' || typeof value === 'boolean') throw new UsageError(`${flagOf(name)}: expected a value`)
  return said
}

/** Every value of an option that may be repeated. */
export function texts(parsed: Parsed, name: string): string[] {
  const value = parsed[name]
  return value === undefined ? [] : [value].flat().map(String)
}

/** A switch. */
export function flag(parsed: Parsed, name: string): boolean {
  const value = one(parsed, name)
  if (value === undefined || typeof value === 'boolean') return value === true
  throw new UsageError(`${flagOf(name)} takes no value`)
}

/** One of some words. */
export function word<const Word extends string>(parsed: Parsed, name: string, words: readonly Word[], usual: Word): Word {
  const value = text(parsed, name)
  if (value === undefined) return usual
  const found = words.find((candidate) => candidate === value)
  if (found === undefined) throw new UsageError(`${flagOf(name)}: expected ${words.join(' or ')}, got ${value}`)
  return found
}
