// A failure of the native core that is no call's own: told by a warning, once a kind, and nothing else stops.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Trouble, Verdict } from '../../target/js/engine/border/law.js'
import { output } from '../support/child.mjs'
import { binary } from '../support/native.mjs'
import { root } from '../support/sources.mjs'

const shim = join(root, '__test__', 'fixtures', 'troubled.cjs')

test('a panic and a lost timer thread are told once each as VELO_BUG, and timeouts go on', async () => {
  assert.equal(Verdict.Trouble, 9, 'as the fixture has it')
  const troubles = [Trouble.Panic, Trouble.NoTimer, Trouble.Panic, Trouble.Timer]
  const printed = await output(`
    Object.assign(process.env, {
      NAPI_RS_NATIVE_LIBRARY_PATH: ${JSON.stringify(shim)},
      VELO_TEST_BINARY: ${JSON.stringify(binary)},
      VELO_TEST_TROUBLES: '${JSON.stringify(troubles)}',
    })
    process.removeAllListeners('warning') // Node prints them
    const told = []
    process.on('warning', ({ name, code, message }) => told.push([name, code, message.split(' ').slice(0, 6).join(' ')]))
    const { streamFn } = await import('velo-stream')
    const stream = streamFn(async function* (events) { yield* events }, { idleTimeout: 0 }).open()
    const { code } = await stream.recv({ timeout: 5 }).catch((error) => error)
    await stream.close()
    process.on('exit', () => console.log(JSON.stringify({ code, told })))
  `)
  assert.deepEqual(JSON.parse(printed), {
    code: 'VELO_TIMEOUT',
    told: [
      ['VeloWarning', 'VELO_BUG', 'the native core panicked; what it'],
      ['VeloWarning', 'VELO_BUG', 'there is no timer thread: no'],
      ['VeloWarning', 'VELO_BUG', 'the timer thread panicked and was'],
    ],
  })
})
