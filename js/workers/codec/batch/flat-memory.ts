// Flat objects: of few fields, all numbers, short strings, booleans, null or undefined, and of the same keys as those before. Most events are. Each is checked and
// written in one pass, with its keys told once for each writer; whatever does not fit is left to a slower lane. flat-reader.ts reads what this writes.

import * as frames from '../bytes/frames.js'
import { BatchMemory } from './batch-memory.js'

/** Sets of keys that a writer tells at most, keys of each, characters of a key or a string. */
const SHAPES = 16
const KEYS = 32
const CHARACTERS = 255
/** After so many objects in a row that were not flat, as many are not looked at. */
const MISSES = 16

const objectPrototype = Object.prototype
const noShapes: readonly (readonly string[])[] = []

export class FlatMemory extends BatchMemory {
  #shapes = noShapes
  /** The batch tells keys that later ones rely on. */
  tells = false
  /** The shape used last. */
  #last = -1
  #misses = 0

  /** Writes an object if it is flat; else false, and nothing was written. Throws what a getter throws, likewise. */
  protected writeFlat(value: object, prototype: unknown): boolean {
    if (this.#misses >= MISSES) {
      if (this.#misses++ === 2 * MISSES) this.#misses = 0
      return false
    }
    if (prototype === objectPrototype) {
      if (this.#last >= 0 && this.#writeFields(value, this.#last)) return this.#hit(this.#last)
      const shape = this.#find(value)
      if (shape >= 0 && shape !== this.#last && this.#writeFields(value, shape)) return this.#hit(shape)
    }
    this.#misses++
    return false
  }

  #hit(shape: number): boolean {
    this.#last = shape
    this.#misses = 0
    return true
  }

  /** Number of the shape of an object, told now if it is new; -1 where it cannot be told. */
  #find(value: object): number {
    const keys = Object.keys(value)
    const known = this.#shapes.findIndex((shape) => shape.length === keys.length && shape.every((key, index) => key === keys[index]))
    if (known >= 0 || this.#shapes.length === SHAPES || keys.length > KEYS) return known
    // One that is not flat anyway would only take a place.
    for (const key of keys) {
      const field = (value as Record<string, unknown>)[key]
      if (!isShort(key) || key === '__proto__' || (typeof field === 'object' && field !== null)) return -1
    }
    this.#shapes = [...this.#shapes, keys]
    this.tells = true
    const size = keys.reduce((sum, key) => sum + 1 + key.length, 2)
    let at = this.room(size)
    const { memory } = this
    memory[at++] = frames.FLAT_KEYS
    memory[at++] = keys.length
    for (const key of keys) {
      memory[at++] = key.length
      for (let index = 0; index < key.length; index++) memory[at++] = key.charCodeAt(index)
    }
    this.at = at
    return this.#shapes.length - 1
  }

  #writeFields(value: object, shape: number): boolean {
    const keys = this.#shapes[shape] as readonly string[]
    const start = this.at
    let at = this.room(2 + keys.length * 9)
    let { memory, view } = this
    memory[at++] = frames.FLAT
    memory[at++] = shape
    let index = 0
    for (const key in value) {
      if (keys[index++] !== key) return false
      const field = (value as Record<string, unknown>)[key]
      if (typeof field === 'number') {
        memory[at] = frames.NUMBER
        view.setFloat64(at + 1, field, true)
        at += 9
      } else if (typeof field === 'string') {
        const { length } = field
        if (length > CHARACTERS) return false
        // Room for it, and for all that may follow.
        if (at + length + 2 + (keys.length - index) * 9 > memory.length) {
          this.at = at
          this.room(length + 2 + (keys.length - index) * 9)
          memory = this.memory
          view = this.view
          this.at = start
        }
        memory[at++] = frames.ASCII
        memory[at++] = length
        for (let place = 0; place < length; place++) {
          const character = field.charCodeAt(place)
          if (character > 127) return false
          memory[at++] = character
        }
      } else if (field === true) memory[at++] = frames.TRUE
      else if (field === false) memory[at++] = frames.FALSE
      else if (field === null) memory[at++] = frames.NULL
      else if (field === undefined) memory[at++] = frames.UNDEFINED
      else return false
    }
    if (index !== keys.length) return false
    this.at = at
    return true
  }
}

function isShort(key: string): boolean {
  if (key.length > CHARACTERS) return false
  for (let index = 0; index < key.length; index++) if (key.charCodeAt(index) > 127) return false
  return true
}
