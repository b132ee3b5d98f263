// What keeps a value from being written as JSON: its path. Only asked after JSON.stringify has failed.

import type { VeloError } from '../../kit/errors.js'
import { refusal } from './refusal.js'

export function jsonRefusal(value: unknown, cause: unknown): VeloError {
  // JSON.stringify leaves functions and symbols inside an object out; only a part that makes it throw is at fault.
  const refuses = (part: unknown) => {
    try {
      JSON.stringify(part)
      return false
    } catch {
      return true
    }
  }
  return refusal(value, refuses, cause, 'cannot be written as JSON')
}
