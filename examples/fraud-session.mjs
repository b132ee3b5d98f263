// Is this payment likely to be the user's own? One stream per user, opened with the first payment; the payments of all users arrive mixed.
// What is known of a user are local variables, and they go with the session: after a quarter of an hour without a payment by itself.
//
// expect: ana 20 approve
// expect: ben 15 approve
// expect: ana 25 approve
// expect: ben 900 review: 60 times the usual amount
// expect: ana 30 approve
// expect: eve 40 approve
// expect: ana 22 review: from PT to BR in 4 minutes
// expect: eve 45 approve
// expect: 3 sessions open
// expect: 0 sessions open

import { runtime, streamFn } from 'velo-stream'

const fraud = streamFn(
  async function* fraud(payments) {
    let previous
    let count = 0
    let total = 0
    for await (const payment of payments) {
      const reasons = []
      const minutes = payment.minute - previous?.minute
      if (previous && payment.country !== previous.country && minutes < 60) {
        reasons.push(`from ${previous.country} to ${payment.country} in ${minutes} minutes`)
      }
      const times = Math.round((payment.amount * count) / total)
      if (times > 10) reasons.push(`${times} times the usual amount`)
      previous = payment
      count++
      total += payment.amount
      yield reasons
    }
  },
  { idleTimeout: 15 * 60_000, maxConcurrent: 50_000 },
)

// The only thing kept out here is which stream is whose; the end of a stream takes its entry out.
const sessions = new Map()

function sessionOf(user) {
  const known = sessions.get(user)
  if (known) return known
  const session = fraud.open({ id: user })
  sessions.set(user, session)
  session.closed.then(() => sessions.delete(user))
  return session
}

async function decide(payment) {
  const session = sessionOf(payment.user)
  await session.send(payment)
  return session.recv()
}

const payments = [
  { user: 'ana', amount: 20, country: 'PT', minute: 0 },
  { user: 'ben', amount: 15, country: 'DE', minute: 0 },
  { user: 'ana', amount: 25, country: 'PT', minute: 1 },
  { user: 'ben', amount: 900, country: 'DE', minute: 2 },
  { user: 'ana', amount: 30, country: 'PT', minute: 3 },
  { user: 'eve', amount: 40, country: 'FR', minute: 5 },
  { user: 'ana', amount: 22, country: 'BR', minute: 7 },
  { user: 'eve', amount: 45, country: 'FR', minute: 8 },
]

// All at once: the answers of one user keep their order, and no user waits for another.
const verdicts = await Promise.all(payments.map(decide))
for (const [i, { user, amount }] of payments.entries()) {
  console.log(user, amount, verdicts[i].length === 0 ? 'approve' : `review: ${verdicts[i].join(', ')}`)
}

console.log(`${runtime.snapshot().streamsOpen} sessions open`)
await Promise.all([...sessions.values()].map((session) => session.close()))
console.log(`${runtime.snapshot().streamsOpen} sessions open`)
