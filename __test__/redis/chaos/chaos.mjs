// Faults at random moments, by a seed: workers whose clocks differ by a day, workers killed, stopped past their lease and gone on with, connections cut, entries written twice, sessions opened elsewhere, servers killed and
// restored to what they were half a second ago. Owns the faults; what must be true, the sessions check themselves.

import { cluster } from 'velo-stream/redis'
import { within } from '../../support/within.mjs'
import { clients } from '../clients.mjs'
import { WorkerProcess } from '../hosts/workers.mjs'
import { functions } from './functions.mjs'
import { ChaosSession } from './session.mjs'

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** A generator of its own for each purpose, so that one does not disturb another. */
export function seeded(seed) {
  let state = (seed * 2_654_435_761) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Runs for about `ms`, on a server that writes down what it does (`aof`) or not; answers what was done. Rejects where something was lost, doubled or out of order, or does not get on. */
export async function chaos({ server, seed, ms, workers, sessions, lease = 700, aof = false, replica, log = () => {} }) {
  const random = seeded(seed)
  const any = (list) => list[Math.floor(random() * list.length)]
  const prefix = `chaos${seed}`
  const options = { prefix, lease, maxTakeovers: 30, ...(replica !== undefined && { wait: { replicas: 1, ms: 100 } }) }
  const knife = await clients[0].make(server.url)
  const owned = []
  const fronts = []
  for (const { make, end } of clients) {
    const client = await make(server.url)
    const front = cluster({ client, functions, ...options })
    fronts.push(front)
    owned.push(async () => {
      await front.stop()
      await end(client)
    })
  }
  // No two processes have the same time.
  const clock = () => `--import "data:text/javascript,const now=Date.now;Date.now=()=>now()+${Math.floor((random() - 0.5) * 2e8)}"`
  const module = new URL('functions.mjs', import.meta.url).href
  const started = () => new WorkerProcess(server.url, any(clients).name, options, module, { NODE_OPTIONS: clock() }).start()
  let hosts = await Promise.all(Array.from({ length: workers }, started))
  const done = { kills: 0, pauses: 0, stops: 0, cuts: 0, moves: 0, doubled: 0, restores: 0, lags: 0, events: 0, results: 0 }
  const until = performance.now() + ms
  const names = Object.keys(functions)
  const all = Array.from({ length: sessions }, (_, number) => {
    const own = seeded(seed * 1000 + number)
    const events = 20 + Math.floor(own() * 100)
    // So that it lasts about as long as the faults.
    const pace = () => after((own() * 2 * ms) / (events / 4.5))
    return new ChaosSession({ name: names[number % names.length], id: `s${number}`, events, random: own, fronts, pace })
  })
  const faults = {
    async kill() {
      const host = any(hosts)
      await host.kill()
      hosts = [...hosts.filter((one) => one !== host), await started()]
      done.kills++
    },
    async pause() {
      const host = any(hosts)
      host.signal('SIGSTOP')
      await after(lease * (0.5 + random() * 1.5))
      host.signal('SIGCONT')
      done.pauses++
    },
    async stop() {
      const host = any(hosts)
      hosts = [...hosts.filter((one) => one !== host), await started()]
      await host.stop()
      done.stops++
    },
    async cut() {
      for (const type of ['normal', 'pubsub']) await knife.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes')
      done.cuts++
    },
    async move() {
      any(all).move()
      done.moves++
    },
    async double() {
      const { name, id } = any(all)
      await knife.xadd(`${prefix}:{directory}d`, '*', 's', `${name}/${id}`)
      done.doubled++
    },
    /** The replica falls behind, and what waits for it goes on without it. */
    async lag() {
      replica.signal('SIGSTOP')
      await after(300 * random())
      replica.signal('SIGCONT')
      done.lags++
    },
    /** The server is gone, and comes back with its file; or as it was half a second ago. */
    async restore() {
      if (!aof) await knife.call('SAVE')
      await after(500)
      for (const session of all) session.mayForget = true
      await server.kill()
      await server.start()
      done.restores++
    },
  }
  const often = ['kill', 'kill', 'pause', 'stop', 'cut', 'cut', 'move', 'move', 'double', ...(replica === undefined ? [] : ['lag', 'lag'])]
  const running = Promise.all(all.map((session) => session.run()))
  let failed
  running.catch((error) => {
    failed = error
  })
  let nextRestore = performance.now() + ms / 3
  while (performance.now() < until && failed === undefined) {
    await after(30 + random() * 300)
    const isRestore = performance.now() > nextRestore
    if (isRestore) nextRestore += Math.max(5000, ms / 3)
    const fault = isRestore ? 'restore' : any(often)
    log(fault)
    await faults[fault]()
  }
  try {
    await within(30_000 + ms, running, 'the sessions')
  } catch (error) {
    const open = all.filter(({ isOver }) => !isOver)
    for (const { name, id, seen, expected, kept, values } of open.slice(0, 5))
      log(`${name} ${id}: ${seen.length} of ${expected.length} results, ${kept} of ${values.length} events`)
    error.message += ` (seed ${seed}, ${open.length} sessions open, ${JSON.stringify(done)})`
    throw error
  } finally {
    for (const session of all) session.giveUp()
    for (const end of owned) await within(20_000, end(), 'a front stops')
    await Promise.all(hosts.map((host) => host.kill()))
    knife.disconnect()
  }
  for (const { values, seen } of all) {
    done.events += values.length
    done.results += seen.length
  }
  return done
}
