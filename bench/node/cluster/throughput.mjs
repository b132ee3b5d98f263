// Events through many sessions at once, beside a relay without state: by the clock, and by what all processes together took of their processors.
import { addClaim, contest, middleOf } from '../harness.mjs'
import { cpuOf } from './server.mjs'
import { events, prepared, SESSIONS, sums } from './sessions.mjs'

const LOT = 64

/** The same entries through a stream, a group, a stream. Answers their sum. */
async function relayed(library, client, reads, values) {
  const many = Array(SESSIONS).fill(values).flat()
  const from = await library.last(client)
  const reading = (async () => {
    let sum = 0
    for (let [seen, last] = [0, from]; seen < many.length; ) {
      for (const [id, text] of await library.read(reads, 'out', last)) {
        sum += JSON.parse(text).n
        last = id
        seen++
      }
    }
    return sum
  })()
  for (let at = 0; at < many.length; at += LOT) {
    await library.addAll(
      client,
      many.slice(at, at + LOT).map((value) => JSON.stringify(value)),
    )
  }
  return reading
}

const ownCpu = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}

export function throughput(options) {
  return prepared(options, async ({ client, library, another, beside, front }) => {
    const values = events(options.quick ? 64 : 512).map(() => ({ n: 1 }))
    const count = SESSIONS * values.length
    const reads = await another()
    const taken = {}
    /** Processor time of all who take part, and of the server alone. */
    const counted = (name, processes, work) => async () => {
      const all = () => Promise.all([cpuOf(client), ownCpu(), ...processes.map((one) => one.cpu())])
      const before = await all()
      const answer = await work()
      const used = (await all()).map((now, at) => (now - before[at]) / count)
      ;(taken[name] ??= []).push({ server: used[0], all: used.reduce((sum, one) => sum + one) })
      return answer
    }
    const two = async (role, own) => [await beside(role, own), await beside(role, own)]
    const contestants = { relay: counted('relay', await two('relay'), () => relayed(library, client, reads, values)) }
    for (const every of [1, 16, 64]) {
      const own = { prefix: `every${every}`, commit: { every } }
      const hosts = await two('host', own)
      const one = front(own)
      const add = (name, fn) => {
        contestants[name] = counted(name, hosts, () => sums(one, fn, values))
      }
      add(`commit every ${every}`, 'sum')
      // Results that come while a commit is under way go with the next; what `ctx.run` comes to is a commit for each event, beside that of the results.
      if (every === 1) add('a commit an event', 'runs')
      if (every === 64) add('commit every 64, with a state', 'kept')
    }
    const claims = [
      { of: 'commit every 64', peer: 'relay', bar: 2 },
      { of: 'commit every 64, with a state', peer: 'relay', bar: 2 },
      { of: 'commit every 16', peer: 'relay' },
      { of: 'commit every 1', peer: 'relay', bar: 0.4 },
      { of: 'a commit an event', peer: 'relay' },
    ]
    const group = await contest({
      title: `${SESSIONS} sessions, a running sum, two hosts; beside a relay without state`,
      events: count,
      expected: count,
      contestants,
      claims,
      options: { ...options, warmup: Math.min(options.warmup, 2) },
    })
    const last = (name) => taken[name].slice(-options.rounds)
    for (const name of Object.keys(taken)) {
      group.rows.push({ name: `${name}: CPU`, ...middleOf(last(name).map(({ all }) => all)), unit: 'us/event' })
      const server = { name: `${name}: server`, ...middleOf(last(name).map((one) => one.server)), unit: 'us/event' }
      group.rows.push(server)
      if (/^commit every 64/.test(name)) addClaim(group.rows, { of: server.name, bar: 3, most: true }, server.value)
    }
    for (const { of, peer, bar } of claims) {
      const ratios = last(peer).map(({ all }, round) => all / last(of)[round].all)
      addClaim(group.rows, { of: `${of}: CPU`, peer: `${peer}: CPU`, bar }, ratios)
    }
    return group
  })
}
