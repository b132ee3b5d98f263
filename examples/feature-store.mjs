// A feature store in Redis or Valkey: payments in, features of each user out, ready for whoever must decide within a millisecond.
//
// Payments are a stream. One group of consumers turns them into features and keeps those in a hash a user; another one picks large payments. Each group gets every payment, at its own pace. Results and
// acknowledgements are one step, so features are exact, whatever process dies: what was not finished comes again, and goes on from the hash. A payment that nobody can read goes aside and holds nothing up.
//
// Needs a server: REDIS_URL, or the one of this machine. Its keys begin with `shop:`.
//
// $ node examples/feature-store.mjs
// expect: ann: 3 payments, 65.00 in all, at most 40.00
// expect: bob: 2 payments, 40.00 in all, at most 25.00
// expect: cid: nothing known
// expect: large: ann 40.00
// expect: aside: a payment needs a user and an amount
// expect: 6 payments were acknowledged, 5 of them became features, 1 was put aside
// expect: nothing is pending; trimmed: 6

import { Redis } from 'ioredis'
import { consume, streamFn } from 'velo-stream'
import { consumeOnce, materialize, publish, redisSink, redisSource, streamInfo, trim } from 'velo-stream/redis'

const client = new Redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379')
const [payments, large, aside] = ['shop:payments', 'shop:large', 'shop:aside']
const keyOf = (user) => `shop:features:${user}`
const users = ['ann', 'bob', 'cid']
await client.del(payments, large, aside, ...users.map(keyOf))

/** What is known of a user: nothing, or what was kept before this process came to be. */
async function known(user) {
  const [count, total, most] = await client.hmget(keyOf(user), 'count', 'total', 'most')
  return { count: Number(count), total: Number(total), most: Number(most) }
}

const features = streamFn(async function* features(events) {
  const all = new Map()
  for await (const { id, value } of events) {
    const { user, amount } = value
    if (typeof user !== 'string' || !(amount > 0)) throw new TypeError('a payment needs a user and an amount')
    const one = all.get(user) ?? (await known(user))
    all.set(user, { count: one.count + 1, total: one.total + amount, most: Math.max(one.most, amount) })
    yield { id, user, ...all.get(user) }
  }
})

const picks = streamFn(async function* picks(events) {
  for await (const { user, amount } of events) if (amount >= 30) yield { user, amount }
})

// Both work in the background until they are told to stop; then they finish what they have, acknowledge it, and tell what they did.
const stop = new AbortController()
const running = [
  consume(features, {
    source: redisSource(client, { stream: payments, group: 'features', entries: true, maxDeliveries: 2, deadLetter: aside }),
    sink: materialize(client, {
      key: ({ user }) => keyOf(user),
      fields: ({ count, total, most }) => ({ count, total: total.toFixed(2), most: most.toFixed(2) }),
      ttl: 86_400_000,
    }),
    signal: stop.signal,
  }),
  consume(picks, {
    source: redisSource(client, { stream: payments, group: 'large' }),
    sink: redisSink(client, { stream: large, maxlen: 1000 }),
    signal: stop.signal,
  }),
]

await publish(client, payments, [
  { user: 'ann', amount: 20 },
  { user: 'bob', amount: 25 },
  { user: 'ann', amount: 40 },
])
await publish(client, payments, { amount: 12 })
await publish(client, payments, [
  { user: 'bob', amount: 15 },
  { user: 'ann', amount: 5 },
])

// A service would go on; this one ends when both groups are through with everything.
const isThrough = async () => {
  const { groups, pending, lag } = await streamInfo(client, payments)
  return groups.length === 2 && pending === 0 && lag === 0
}
while (!(await isThrough())) await new Promise((resolve) => setTimeout(resolve, 20))
stop.abort()
const [{ acked, results, deadLettered }] = await Promise.all(running)

// The online store, as a model asks it.
for (const user of users) {
  const { count, total, most } = await client.hgetall(keyOf(user))
  console.log(count === undefined ? `${user}: nothing known` : `${user}: ${count} payments, ${total} in all, at most ${most}`)
}
for (const { value } of (await consumeOnce(client, { stream: large, from: '0' })).entries)
  console.log(`large: ${value.user} ${value.amount.toFixed(2)}`)
for (const { value } of (await consumeOnce(client, { stream: aside, from: '0', codec: 'fields' })).entries)
  console.log(`aside: ${/a payment needs.*/.exec(value['velo:error'])[0]}`)
console.log(`${acked} payments were acknowledged, ${results} of them became features, ${deadLettered} was put aside`)
const { pending } = await streamInfo(client, payments)
console.log(
  `${pending === 0 ? 'nothing is' : `${pending} are`} pending; trimmed: ${await trim(client, payments, { minid: 'acked', exact: true })}`,
)
client.disconnect()
