// Programs that must not compile. `// FAILS <text>` above a line: the line is an error whose message contains the text.

import { broadcast, keyed, merge, route, shard, window, zip } from 'velo-stream/operators'

interface Click {
  user: string
  at: number
}
async function* session(clicks: AsyncIterable<Click>) {
  for await (const click of clicks) yield click.at
}
const clicks: Click[] = []

// FAILS No overload matches this call
keyed(session, { by: 'name' })

// FAILS No overload matches this call
keyed(session, {})

// FAILS No overload matches this call
keyed(session, { by: 'user', maxKeys: '5' })

// FAILS No overload matches this call
keyed(session, { by: 'user', maxKey: 5 })

// FAILS Property 'name' does not exist
keyed(session, { by: 'user', until: (click) => click.name === '' })

// FAILS is not assignable
await keyed(session, { by: 'user' }).run(['a'])

// FAILS is not assignable
for await (const { key } of keyed(session, { by: 'user' })(clicks)) ((k: number) => k)(key)

// FAILS No overload matches this call
shard(session, { by: 'name' })

// FAILS No overload matches this call
shard(session, { by: 'user', ordered: true })

// FAILS No overload matches this call
shard(session, { split: (click: Click) => [click] })

// FAILS No overload matches this call
shard(session, { split: (n: number) => [n], merge: (sums: number[]) => sums.length })

// FAILS is not assignable
merge(5)

// FAILS is not assignable
const wrong: AsyncIterable<[string, number]> = zip([1], ['a'])

// FAILS is not assignable
route('name', { a: session })

// FAILS is not assignable
route('user', { a: session }, { otherwise: { route: 'b' } })

// FAILS is not assignable
route('user', { a: () => 1 })

// FAILS is not assignable
broadcast(clicks, { onSlow: 'lose' })

// FAILS is not assignable
window<Click>({ tumbling: 10, session: 5 })

// FAILS is not assignable
window<Click>({ sliding: 10 })

// FAILS Property 'name' does not exist
window<Click>({ tumbling: 10, by: (click) => click.name })

// FAILS is not assignable
window({ tumbling: 10, by: (click: Click) => click.user })

export const used = [wrong]
