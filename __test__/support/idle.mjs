// Idleness as a clock: where an idle timeout must have had its time, another one that runs out says so. Owns the control stream; it is no pause.

import assert from 'node:assert/strict'
import { streamFn } from 'velo-stream'
import { within } from './within.mjs'

const IDLE = 'idle'

async function* rest(events) {
  for await (const _ of events);
  yield IDLE
}

/** Resolves when a silent stream of its own has been idle for `ms`: a timer of the same make as the ones under test, and one that began later. */
export async function afterIdle(ms) {
  const stream = streamFn(rest, { idleTimeout: ms }).open()
  assert.equal(await within(10_000 + ms, stream.recv(), 'the control stream'), IDLE)
}
