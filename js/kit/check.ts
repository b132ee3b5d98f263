// Checks of what add-ons are given, at definition time: the message names the field, what was expected, and the value. No entry point of the package: the
// add-ons are made of it.

import { inspect } from 'node:util'
import { VeloError } from '../index.js'

/** The longest time that a timer of Node.js can wait, ms: about 24 days. Beyond it, it waits 1 ms. */
export const LONGEST = 2_147_483_647

/** The error for an option that is missing or out of range. */
export function configError(field: string, expected: string, value: unknown): VeloError {
  const shown = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 80 })
  return new VeloError('VELO_CONFIG', `${field}: expected ${expected}, got ${shown} (${value === null ? 'null' : typeof value})`, { field })
}

/** Checks that `options` is an object with no other names than these. */
export function onlyKnown(options: unknown, field: string, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw configError(field, 'an object', options)
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) throw configError(`${field}.${name}`, `one of ${names.join(', ')}`, value)
  }
}

/** An integer from `least` up, or `usual` where it was left out. */
export function integer(value: number | undefined, field: string, least: number, usual: number): number {
  if (value === undefined) return usual
  if (!Number.isSafeInteger(value) || value < least) throw configError(field, `an integer from ${least} up`, value)
  return value
}

/** ms from `least` to what a timer can wait, or `usual` where they were left out; with `NaN` as `usual` they must be given. */
export function duration(value: number | undefined, field: string, least: number, usual: number): number {
  if (value === undefined && !Number.isNaN(usual)) return usual
  if (typeof value !== 'number' || !(value >= least && value <= LONGEST)) throw configError(field, `ms from ${least} to ${LONGEST}`, value)
  return value
}

/** A function. */
export function callable(value: unknown, field: string): void {
  if (typeof value !== 'function') throw configError(field, 'a function', value)
}

/** One of some words, or the first of them where it was left out. */
export function word<const Word extends string>(value: Word | undefined, field: string, words: readonly [Word, ...Word[]]): Word {
  if (value === undefined) return words[0]
  if (!words.includes(value)) throw configError(field, words.map((one) => `'${one}'`).join(' or '), value)
  return value
}

/** A boolean, or `usual` where it was left out. */
export function flag(value: boolean | undefined, field: string, usual: boolean): boolean {
  if (value === undefined) return usual
  if (typeof value !== 'boolean') throw configError(field, 'a boolean', value)
  return value
}
