// Programs that must compile: types go through keyed, shard, merge, route, broadcast, zip and window without help.

import { type StreamFunction, streamFn } from 'velo-stream'
import { type Broadcast, broadcast, type EvictReason, keyed, merge, route, shard, window, zip } from 'velo-stream/operators'

interface Click {
  user: string
  at: number
}
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_proof: Equal<A, B>) => {}

async function* session(clicks: AsyncIterable<Click>) {
  let count = 0
  for await (const _ of clicks) yield ++count
}
const sessionFn = streamFn(session)
const clicks: Click[] = []

// keyed
const byName = keyed(session, { by: 'user' })
same<typeof byName extends StreamFunction<Click, { key: string; value: number }> ? true : false, true>(true)
const byFunction = keyed(sessionFn, {
  by: (click) => click.at,
  until: (click, key) => click.at > key,
  onEvict: (key: number, reason: EvictReason) => void [key, reason],
  idleTimeout: undefined,
})
const [first] = await byFunction.run(clicks)
same<typeof first extends { key: number; value: number } ? true : false, true>(true)
const ended: number = byName.metrics.keysEnded.idle + byName.metrics.eventsIn
const piped: StreamFunction<Click, string> = byName.pipe(async function* (results) {
  for await (const { key, value } of results) yield key + value.toFixed()
})
const renamed: number = byName.with({ name: 'sessions' }).metrics.keysOpen

// keyed by the name of a property, functions made in place
const streamKeyed = keyed(streamFn(session), { by: 'user' })
same<typeof streamKeyed extends StreamFunction<Click, { key: string; value: number }> ? true : false, true>(true)
const inPlace = keyed(
  async function* (clicks: AsyncIterable<Click>) {
    for await (const { at } of clicks) yield at
  },
  { by: 'user', allowUndefined: true, until: (click) => click.at > 5 },
)
same<typeof inPlace extends StreamFunction<Click, { key: string; value: number }> ? true : false, true>(true)
const keyedByFunction = keyed(streamFn(session), { by: (click) => click.at })
const [firstAt] = await keyedByFunction.run(clicks)
same<typeof firstAt extends { key: number; value: number } ? true : false, true>(true)

// shard
const sharded = shard(sessionFn, { shards: 2, by: 'user' })
const round: StreamFunction<Click, number> = shard(session)
const loose: StreamFunction<Click, number> = shard(session, { ordered: false, buffer: 8 })
const tiles = shard(
  async function* (parts: AsyncIterable<Uint8Array>) {
    for await (const part of parts) yield part.length
  },
  { split: (image: { tiles: Uint8Array[] }) => image.tiles, merge: (sizes, image) => `${sizes.length + image.tiles.length}` },
)
same<typeof tiles extends StreamFunction<{ tiles: Uint8Array[] }, string> ? true : false, true>(true)
const counts: readonly number[] = sharded.metrics.sharded

// merge and zip
const merged = merge([1, 2], ['a'])
const zipped = zip([1, 2], ['a'])
for await (const event of merge([1, 2], new Set(['a']), sessionFn(clicks))) same<typeof event, number | string>(true)
for await (const [n, word] of zip([1, 2], sessionFn(clicks), ['a'])) {
  const both: [number, number] = [n, word]
  void both
}
// At its end an iterator has the value `undefined`.
same<Awaited<ReturnType<typeof merged.next>>['value'], number | string | undefined>(true)
same<Awaited<ReturnType<typeof zipped.next>>['value'], [number, string] | undefined>(true)
const tuples: AsyncIterable<[number, string]> = zip([1], ['a'])
const promised: AsyncIterable<number> = merge([Promise.resolve(1)])

// route
const routed = route('user', { anna: session, bob: sessionFn }, { otherwise: { route: 'bob' } })
for (const result of await routed.run(clicks)) {
  if (result.route === 'anna') same<typeof result.value, number>(true)
  same<typeof result.route, 'anna' | 'bob'>(true)
}
async function* order(events: AsyncIterable<{ kind: 'order'; total: number }>) {
  for await (const { total } of events) yield total
}
async function* visit(events: AsyncIterable<{ kind: 'visit'; page: string }>) {
  for await (const { page } of events) yield page
}
const kinds = route((event) => event.kind, { order, visit })
await kinds.run([
  { kind: 'order', total: 1 },
  { kind: 'visit', page: '/' },
])
for await (const result of kinds([])) if (result.route === 'visit') same<typeof result.value, string>(true)

// broadcast
const shared: Broadcast<Click> = broadcast(clicks, { onSlow: 'drop', buffer: 4, readers: 2 })
for await (const click of shared.subscribe()) same<typeof click, Click>(true)
same<Awaited<ReturnType<ReturnType<typeof shared.subscribe>['next']>>['value'], Click | undefined>(true)
const dropped: number = shared.subscribe().dropped + shared.dropped

// window
const plain = window<Click>({ tumbling: 1000, by: (click) => click.at, lateness: 10 })
const [pane] = await plain.run(clicks)
const inPane: Click[] = pane.events
const largest: StreamFunction<Click, number> = window(
  { sliding: 10, every: 5, by: (click: Click) => click.at },
  (events, { start }) => events.length + start,
)
const awaited: StreamFunction<Click, string> = window({ session: 10 }, async (events: Click[]) => `${events.length}`)
const perUser = keyed(window<Click>({ session: 10 }), { by: 'user' })
const late: number = plain.metrics.late

export const used = [ended, piped, renamed, round, loose, counts, tuples, promised, dropped, inPane, largest, awaited, perUser, late]
