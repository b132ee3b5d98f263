// Whether a partition kills those who have it. If so, one event at a time is at work, and it is noted which: so it is known what kills, and its neighbors go on.

export interface Care {
  /** How often the partition was taken from somebody who had not given it back. */
  readonly x: number
  /** How far it was when that began. */
  readonly m: number
}

/** Deaths. */
const CAREFUL = 3
/** So far on, and whatever killed is past. More than can be at work at once, since it may be any of that. */
const PAST = 2048

/** Somebody is gone who had it. Some progress before that says nothing: what kills may come next. */
export function afterDeath({ x, m }: Care, place: number): Care {
  return place - m < PAST ? { x: x + 1, m } : { x: 1, m: place }
}

export function isCareful({ x, m }: Care, place: number): boolean {
  return x >= CAREFUL && place - m < PAST
}
