// The embedded journal: what it keeps a second beside a bare log and SQLite, how large its file gets, how long opening takes.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedJournal } from '../../dist/durable.js'
import { BareLog, sqliteIn } from './durable/log.mjs'
import { resume, streams, synced } from './durable/whole.mjs'
import { addClaim, contest, document, main, median } from './harness.mjs'

const STREAMS = 64
const bodies = (count, size) => Array.from({ length: count }, (_, at) => ({ at, end: false, bytes: new Uint8Array(size).fill(at) }))
const key = (at) => ({ function: 'bench', id: `s${at}` })
const init = { at: 1, seed: 1 }
const each = (count, work) => Promise.all(Array.from({ length: count }, (_, at) => work(at)))

/** Gives a folder of its own to some work. */
async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** 64 streams append, each waiting for its own events before the next ones. Answers how many are kept. */
function appends(options, rounds, batch, size) {
  const records = bodies(batch, size)
  return inFolder(async (folder) => {
    const journal = new EmbeddedJournal(folder, options)
    await each(STREAMS, async (at) => {
      const { own } = await journal.open(key(at), init)
      for (let round = 0; round < rounds; round++) await journal.append(own, round * batch, records)
    })
    const kept = await journal.unfinished('bench')
    await journal.close()
    return kept.reduce((sum, { events }) => sum + events, 0)
  })
}

async function disk(options) {
  const rounds = options.quick ? 5 : 400
  const bytes = new Uint8Array(1024)
  const contestants = {
    "sync: 'disk'": () => appends({}, rounds, 1, 1024),
    'bare log, same group commit': () =>
      inFolder(async (folder) => {
        const log = await BareLog.in(folder)
        let kept = 0
        await each(STREAMS, async () => {
          for (let round = 0; round < rounds; round++, kept++) await log.append(bytes)
        })
        await log.close()
        return kept
      }),
  }
  const claims = [{ of: "sync: 'disk'", peer: 'bare log, same group commit', bar: 0.6 }]
  const events = STREAMS * rounds
  return contest({
    title: '64 streams at once, 1 KB, synced',
    events,
    expected: events,
    contestants,
    claims,
    options: { ...options, warmup: 1 },
  })
}

async function sqlite(options) {
  const title = '1 KB, synced, against one transaction an event'
  const rounds = options.quick ? 5 : 20
  const known = await inFolder(async (folder) => {
    const database = await sqliteIn(folder)
    database?.close()
    return database !== undefined
  })
  const ours = { '64 streams at once': () => appends({}, rounds, 1, 1024) }
  const theirs = {
    'SQLite, WAL, synchronous=FULL': () =>
      inFolder(async (folder) => {
        const database = await sqliteIn(folder)
        const bytes = new Uint8Array(1024)
        for (let at = 0; at < rounds * STREAMS; at++) database.append(at % STREAMS, at, bytes)
        database.close()
        return rounds * STREAMS
      }),
  }
  const events = STREAMS * rounds
  const claims = known ? [{ of: '64 streams at once', peer: 'SQLite, WAL, synchronous=FULL', bar: 5 }] : []
  const note = known ? undefined : 'this Node.js has no node:sqlite'
  const contestants = known ? { ...ours, ...theirs } : ours
  return contest({
    title,
    events,
    expected: events,
    contestants,
    claims,
    note,
    options: { ...options, warmup: 0, rounds: Math.min(options.rounds, 5) },
  })
}

async function batches(options) {
  const rounds = options.quick ? 5 : 50
  const events = STREAMS * rounds * 64
  const contestants = { "sync: 'process'": () => appends({ sync: 'process' }, rounds, 64, 100) }
  const group = await contest({ title: '64 streams at once, batches of 64, 100 bytes', events, expected: events, contestants, options })
  addClaim(group.rows, { of: "sync: 'process'", bar: 100_000 }, group.rows[0].value)
  return group
}

/** A thousand streams save a state of 1 KB again and again; the file beside what is live in it. */
async function overwrites(options) {
  const count = options.quick ? 5_000 : 1_000_000
  const state = (events) => ({ version: 1, events, results: 0, asked: 0, bytes: new Uint8Array(1024).fill(events) })
  const rows = await inFolder(async (folder) => {
    const journal = new EmbeddedJournal(folder, { sync: 'process' })
    const begun = performance.now()
    await each(1000, async (at) => {
      const { own } = await journal.open(key(at), init)
      for (let round = 0; round < count / 1000; round++) await journal.commit(own, { state: state(round) })
    })
    const rate = (count / (performance.now() - begun)) * 1000
    const { fileBytes } = journal.metrics
    const after = await opening(folder, options)
    await journal.close()
    return [
      { name: 'states', value: rate, unit: 'commits/s' },
      { name: 'file', value: fileBytes / 1024, unit: 'KB', ratio: fileBytes / (1000 * 1024) },
      { name: 'opening, as after a kill', value: after, unit: 'ms' },
    ]
  })
  addClaim(rows, { of: 'file', peer: 'the live data', bar: 6, most: true }, rows[1].ratio)
  addClaim(rows, { of: 'opening, as after a kill', bar: 10, most: true }, rows[2].value)
  return { title: `${count} overwrites of a state of 1 KB, 1000 streams`, rows }
}

/** ms until the first answer of a copy of a folder: of one in use it is what a kill would leave. The median of some. */
async function opening(folder, options) {
  const times = []
  for (let turn = 0; turn < (options.quick ? 1 : 7); turn++) {
    times.push(
      await inFolder(async (copy) => {
        mkdirSync(copy, { recursive: true })
        copyFileSync(join(folder, 'journal.redb'), join(copy, 'journal.redb'))
        const journal = new EmbeddedJournal(copy, { sync: 'process' })
        const begun = performance.now()
        await journal.unfinished('nobody')
        const ms = performance.now() - begun
        await journal.close()
        return ms
      }),
    )
  }
  return median(times)
}

async function unfinished(options) {
  const count = options.quick ? 1_000 : 100_000
  const rows = await inFolder(async (folder) => {
    const journal = new EmbeddedJournal(folder, { sync: 'process' })
    const records = bodies(1, 200)
    await each(count, async (at) => {
      const { own } = await journal.open(key(at), init)
      await journal.append(own, 0, records)
    })
    const [killed, begun] = [await opening(folder, options), performance.now()]
    const listed = await journal.unfinished('bench')
    const listing = performance.now() - begun
    if (listed.length !== count) throw new Error(`${listed.length} streams are listed`)
    await journal.close()
    return [
      { name: 'opening, as after a kill', value: killed, unit: 'ms' },
      { name: 'opening, closed before', value: await opening(folder, options), unit: 'ms' },
      { name: 'listing them', value: listing, unit: 'ms' },
    ]
  })
  addClaim(rows, { of: 'opening, as after a kill', bar: 1000, most: true }, rows[0].value)
  return { title: `${count} unfinished streams`, rows }
}

export function durable(options) {
  return document('durable', [disk, sqlite, batches, overwrites, unfinished, streams, synced, resume], options)
}

await main(import.meta, durable)
