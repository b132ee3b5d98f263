// What must hold after each test: no stream is open, and no listener was left behind.

import assert from 'node:assert/strict'
import { runtime } from 'velo-stream'
import { until } from '../../support/deferred.mjs'

/** Waits for the streams to be over. */
export async function settled(ms = 10_000) {
  await until(ms, () => runtime.snapshot().streamsOpen === 0, 'streams are still open')
  assert.equal(runtime.snapshot().streamsDetached, 0)
}

/** Counts the listeners of an emitter. */
export const listeners = (emitter) => emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0)
