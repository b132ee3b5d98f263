// The life of a generator, by the table of Rust (ARCHITECTURE section 3): the same on the caller's thread and on a worker thread. What is done at a
// transition is the business of whoever drives the generator.

import { VeloError } from '../../kit/errors.js'
import { LIFE_TRIGGERS, Life, LifeTrigger, NEXT_LIFE } from './law.js'

/** The next life. Throws VELO_BUG where `trigger` cannot occur: then the driver is wrong, and nothing has moved. */
export function moved(life: number, trigger: number): number {
  const next = NEXT_LIFE[life * LIFE_TRIGGERS + trigger] as number
  if (next < 0) throw illegal(life, trigger)
  return next
}

function illegal(life: number, trigger: number): VeloError {
  const nameIn = (group: Record<string, number>, number: number): string =>
    Object.keys(group).find((key) => group[key] === number) ?? `${number}`
  return new VeloError(
    'VELO_BUG',
    `${nameIn(LifeTrigger, trigger)} is no trigger of a generator that is ${nameIn(Life, life)}: please report this`,
  )
}

/** Whether the generator has finished. */
export function isOver(life: number): boolean {
  return life >= Life.Releasing
}

/** Whether it, or a stage that feeds it, was given up and is still at work. */
export function isDetached(life: number): boolean {
  return life === Life.Detached || life === Life.DetachedUnwinding || life === Life.DetachedReleasing
}
