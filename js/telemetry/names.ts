// How many names of functions, and of stages, the metrics have: those seen first have their own, what comes after them is `other`. A name that has its own keeps it, so that its counters never
// jump.

import type { FunctionMeasures, StageMeasures } from '../kit/sight/measures.js'

/** What shares a name with others. */
export const OTHER = 'other'

export class Names {
  /** How many there may be. */
  readonly most: number
  readonly #functions = new Set<string>()
  readonly #stages = new Set<string>()

  constructor(max: number) {
    this.most = max
  }

  /** Functions that have their own. */
  get own(): string[] {
    return [...this.#functions]
  }

  /** The name under which a function of this name is counted. */
  of(name: string): string {
    return this.#among(this.#functions, name)
  }

  #among(own: Set<string>, name: string): string {
    if (own.has(name)) return name
    if (name === '' || own.size >= this.most) return OTHER
    own.add(name)
    return name
  }

  /** One entry for each name and placement. */
  bounded(functions: readonly FunctionMeasures[]): FunctionMeasures[] {
    const found = new Map<string, FunctionMeasures>()
    for (const measures of functions) {
      const name = this.of(measures.name)
      const key = `${measures.placement} ${name}`
      const before = found.get(key)
      const stages = this.#staged(before?.stages ?? [], measures.stages)
      const all = before === undefined ? measures : (added({ ...before, stages: [] }, { ...measures, stages: [] }) as FunctionMeasures)
      found.set(key, { ...all, name, stages })
    }
    return [...found.values()]
  }

  /** One entry for each name and placement. */
  #staged(known: readonly StageMeasures[], more: readonly StageMeasures[]): readonly StageMeasures[] {
    if (more.length === 0) return known
    const found = new Map<string, StageMeasures>()
    for (const stage of [...known, ...more]) {
      const name = this.#among(this.#stages, stage.name)
      const key = `${stage.placement} ${name}`
      const before = found.get(key)
      found.set(key, { ...(before === undefined ? stage : (added(before, stage) as StageMeasures)), name })
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
