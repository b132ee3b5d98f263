// Rows of whole durable streams: what they take and give a second beside Redis, a bare log and SQLite, and how long one takes to come back.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { journal } from '../../../dist/durable.js'
import { addClaim, contest } from '../harness.mjs'
import { BareLog, sqliteIn } from './log.mjs'
import { redisOnLoopback, throughRedis } from './redis.mjs'
import { durable, left, oneByOne, orders, resumed, source, throughStreams, total } from './streams.mjs'

const STREAMS = 64
const BATCH = 64

/** Gives a journal in a folder of its own, and a function over it, to some work. */
async function withJournal(options, work) {
  const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
  const kept = journal(folder, options)
  try {
    return await work(durable(kept), folder)
  } finally {
    await kept.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Batches by 64 streams at once, kept in the system's hands; and the same state got and set in Redis. */
export async function streams(options) {
  const rounds = options.quick ? 2 : 20
  const events = STREAMS * rounds * BATCH
  const batch = orders(BATCH)
  const expected = Array(STREAMS).fill(rounds * batch.reduce((sum, { amount }) => sum + amount, 0))
  const redis = await redisOnLoopback()
  const ours = "sync: 'process', whole streams"
  const theirs = 'Redis, GET and SET an event'
  // Both stores are there before, and stay.
  const group = await withJournal({ sync: 'process' }, (fn) =>
    contest({
      title: `whole streams: ${STREAMS} at once, batches of ${BATCH}`,
      note: typeof redis === 'string' ? redis : undefined,
      events,
      expected,
      contestants: {
        [ours]: () => throughStreams(fn, STREAMS, rounds, BATCH),
        ...(typeof redis !== 'string' && { [theirs]: () => throughRedis(redis.client, STREAMS, rounds, batch) }),
      },
      claims: typeof redis === 'string' ? [] : [{ of: ours, peer: theirs, bar: 5 }],
      options: { ...options, warmup: Math.min(options.warmup, 2), rounds: Math.min(options.rounds, 7) },
    }),
  )
  if (typeof redis !== 'string') await redis.close()
  addClaim(group.rows, { of: ours, bar: 100_000 }, group.rows[0].value)
  return group
}

/** Events of 1 KB, each synced before the stream sends its next one. */
export async function synced(options) {
  const rounds = options.quick ? 3 : 40
  const event = new Uint8Array(1024).fill(7)
  const events = STREAMS * rounds
  const ours = "sync: 'disk', whole streams"
  const log = 'bare log, same group commit'
  const sqlite = 'SQLite, WAL, synchronous=FULL'
  const inFolder = async (work) => {
    const folder = mkdtempSync(join(tmpdir(), 'velo-bench-'))
    try {
      return await work(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  const known = await inFolder(async (folder) => {
    const database = await sqliteIn(folder)
    database?.close()
    return database !== undefined
  })
  const contestants = {
    [ours]: () => withJournal({}, (fn) => oneByOne(fn, STREAMS, rounds, event)),
    [log]: () =>
      inFolder(async (folder) => {
        const file = await BareLog.in(folder)
        let kept = 0
        await Promise.all(
          Array.from({ length: STREAMS }, async () => {
            for (let round = 0; round < rounds; round++, kept++) await file.append(event)
          }),
        )
        await file.close()
        return kept
      }),
    ...(known && {
      [sqlite]: () =>
        inFolder(async (folder) => {
          const database = await sqliteIn(folder)
          for (let at = 0; at < events; at++) database.append(at % STREAMS, at, event)
          database.close()
          return events
        }),
    }),
  }
  return contest({
    title: `whole streams: ${STREAMS} at once, 1 KB, synced`,
    note: known ? undefined : 'MISSING: this Node.js has no node:sqlite, so nothing is compared with SQLite',
    events,
    expected: events,
    contestants,
    // That of the journal alone is in the group `disk`.
    claims: [{ of: ours, peer: log }, ...(known ? [{ of: ours, peer: sqlite, bar: 5 }] : [])],
    options: { ...options, warmup: Math.min(options.warmup, 1), rounds: Math.min(options.rounds, 5) },
  })
}

/** A stream that was left comes back by replay; beside it, the function alone over the same events. */
export async function resume(options) {
  const count = options.quick ? 500 : 10_000
  const events = orders(count)
  const again = 'resume by replay'
  const bare = 'the function alone'
  return withJournal({ sync: 'process' }, async (fn) => {
    await left(fn, 'left', events)
    return contest({
      title: `resume of ${count} events`,
      events: count,
      expected: [count, count],
      contestants: {
        [again]: () => resumed(fn, 'left'),
        [bare]: async () => {
          let results = 0
          for await (const _ of total(source(events))) results++
          return [count, results]
        },
      },
      claims: [{ of: again, peer: bare, bar: 3, most: true }],
      options,
    })
  })
}
