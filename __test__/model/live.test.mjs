// Live streams against a plain model of the rules: random sequences of everything that can be asked of a stream, on functions of several
// shapes. fast-check prints the seed of a failure and the shortest script that still fails. VELO_MODEL_RUNS raises the number of scripts.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'
import { Model } from './model.mjs'
import { BUFFERS, finale, LIMIT, Script, settings, step, waitingStep } from './script.mjs'
import { shapes } from './shapes.mjs'

const buffer = fc.constantFrom(...BUFFERS)
const names = Object.keys(shapes)

describe('rules 1 to 19, step by step: the stream is where the model is whenever nothing moves', () => {
  for (const name of names) {
    test(name, { timeout: 600_000 }, async () => {
      const property = fc.asyncProperty(buffer, fc.array(step(), { maxLength: 40 }), finale, async (size, steps, how) => {
        const model = new Model(shapes[name], size)
        const script = new Script(name, { buffer: size }, model)
        const run = async () => {
          for (const one of steps) {
            script.apply(one)
            await script.rest()
          }
          return script.finish(how)
        }
        const end = await within(LIMIT, run(), 'the script')
        assert.equal(end.reason, model.reason)
        assert.equal('error' in end, model.reason === 'failed' || model.reason === 'aborted')
        if (model.error !== undefined) assert.ok(Object.is(end.error, model.error.is), 'closed tells the very error')
      })
      await fc.assert(property, settings(1 / names.length))
    })
  }
})

describe('rules 1, 3, 4, 16 and 19, in bursts: what must hold holds however calls fall together', () => {
  for (const name of names) {
    test(name, { timeout: 600_000 }, async () => {
      const bursts = fc.array(step(fc.boolean()), { maxLength: 60 })
      const property = fc.asyncProperty(buffer, bursts, finale, async (size, steps, how) => {
        const script = new Script(name, { buffer: size })
        const run = async () => {
          for (const one of steps) {
            script.apply(one)
            script.checkNow(size)
            if (one.rest) await script.rest()
          }
          return script.finish(how)
        }
        await within(LIMIT, run(), 'the script')
      })
      await fc.assert(property, settings(1 / names.length))
    })
  }
})

describe('rule 14, in line for a place: whatever is asked before the admission holds after it', () => {
  for (const name of names) {
    test(name, { timeout: 600_000 }, async () => {
      const property = fc.asyncProperty(buffer, fc.array(waitingStep, { maxLength: 40 }), finale, async (size, steps, how) => {
        const script = new Script(name, { buffer: size, maxConcurrent: 1, queue: 1 })
        assert.equal(script.stream.state, 'waiting')
        const run = async () => {
          for (const one of steps) {
            script.apply(one)
            script.checkNow(size)
            if (one.rest) await script.rest()
          }
          return script.finish(how)
        }
        await within(LIMIT, run(), 'the script')
      })
      await fc.assert(property, settings(1 / 2 / names.length))
    })
  }
})

describe('rule 13, when nobody sends any more: the input ends by idleness, and everything is accounted for', () => {
  for (const name of names.filter((one) => one !== 'deaf')) {
    test(name, { timeout: 600_000 }, async () => {
      const bursts = fc.array(step(fc.boolean()), { maxLength: 20 })
      const property = fc.asyncProperty(buffer, bursts, async (size, steps) => {
        const script = new Script(name, { buffer: size, idleTimeout: 20 })
        const run = async () => {
          for (const one of steps) {
            script.apply(one)
            if (one.rest) await script.rest()
          }
          const waited = await script.fallSilent()
          const end = await script.verify()
          if (waited) assert.equal(end.reason, 'idle')
        }
        await within(LIMIT, run(), 'the script')
      })
      await fc.assert(property, settings(1 / 100 / names.length))
    })
  }
})

noUnhandledRejections('rule 16')
