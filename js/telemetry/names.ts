// How many names of functions the metrics have: those seen first have their own, what comes after them is `other`. A name that has its own keeps it, so that its counters never
// jump.

import type { FunctionMeasures } from '../kit/sight/measures.js'

/** What shares a name with others. */
export const OTHER = 'other'

export class Names {
  readonly #max: number
  readonly #own = new Set<string>()

  constructor(max: number) {
    this.#max = max
  }

  /** The name under which a function of this name is counted. */
  of(name: string): string {
    if (this.#own.has(name)) return name
    if (name === '' || this.#own.size >= this.#max) return OTHER
    this.#own.add(name)
    return name
  }

  /** One entry for each name and placement. */
  bounded(functions: readonly FunctionMeasures[]): FunctionMeasures[] {
    const found = new Map<string, FunctionMeasures>()
    for (const measures of functions) {
      const name = this.of(measures.name)
      const key = `${measures.placement} ${name}`
      const before = found.get(key)
      found.set(key, before === undefined ? { ...measures, name } : { ...(added(before, measures) as FunctionMeasures), name })
    }
    return [...found.values()]
  }
}

/** All numbers of both, wherever they lie. What is no number is that of the first. */
function added(one: unknown, other: unknown): unknown {
  if (typeof one === 'number') return one + (other as number)
  if (Array.isArray(one)) return one.map((value, index) => added(value, (other as unknown[])[index]))
  if (typeof one !== 'object' || one === null) return one
  return Object.fromEntries(Object.entries(one).map(([key, value]) => [key, added(value, (other as Record<string, unknown>)[key])]))
}
