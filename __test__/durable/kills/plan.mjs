// What a seed makes: journeys, which are streams with everything that is to become of them, and the content of each of their events. Both sides of the
// crash tester read it: the child that lives a journey, and the parent that judges it.

import { random } from '../../support/random.mjs'

const KINDS = [
  ['sum', 3],
  ['uneven', 3],
  ['asking', 5],
  ['summed', 4],
  ['early', 1],
  ['throwing', 1],
  ['counted', 2],
  ['windowed', 2],
  ['mapped', 2],
  ['sharded', 1],
]
/** Kinds whose results a second function may take. */
const PIPED = ['sum', 'uneven', 'asking']

/** One number of several. */
export function mixed(...numbers) {
  return numbers.reduce((hash, number) => (Math.imul(hash ^ (number + 0x9e3779b9), 0x85ebca6b) ^ (hash >>> 13)) >>> 0, 0x2545f491)
}

export function diceOf(...numbers) {
  return random(mixed(...numbers))
}

/** Journey number `n` of a lane. */
export function journeyOf(seed, lane, n) {
  const dice = diceOf(seed, lane, n)
  const kind = dice.pick(KINDS.flatMap(([name, weight]) => Array(weight).fill(name)))
  const count = 4 + dice.below(dice.below(4) === 0 ? 90 : 30)
  const roll = dice.below(10)
  const one = {
    n,
    id: `s${n}`,
    kind,
    count,
    /** Where functions end by themselves. */
    turn: Math.floor(count * dice.float()),
    tail: PIPED.includes(kind) && dice.below(4) === 0,
    mode: roll < 7 ? 'open' : roll < 9 || kind !== 'sum' ? 'run' : 'call',
    retained: dice.below(2) === 0,
    every: dice.pick([1, 3, 10, { events: 5, ms: 1 }]),
    /** The size of its largest events. */
    weight: dice.pick([10, 10, 10, 100, 3000, 3000, 70_000]),
    /** How its events and results are written down. */
    codec: dice.pick(['structured', 'structured', 'json', 'own']),
    /** What it may keep is bounded: sends are refused until its state is saved, and made again. */
    bounded: kind === 'summed' && roll < 7 && dice.below(2) === 0,
    /** Its function takes the worker thread along at its turn, once. */
    deadly: dice.below(3) === 0,
    /** It may be aborted on its way. */
    mortal: dice.below(20) === 0,
    seed: mixed(seed, lane, n, 1),
  }
  // The journal that bounds them retains no ends.
  if (one.bounded) Object.assign(one, { weight: 3000, retained: false })
  if (one.mode === 'call') one.tail = false
  /** A source that begins where it is asked to is not copied into the journal: it gives the same events again. */
  const again = one.mode !== 'open' && kind === 'summed'
  return { ...one, again, name: one.tail ? `${kind}|tagged` : kind }
}

/** Event `i` of a journey, as its opening `opening` sends it: another one says something else where it can, so that it can be told which one was kept. */
export function eventOf(journey, i, opening) {
  const a = journey.again ? 0 : opening
  const dice = diceOf(journey.seed, i, a)
  const value = dice.below(10)
  const size = dice.below(8) === 0 ? dice.below(journey.weight) : dice.below(10)
  return { i, a, value, key: dice.pick(['x', 'y', 'z']), at: i * 100 + value, pad: '.'.repeat(size) }
}
