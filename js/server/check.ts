// Checks of options at definition time: the message names the field, what was expected, and the value.

import { inspect } from 'node:util'
import { VeloError } from '../index.js'

/** The error for an option that is missing or out of range. */
export function configError(field: string, expected: string, value: unknown): VeloError {
  const shown = inspect(value, { depth: 0, breakLength: Infinity, maxStringLength: 80 })
  return new VeloError('VELO_CONFIG', `${field}: expected ${expected}, got ${shown} (${value === null ? 'null' : typeof value})`, { field })
}

/** Checks that `options` is a plain object with no other names than these. */
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

/** The longest duration that a timer holds, ms. */
const MAX_MS = 2_147_483_647

/** ms from 0 up, or `usual` where they were left out. */
export function duration(value: number | undefined, field: string, usual: number): number {
  if (value === undefined) return usual
  if (typeof value !== 'number' || !(value >= 0 && value <= MAX_MS)) throw configError(field, `ms from 0 to ${MAX_MS}`, value)
  return value
}

/** A boolean, or `usual` where it was left out. */
export function flag(value: boolean | undefined, field: string, usual: boolean): boolean {
  if (value === undefined) return usual
  if (typeof value !== 'boolean') throw configError(field, 'true or false', value)
  return value
}
