// The figures of journals are among the metrics, each as it is counted.

import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runtime, streamFn } from 'velo-stream'
import { journal } from 'velo-stream/durable'
import { metricsText } from 'velo-stream/telemetry'
import { familiesOf } from '../../target/js/telemetry/families.js'
import { parsed } from '../support/exposition.mjs'

/** By the path of each: what there is of it. */
function journalSamples(families, path) {
  const found = {}
  for (const { name, samples } of families) {
    const sample = samples.find(({ labels }) => labels.journal === path)
    if (sample !== undefined) found[name] = sample.value
  }
  return found
}

test('every figure has a family of its own; where there was no commit none has taken time', () => {
  const latency = { p50: 1000, p95: 2000, p99: 4000, samples: 9 }
  const none = { p50: Number.NaN, p95: Number.NaN, p99: Number.NaN, samples: 0 }
  const figures = {
    streams: 1,
    bytes: 2,
    fileBytes: 3,
    events: 4,
    commands: 5,
    commits: 6,
    syncs: 7,
    writtenBytes: 8,
    queued: 9,
    queuedBytes: 10,
  }
  Object.assign(figures, { replays: 11, replayedEvents: 12, refused: 13, reopened: 14 })
  const journals = [
    { path: '/a', ...figures, commitLatency: latency },
    { path: '/b', ...figures, commitLatency: none },
  ]
  const families = familiesOf({ ...runtime.snapshot(), workerStarts: 0, workerLosses: 0, journals }, [])
  const { velo_journal_commit_p50_seconds: p50, velo_journal_commit_p99_seconds: p99, ...others } = journalSamples(families, '/a')
  assert.deepEqual([p50, p99], [0.001, 0.004])
  assert.deepEqual(
    Object.values(others).sort((a, b) => a - b),
    Object.values(figures),
  )
  assert.equal('velo_journal_commit_p50_seconds' in journalSamples(families, '/b'), false)
})

test('a journal that is open is there with what it did', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'velo-journals-'))
  const kept = streamFn(
    async function* kept(events) {
      for await (const event of events) yield event
    },
    { durable: journal(folder) },
  )
  const stream = kept.open({ id: 'one' })
  for (let event = 0; event < 5; event++) await stream.send(event)
  const [{ path, events, commits }] = runtime.snapshot().journals
  const { samples } = parsed(metricsText())
  assert.equal(samples.get(`velo_journal_events_total{journal="${path}"}`), events)
  assert.ok(samples.get(`velo_journal_commits_total{journal="${path}"}`) >= commits)
  assert.equal(samples.get(`velo_journal_streams{journal="${path}"}`), 1)
  await stream.close()
})
