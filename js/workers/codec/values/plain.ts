// js/workers/codec/values: which values there are, and the lane of plain ones. Knows nothing of the order of a batch.
//
// Decides whether a value is plain: whether MessagePack gives back exactly what structured clone would. Whatever is not takes the slower lane
// (graph.ts), so a doubtful value is never plain. An own accessor of a plain object cannot be told from a value without asking for every
// descriptor, which costs more than packing: it is asked twice.

const objectPrototype = Object.prototype
const arrayPrototype = Array.prototype

/** Levels of objects in objects at most: what reads a value on another thread has a stack of its own, and must not fail where writing it went well. */
export const MAX_DEPTH = 1000

/** More keys than the packer writes: it says so when all of them have been looked at. */
const MANY_KEYS = 65_536

/** From here on a look-up in a set is faster than one along a list. */
const FEW = 24

// Objects met below the top of the value under test: an object met twice, in a circle or not, must stay one object. The list is never shortened,
// only emptied: setting the length of an array costs more than the whole test of a small object.
const met: Array<object | undefined> = new Array(FEW).fill(undefined)
let count = 0
let many: Set<object> | undefined

interface WellFormed {
  isWellFormed(): boolean
}

/**
 * Whether UTF-8 carries a string unchanged. A lone surrogate has no UTF-8, and TextDecoder takes a leading byte order mark away.
 */
export function isText(text: string): boolean {
  return (text as unknown as WellFormed).isWellFormed() && text.charCodeAt(0) !== 0xfeff
}

/** Whether eight bytes carry it. */
export function isInt64(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value
}

/** Whether `value`, an object, is plain. Throws what a getter of it throws. */
export function isPlain(value: object): boolean {
  return Array.isArray(value) ? isPlainArray(value, value, 1) : isPlainObject(value, value, 1)
}

/** Lets go of the objects of the last test: to be called after each. */
export function forget(): void {
  if (count === 0) return
  while (count > 0) met[--count] = undefined
  many = undefined
}

function isPlainObject(value: object, top: object, depth: number): boolean {
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== objectPrototype && prototype !== null) return false
  let keys = 0
  for (const key in value) {
    if (++keys === MANY_KEYS) return false
    // Setting the first makes no property; the second is a word of the packer's own.
    if (key === '__proto__' || key === '__keys__') return false
    const field = (value as Record<string, unknown>)[key]
    if (!isPlainField(field, top, depth)) return false
  }
  return true
}

function isPlainArray(value: unknown[], top: object, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== arrayPrototype) return false
  // Holes, and properties beside the elements: the result of a regular expression has some.
  if (Object.keys(value).length !== value.length) return false
  for (let index = 0; index < value.length; index++) {
    const field = value[index]
    if (field === undefined ? !(index in value) : !isPlainField(field, top, depth)) return false
  }
  return true
}

function isPlainField(field: unknown, top: object, depth: number): boolean {
  switch (typeof field) {
    case 'string':
      return isText(field)
    case 'number':
      return field !== 0 || 1 / field > 0
    case 'boolean':
    case 'undefined':
      return true
    case 'bigint':
      return isInt64(field)
    case 'object':
      if (field === null) return true
      if (field === top || depth === MAX_DEPTH || hasMet(field)) return false
      return Array.isArray(field) ? isPlainArray(field, top, depth + 1) : isPlainObject(field, top, depth + 1)
    default:
      return false
  }
}

function hasMet(object: object): boolean {
  if (many !== undefined) {
    const before = many.size
    return many.add(object).size === before
  }
  for (let index = 0; index < count; index++) if (met[index] === object) return true
  met[count++] = object
  if (count === FEW) many = new Set(met as object[])
  return false
}
