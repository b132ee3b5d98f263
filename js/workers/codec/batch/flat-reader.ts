// Reads what flat-memory.ts writes.

import * as frames from '../bytes/frames.js'
import { asciiOf } from './known-strings.js'

type Make = (fields: readonly unknown[]) => unknown

/** By their keys, for all readers; emptied when it has grown. */
const makers = new Map<string, Make>()
const MAKERS = 256

export class FlatReader {
  readonly #shapes: { keys: readonly string[]; make: Make }[] = []
  readonly #fields: unknown[] = []

  /** Learns the keys of a shape; answers where the next frame begins. */
  learn(bytes: frames.Bytes, at: number): number {
    const keys: string[] = []
    const count = bytes[at + 1]
    let next = at + 2
    for (let index = 0; index < count; index++) {
      const end = next + 1 + bytes[next]
      keys.push(bytes.latin1Slice(next + 1, end))
      next = end
    }
    this.#shapes.push({ keys, make: makerOf(keys) })
    return next
  }

  /** Reads an object into `into`; answers where the next frame begins. */
  read(bytes: frames.Bytes, view: DataView, at: number, into: unknown[]): number {
    const { keys, make } = this.#shapes[bytes[at + 1]] as { keys: readonly string[]; make: Make }
    const fields = this.#fields
    let next = at + 2
    for (let index = 0; index < keys.length; index++) {
      const kind = bytes[next]
      if (kind === frames.NUMBER) {
        fields[index] = view.getFloat64(next + 1, true)
        next += 9
      } else if (kind === frames.ASCII) {
        const start = next + 2
        next = start + bytes[next + 1]
        fields[index] = asciiOf(bytes, view, start, next)
      } else {
        fields[index] = kind === frames.NULL ? null : kind === frames.UNDEFINED ? undefined : kind === frames.TRUE
        next++
      }
    }
    into.push(make(fields))
    return next
  }
}

/** Makes objects of these keys: with code of its own, which is four times faster, where the process allows that. */
function makerOf(keys: readonly string[]): Make {
  const name = JSON.stringify(keys)
  const known = makers.get(name)
  if (known !== undefined) return known
  let make: Make
  try {
    const fields = keys.map((key, index) => `${JSON.stringify(key)}: fields[${index}]`)
    make = new Function('fields', `return { ${fields.join(', ')} }`) as Make
  } catch {
    make = (fields) => Object.fromEntries(keys.map((key, index) => [key, fields[index]]))
  }
  if (makers.size === MAKERS) makers.clear()
  makers.set(name, make)
  return make
}
