// Group: four sources as one, beside what people write: a race, or a loop for each that puts into one queue.
import { contest, freshCopy } from '../harness.mjs'
import { numbers } from '../work.mjs'

const SOURCES = 4

export async function merged(options) {
  const { merge } = await import('../../../dist/operators.js')
  const events = numbers((options.quick ? 160 : 40_000) / SOURCES)
  const names = ['race', 'loops', 'velo']
  const [race, loops, velo] = await Promise.all(names.map((name) => freshCopy('operators/mergers.mjs', `merge ${name}`)))
  const sources = ({ minimal }) => Array.from({ length: SOURCES }, () => minimal(events))
  const contestants = {
    'Promise.race, by hand': () => race.total(race.raced(sources(race))),
    'a loop each into one queue': () => loops.total(loops.queued(sources(loops))),
    merge: () => velo.total(merge(...sources(velo))),
  }
  const claims = Object.keys(contestants)
    .slice(0, 2)
    .map((peer) => ({ of: 'merge', peer, bar: 0.5 }))
  const expected = SOURCES * events.reduce((sum, event) => sum + event, 0)
  return contest({ title: `merge of ${SOURCES} sources`, events: SOURCES * events.length, contestants, expected, claims, options })
}
