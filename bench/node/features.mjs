// The rate of a stream with one feature on, as a ratio to the same stream without: a table of docs/performance.md.
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import { fileURLToPath } from 'node:url'
import { streamFn } from '../../dist/index.js'
import { addClaim, checkAnswer, contest, document, freshCopy, main, median } from './harness.mjs'
import { averages, numbers } from './work.mjs'

const BAR = 0.5
const MINUTE = 60_000
const neverAborted = new AbortController().signal
const plainSchema = { '~standard': { version: 1, vendor: 'bench', validate: (value) => ({ value }) } }

/** What each feature adds: options of the function, options of the call, something around the run. */
const features = {
  plain: {},
  signal: { call: { signal: neverAborted } },
  schema: { options: { schema: plainSchema } },
  'idleTimeout, maxDuration, maxStall': { options: { idleTimeout: MINUTE, maxDuration: MINUTE, maxStall: MINUTE } },
  'diagnostics subscriber': { around: withSubscriber },
}

/** The paths the table has a row for. */
const paths = {
  'run(array)': (_pieces, fn, events, call) => fn.run(events, call),
  'run(source)': (pieces, fn, events, call) => fn.run(pieces.minimal(events), call),
  'open, send, for await': (pieces, fn, events, call) => pieces.throughStream(fn, events, call),
  'ping-pong': (pieces, fn, events, call) => pieces.pingPong(fn, events, call),
}

async function pieces(name) {
  const files = ['work.mjs', 'live.mjs', 'peers/minimal.mjs']
  return Object.assign({}, ...(await Promise.all(files.map((file) => freshCopy(file, name)))))
}

async function withSubscriber(work) {
  let seen = 0
  const subscriber = Object.fromEntries(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((name) => [name, () => seen++]))
  const channel = tracingChannel('velo:stream')
  channel.subscribe(subscriber)
  const answer = await work()
  channel.unsubscribe(subscriber)
  if (seen === 0) throw new Error('the subscriber was told nothing')
  return answer
}

async function onePath(path, options) {
  const events = numbers(options.quick ? 1_000 : 30_000)
  const contestants = {}
  for (const [name, { options: given, call, around = (work) => work() }] of Object.entries(features)) {
    const own = await pieces(`${path} ${name}`)
    const fn = streamFn(own.average, given)
    contestants[name] = () => around(() => paths[path](own, fn, events, call))
  }
  const claims = Object.keys(features)
    .slice(1)
    .map((of) => ({ of, peer: 'plain', bar: BAR }))
  return contest({ title: path, events: events.length, expected: averages(events), contestants, claims, options })
}

/**
 * AsyncLocalStorage has processes of its own: on Node 20 the first `run` of a storage slows every promise of the process for good, so
 * a plain contestant beside it would not be plain any more. The bare generator shows what the platform itself takes.
 */
async function asyncLocalStorage(options) {
  const script = fileURLToPath(import.meta.url)
  const bare = 'bare async function*'
  const names = [...Object.keys(paths), bare]
  const times = Object.fromEntries(names.flatMap((name) => [`${name}, plain`, `${name}, active`]).map((key) => [key, []]))
  for (let round = 0; round < (options.quick ? 1 : 5); round++) {
    for (const key of Object.keys(times)) {
      const answer = execFileSync(process.execPath, [script, '--child', key, options.quick ? '1000' : '50000'], { encoding: 'utf8' })
      times[key].push(Number(answer))
    }
  }
  const rows = names.map((name) => ({ name, value: 1e9 / median(times[`${name}, active`]), unit: 'events/s' }))
  for (const name of names) {
    const ratio = median(times[`${name}, plain`].map((plain, round) => plain / times[`${name}, active`][round]))
    addClaim(rows, { of: name, peer: 'the same without', bar: name === bare ? undefined : BAR }, ratio)
  }
  const beside = median(times[`${bare}, active`].map((peer, round) => peer / times['run(source), active'][round]))
  addClaim(rows, { of: 'run(source)', peer: `${bare} with it` }, beside)
  return { title: 'AsyncLocalStorage active', rows }
}

/** One contestant in a process of its own: prints the median ns per event. */
async function child(key, n) {
  const [name, mode] = [key.slice(0, key.lastIndexOf(',')), key.slice(key.lastIndexOf(',') + 2)]
  const events = numbers(n)
  const own = await pieces(key)
  const fn = streamFn(own.average)
  const work = name in paths ? () => paths[name](own, fn, events) : () => own.gather(own.average(own.minimal(events)))
  const storage = new AsyncLocalStorage()
  const times = []
  for (let round = -3; round < 5; round++) {
    const start = performance.now()
    const answer = await (mode === 'active' ? storage.run({ user: 1 }, work) : work())
    if (round >= 0) times.push(((performance.now() - start) * 1e6) / n)
    checkAnswer(key, answer, averages(events))
  }
  process.stdout.write(`${median(times)}\n`)
  process.exit(0)
}

export function featureTable(options) {
  const groups = Object.keys(paths).map((path) => Object.defineProperty((given) => onePath(path, given), 'name', { value: path }))
  return document('features', [...groups, asyncLocalStorage], options)
}

if (process.argv[2] === '--child') await child(process.argv[3], Number(process.argv[4]))
await main(import.meta, featureTable)
