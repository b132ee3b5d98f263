// What 1 000 000 streams of ten seconds a day take, from the CPU time and the memory of one that are measured here: through our WebSocket server, through bare `ws`, and beside a stream engine that is always on. A model on
// paper for a day, simulated; its assumptions are in one table. Needs /proc.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systems } from '../paper/systems.mjs'
import { FLINK } from '../peers/flink.mjs'
import { versionsOf } from '../peers/places.mjs'
import { DAY, dayOf } from './cost/day.mjs'
import { addClaim, document, main, middleOf } from './harness.mjs'

/** Everything that is assumed and not measured. */
const ASSUMED = {
  'streams a day': 1_000_000,
  'seconds of a stream': 10,
  'events of a stream, one each 100 ms': 100,
  'busiest moment, times the average of the day': 2,
  'share of a core that may be used at the busiest moment': 0.5,
  'cores that the engine reserves': 1,
  'cores that an event takes of the engine': 0,
  'price of a core for an hour, USD': 0.04,
  'price of a GB for an hour, USD': 0.0045,
}
const TICK = 10

/** CPU time in ms and resident KB of a process. */
function used(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { cpu: (Number(fields[11]) + Number(fields[12])) * TICK, kb: Number(kb) }
}

/** CPU ms of a stream, and KB while it is open, by what a server takes for so many at once. */
async function served(script, streams, events, interval) {
  const server = spawn(process.execPath, [fileURLToPath(new URL(`cold/${script}.mjs`, import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [port] = await once(server.stdout, 'data')
  const load = (count, turns) =>
    fork(
      fileURLToPath(new URL('cost/load.mjs', import.meta.url)),
      [Number(port), count, turns, turns === events ? interval : 1].map(String),
    )
  try {
    // What the first streams of a process cost is not what each costs.
    const warming = load(Math.min(streams, 100), 20)
    await once(warming, 'message')
    warming.send('go')
    await once(warming, 'exit')
    const before = used(server.pid)
    const client = load(streams, events)
    await once(client, 'message')
    const exited = once(client, 'exit')
    client.send('go')
    const [{ right }] = await once(client, 'message')
    const open = used(server.pid)
    await exited
    if (right !== streams * events) throw new Error(`${right} answers of ${script} are right, expected ${streams * events}`)
    return { cpu: (open.cpu - before.cpu) / streams, kb: Math.max(0, open.kb - before.kb) / streams, idle: before.kb }
  } finally {
    server.kill('SIGKILL')
  }
}

/** The engine with one job and nothing to do: share of a core, and KB. Undefined where it is not there. */
async function idleEngine(seconds) {
  const flink = systems()[`${FLINK}, local cluster`]
  if (flink.start === undefined) return flink.missing
  const { target } = await flink.start()
  const [program, ...flags] = target
  const child = spawn(program, flags, { stdio: ['pipe', 'pipe', 'pipe'] })
  try {
    // Its first frame says that it is up.
    child.stdin.write(Buffer.alloc(57_600))
    await once(child.stdout, 'data')
    const before = used(child.pid)
    await pause(seconds * 1000)
    const after = used(child.pid)
    return { share: (after.cpu - before.cpu) / (seconds * 1000), kb: after.kb }
  } finally {
    child.kill('SIGKILL')
  }
}

async function streams(options) {
  const title = '1 000 000 streams of 10 s a day'
  if (process.platform !== 'linux') return { title, rows: [], note: 'MISSING: /proc' }
  const [count, events, interval] = options.quick ? [20, 10, 10] : [500, ASSUMED['events of a stream, one each 100 ms'], 100]
  const kinds = { 'velo-stream': 'velo-stream', 'bare ws': 'bare-ws' }
  const runs = Object.fromEntries(Object.keys(kinds).map((name) => [name, []]))
  for (let round = 0; round < options.rounds; round++)
    for (const [name, script] of Object.entries(kinds)) runs[name].push(await served(script, count, events, interval))
  const engine = await idleEngine(options.quick ? 1 : 10)
  const day = dayOf(ASSUMED['streams a day'], ASSUMED['seconds of a stream'], ASSUMED['busiest moment, times the average of the day'])
  const rows = Object.entries(runs).flatMap(([name, rounds]) => ofServer(name, rounds, day))
  if (typeof engine !== 'string') rows.push(...ofEngine(engine))
  const ratios = runs['velo-stream'].map(({ cpu }, round) => cpu / Math.max(runs['bare ws'][round].cpu, TICK / count))
  addClaim(rows, { of: 'velo-stream: CPU of a stream', peer: 'bare ws: CPU of a stream', most: true }, ratios)
  rows.push(
    { name: 'streams at once, average of the day', value: day.average, unit: '' },
    { name: 'streams at once, at most', value: day.most, unit: '' },
  )
  return { title, rows, note: typeof engine === 'string' ? engine : undefined, assumed: ASSUMED }
}

const price = (cores, gb) => 24 * (cores * ASSUMED['price of a core for an hour, USD'] + gb * ASSUMED['price of a GB for an hour, USD'])

/** A server that is there all day: the cores that the busiest moment takes, and the memory of the most streams at once. */
function ofServer(name, rounds, day) {
  const [cpu, kb, idle] = ['cpu', 'kb', 'idle'].map((figure) => middleOf(rounds.map((round) => round[figure])))
  const average = (cpu.value * ASSUMED['streams a day']) / 1000 / DAY
  const cores = (average * day.most) / day.average / ASSUMED['share of a core that may be used at the busiest moment']
  const gb = (idle.value + kb.value * day.most) / 1024 ** 2
  return [
    { name: `${name}: CPU of a stream`, ...cpu, unit: 'ms' },
    { name: `${name}: memory of an open stream`, ...kb, unit: 'KB' },
    { name: `${name}: memory of the server alone`, value: idle.value / 1024, unit: 'MB' },
    { name: `${name}: cores in use, average of the day`, value: average, unit: 'cores' },
    { name: `${name}: cores for the busiest moment`, value: cores, unit: 'cores' },
    { name: `${name}: a day`, value: price(cores, gb), unit: 'USD' },
  ]
}

/** An engine that is there all day, and whose events are taken to cost nothing: one core reserved and what it holds. */
function ofEngine({ share, kb }) {
  return [
    { name: 'Flink, a job with nothing to do: CPU', value: share, unit: 'cores' },
    { name: 'Flink, a job with nothing to do: memory', value: kb / 1024, unit: 'MB' },
    {
      name: 'Flink, one core and its memory, events for nothing: a day',
      value: price(ASSUMED['cores that the engine reserves'], kb / 1024 ** 2),
      unit: 'USD',
    },
  ]
}

export function cost(options) {
  const rounds = options.quick ? 1 : Math.min(options.rounds, 3)
  return document('cost', [streams], { ...options, rounds }, 1, versionsOf(['flink']))
}

await main(import.meta, cost)
